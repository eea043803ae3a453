"""Drawn scenes: the boxes are those of the pixels, and the promises about overlap hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engines.data.scene_pool import ScenePool, turn
from engines.data.scenes import (
    BACKGROUNDS,
    DEFAULT_SCENE,
    KINDS,
    MAX_IOU,
    MOST,
    TEXTURES,
    Shape,
    box_iou,
    box_of,
    contains,
    draw_background,
    random_background,
    random_drawing,
    random_scene,
    render,
    sample_photos,
)

BLACK = np.zeros(3, np.uint8)


def shape(kind, **changes):
    return dataclasses.replace(Shape(kind, 0.45, 0.55, 0.5, 25.0, (255, 255, 255)), **changes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.0, 17.0, 90.0, 200.0])
def test_the_box_is_tight_around_the_drawn_pixels(kind, angle):
    size = 200
    rgb, boxes = render([shape(kind, angle=angle)], BLACK, size)
    ys, xs = np.nonzero(rgb[..., 0] > 127)
    drawn = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    np.testing.assert_allclose(boxes[0], drawn, atol=1.6)  # a sharp corner fills less than half of its last pixel


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_that_reaches_over_the_border_is_cut_with_its_box(kind):
    rgb, boxes = render([shape(kind, x=0.02, y=0.98)], BLACK, 100)
    assert rgb.max() == 255
    assert boxes.min() >= 0
    assert boxes.max() <= 100
    outside, boxes = render([shape(kind, x=3.0, y=3.0)], BLACK, 50)
    assert outside.max() == 0
    assert boxes.shape == (1, 4)


def test_contains_agrees_with_the_pixels():
    rng = np.random.default_rng(0)
    for kind in set(KINDS) - {"ring"}:
        one = shape(kind)
        rgb, _ = render([one], BLACK, 300)
        for x, y in rng.uniform(0.1, 0.9, (60, 2)):
            patch = rgb[int(y * 300) - 2 : int(y * 300) + 3, int(x * 300) - 2 : int(x * 300) + 3, 0]
            if patch.min() == patch.max():  # away from the edge
                assert contains(one, x, y) == (patch[2, 2] > 127)
    ring = shape("ring")
    assert contains(ring, ring.x, ring.y)  # so that it can be grabbed in the middle


@pytest.mark.parametrize("texture", TEXTURES)
def test_textures_stay_inside_the_shape_and_turn_with_it(texture):
    one = shape("circle", texture=texture, color=(200, 60, 30))
    rgb, _ = render([one], BLACK, 96)
    plain, _ = render([shape("circle", color=(200, 60, 30))], BLACK, 96)
    assert ((rgb.sum(-1) > 0) == (plain.sum(-1) > 0)).all()
    if texture != "plain":
        turned, _ = render([dataclasses.replace(one, angle=one.angle + 33)], BLACK, 96)
        assert np.abs(rgb.astype(int) - turned).max() > 20


def test_random_scenes_keep_their_promises():
    overlaps, counts, backgrounds = [], set(), []
    for seed in range(150):
        scene = random_scene(np.random.default_rng(seed))
        counts.add(len(scene.shapes))
        backgrounds.append(scene.rgb.std())
        assert scene.rgb.shape == (96, 96, 3)
        assert scene.boxes.shape == (len(scene.labels), 4)
        assert ((scene.boxes >= 0) & (scene.boxes <= 1)).all()
        for index, one in enumerate(scene.shapes):
            assert KINDS[scene.labels[index]] == one.kind
            np.testing.assert_array_equal(scene.boxes[index], box_of(one))
            overlaps += box_iou(scene.boxes[index], scene.boxes[:index]).tolist()
            alone, _ = render([dataclasses.replace(one, color=(255, 255, 255), texture="plain")], BLACK, 96)
            assert (scene.owner == index).sum() >= 0.45 * (alone[..., 0] > 127).sum()
    assert counts == set(range(MOST + 1))
    assert max(overlaps) <= MAX_IOU
    assert max(overlaps) > 0.4  # crowded scenes do occur


def test_a_seed_makes_one_scene_and_a_drawing_renders_at_any_size():
    a, b = (random_scene(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a.rgb, b.rgb)
    drawing = random_drawing(7)
    assert drawing == random_drawing(7)
    small = render(drawing.shapes, draw_background(drawing, 96), 96)
    large = render(drawing.shapes, draw_background(drawing, 96), 384)
    np.testing.assert_allclose(large[1], small[1] * 4, atol=1e-3)
    averaged = large[0].reshape(96, 4, 96, 4, 3).mean((1, 3))
    assert np.abs(averaged - small[0]).mean() < 12
    assert {one.kind for one in DEFAULT_SCENE.shapes} == set(KINDS)


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_fill_the_square(kind):
    made = random_background(np.random.default_rng(1), 64, kind=kind)
    assert made.shape == (64, 64, 3)
    assert made.dtype == np.uint8
    photo = np.arange(30 * 50 * 3, dtype=np.uint8).reshape(30, 50, 3)
    assert random_background(np.random.default_rng(1), 64, [photo], kind).shape == (64, 64, 3)


def test_a_photo_behind_the_shapes_is_cut_to_its_middle_square():
    photo = np.zeros((40, 100, 3), np.uint8)
    photo[:, 30:70] = 200
    assert (render([], photo, 40)[0] == 200).all()


def test_sample_photos_are_pictures():
    photos = sample_photos()
    assert len(photos) >= 2
    assert all(photo.ndim == 3 and photo.shape[2] == 3 and max(photo.shape[:2]) <= 320 for photo in photos)


@pytest.mark.parametrize("symmetry", range(8))
def test_turning_a_scene_turns_its_boxes_and_owners(symmetry):
    scene = random_scene(np.random.default_rng(3))
    rgb, owner, boxes = turn(scene.rgb, scene.owner, scene.boxes, symmetry)
    assert rgb.shape == scene.rgb.shape
    for index, box in enumerate(boxes):
        ys, xs = np.nonzero(owner == index)
        assert box[0] * 96 - 1 <= xs.min() <= xs.max() < box[2] * 96 + 1
        assert box[1] * 96 - 1 <= ys.min() <= ys.max() < box[3] * 96 + 1
    with_pixel = np.flatnonzero((rgb == scene.rgb[0, 0]).all(-1).ravel())
    assert len(with_pixel)


def test_the_pool_draws_few_scenes_and_shows_many():
    pool = ScenePool(np.random.default_rng(0), capacity=12, reuse=4)
    for _ in range(4):
        batch = pool.batch(8)
        assert batch.rgb.shape == (8, 96, 96, 3)
        assert batch.boxes.shape == (8, MOST, 4)
        assert (batch.counts <= MOST).all()
    assert pool.filled == 12
    at = pool.at
    pool.batch(8)
    assert (pool.at - at) % 12 == 2
