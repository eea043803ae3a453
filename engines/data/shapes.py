"""Colored shapes: their outlines, boxes and how they are drawn. Numpy and Pillow only.

Lengths are shares of the scene's side, so that one scene can be rendered at any size.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

KINDS = ("square", "circle", "triangle", "star", "ring", "cross")
TEXTURES = ("plain", "stripes", "checks", "dots", "noise")

RING_HOLE = 0.55  # inner radius of a ring, as a share of the outer one
STAR_NOTCH = 0.45  # inner radius of a star
CROSS_ARM = 0.3  # half width of a cross's arm, as a share of its circumscribed radius
SUPERSAMPLE = 4  # sub-pixels per pixel and axis when a mask is drawn
MIN_VISIBLE = 0.5  # share of a shape's pixels that later shapes leave uncovered in a careful drawing


@dataclass(frozen=True)
class Shape:
    """One shape of a scene.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    x, y : float
        Center, as a share of the scene's width and height.
    size : float
        Diameter of the circumscribed circle, as a share of the scene's side.
    angle : float
        Rotation in degrees, clockwise on the screen.
    color : tuple of int
        Red, green, blue, 0 to 255.
    texture : str
        One of ``TEXTURES``.
    """

    kind: str
    x: float
    y: float
    size: float
    angle: float
    color: tuple[int, int, int]
    texture: str = "plain"


@cache
def outline(kind: str) -> np.ndarray | None:
    """Corners (N, 2) of a polygonal kind in its circumscribed unit circle; None for round kinds."""
    if kind in ("circle", "ring"):
        return None
    if kind == "cross":
        a, b = CROSS_ARM, math.sqrt(1 - CROSS_ARM**2)
        quarter = np.array([[a, -a], [b, -a], [b, a]])
        turns = [np.array([[c, -s], [s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
        return np.concatenate([quarter @ turn.T for turn in turns])
    corners = {"square": 4, "triangle": 3, "star": 10}[kind]
    angles = np.arange(corners) * (2 * math.pi / corners) - math.pi / 2
    radii = np.where(np.arange(corners) % 2, STAR_NOTCH, 1.0) if kind == "star" else np.ones(corners)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def corners_of(shape: Shape) -> np.ndarray | None:
    """Corners (N, 2) of a shape in scene coordinates 0..1; None for round kinds."""
    points = outline(shape.kind)
    if points is None:
        return None
    c, s = math.cos(math.radians(shape.angle)), math.sin(math.radians(shape.angle))
    return points @ np.array([[c, s], [-s, c]]) * (shape.size / 2) + (shape.x, shape.y)


def box_of(shape: Shape) -> np.ndarray:
    """Tight box (4,) xyxy of the whole shape in scene coordinates, cut at the scene's border."""
    points = corners_of(shape)
    if points is None:
        points = np.array([[shape.x, shape.y]]) + np.array([[-1.0, -1.0], [1.0, 1.0]]) * (shape.size / 2)
    return np.concatenate([points.min(0), points.max(0)]).clip(0, 1).astype(np.float32)


def contains(shape: Shape, x: float, y: float) -> bool:
    """Whether the point lies in the shape's outline (a ring's hole counts: it is how one grabs a ring)."""
    points = corners_of(shape)
    if points is None:
        return math.hypot(x - shape.x, y - shape.y) <= shape.size / 2
    ahead = np.roll(points, -1, axis=0)
    crosses = (points[:, 1] > y) != (ahead[:, 1] > y)
    rise = np.where(crosses, ahead[:, 1] - points[:, 1], 1.0)
    at = points[:, 0] + (y - points[:, 1]) / rise * (ahead[:, 0] - points[:, 0])
    return bool((crosses & (x < at)).sum() % 2)


class Canvas:
    """A square picture on which shapes are drawn one over the other.

    Parameters
    ----------
    background : ndarray uint8 (S, S, 3)
    """

    def __init__(self, background: np.ndarray) -> None:
        self.size = background.shape[0]
        self.rgb = background.astype(np.float32)  # (S, S, 3)
        self.owner = np.full(background.shape[:2], -1, np.int8)
        self.areas: list[int] = []  # pixels of each shape before occlusion

    def window(self, shape: Shape) -> tuple[int, int, int, int]:
        """Pixels x0, y0, x1, y1 that the shape may touch."""
        reach = shape.size / 2
        low, high = (
            (int((c - reach) * self.size) for c in (shape.x, shape.y)),
            (int((c + reach) * self.size) + 1 for c in (shape.x, shape.y)),
        )
        x0, y0 = (min(max(v, 0), self.size) for v in low)
        x1, y1 = (min(max(v, 0), self.size) for v in high)
        return x0, y0, x1, y1

    def mask(self, shape: Shape, window: tuple[int, int, int, int]) -> np.ndarray:
        """Coverage 0..1 of each pixel of the window, float32 (h, w)."""
        x0, y0, x1, y1 = window
        fine = Image.new("L", ((x1 - x0) * SUPERSAMPLE, (y1 - y0) * SUPERSAMPLE))
        draw = ImageDraw.Draw(fine)

        def place(points: np.ndarray) -> np.ndarray:
            return (points * self.size - (x0, y0)) * SUPERSAMPLE - 0.5

        points = corners_of(shape)
        if points is not None:
            draw.polygon(list(map(tuple, place(points).tolist())), fill=255)
        else:
            center = np.array([[shape.x, shape.y], [shape.x, shape.y]])
            corner = np.array([[-0.5, -0.5], [0.5, 0.5]]) * shape.size
            draw.ellipse(place(center + corner).ravel().tolist(), fill=255)
            if shape.kind == "ring":
                draw.ellipse(place(center + corner * RING_HOLE).ravel().tolist(), fill=0)
        return np.asarray(fine.reduce(SUPERSAMPLE), np.float32) / 255

    def hides_too_much(self, inside: np.ndarray, window: tuple[int, int, int, int]) -> bool:
        """Whether drawing over the pixels ``inside`` (bool, of the window) would leave an earlier shape unseen."""
        if not self.areas:
            return False
        x0, y0, x1, y1 = window
        seen = np.bincount(self.owner.ravel() + 1, minlength=len(self.areas) + 1)
        covered = np.bincount(self.owner[y0:y1, x0:x1][inside] + 1, minlength=len(self.areas) + 1)
        return bool(((seen - covered)[1:] < MIN_VISIBLE * np.array(self.areas)).any())

    def add(self, shape: Shape, careful: bool = False) -> bool:
        """Draw a shape on top; with ``careful`` not if it would hide an earlier one. Returns whether it was drawn."""
        window = x0, y0, x1, y1 = self.window(shape)
        if x1 <= x0 or y1 <= y0:
            self.areas.append(0)
            return True
        mask = self.mask(shape, window)
        inside = mask >= 0.5
        if careful and self.hides_too_much(inside, window):
            return False
        self.owner[y0:y1, x0:x1][inside] = len(self.areas)
        self.areas.append(int(inside.sum()))
        under = self.rgb[y0:y1, x0:x1]
        under += (paint(shape, window, self.size) - under) * mask[..., None]
        return True

    def picture(self) -> np.ndarray:
        """The scene so far, uint8 (S, S, 3)."""
        return (self.rgb + 0.5).clip(0, 255).astype(np.uint8)


def paint(shape: Shape, window: tuple[int, int, int, int], size: int) -> np.ndarray:
    """Color (h, w, 3) or (3,), float32, of the shape's surface in a window of a scene of ``size`` pixels."""
    color = np.array(shape.color, np.float32)
    if shape.texture == "plain":
        return color
    other = np.where(color.mean() > 110, color * 0.55, color * 0.6 + 90).astype(np.float32)
    if shape.texture == "noise":
        cells = np.random.default_rng(zlib.crc32(repr(shape.color).encode())).random((24, 24), np.float32)
        u, v = local_grid(shape, window, size)
        share = cells[(v * 12 + 12).astype(np.int32).clip(0, 23), (u * 12 + 12).astype(np.int32).clip(0, 23)]
        return color + (other - color) * share[..., None]
    u, v = local_grid(shape, window, size)
    if shape.texture == "stripes":
        share = np.floor(u * 3.5) % 2
    elif shape.texture == "checks":
        share = (np.floor(u * 3) + np.floor(v * 3)) % 2
    else:
        share = ((u * 3 % 1 - 0.5) ** 2 + (v * 3 % 1 - 0.5) ** 2 < 0.09).astype(np.float32)
    return color + (other - color) * share[..., None]


def local_grid(shape: Shape, window: tuple[int, int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates u, v (h, w) of the window's pixels, in -1..1 along the shape's own axes."""
    x0, y0, x1, y1 = window
    c, s = math.cos(math.radians(shape.angle)), math.sin(math.radians(shape.angle))
    dx = ((np.arange(x0, x1, dtype=np.float32) + 0.5) / size - shape.x) * (2 / shape.size)
    dy = ((np.arange(y0, y1, dtype=np.float32) + 0.5) / size - shape.y) * (2 / shape.size)
    return c * dx[None] + s * dy[:, None], c * dy[:, None] - s * dx[None]
