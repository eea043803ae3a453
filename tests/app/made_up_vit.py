"""A made-up Vision Transformer that answers at once, for the tests of its tab."""

from __future__ import annotations

import numpy as np

from engines.core.errors import LabError
from engines.vit.events import ModelInfo, PhotoGrid, Prediction
from engines.vit.watch import spec
from engines.vit.watch.spec import WatchParams

LAYERS, HEADS, ROWS, COLS = 4, 3, 4, 6
PHOTO = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)
ASKED: list[WatchParams] = []


class MadeUp:
    """Answers at once with random weights; a class head, two grids, and no weights of all heads on request."""

    labels: tuple[str, ...] = ("cat", "dog, hound", "ship", "frog", "horse", "deer")
    whole = True

    def __init__(self):
        self._answers = {}

    def run(self, job):
        params = job.params
        ASKED.append(params)
        if params.model == "broken":
            raise LabError("{name}: the file is truncated.", name="broken")
        rows, cols = (ROWS, COLS) if params.resolution < 300 else (2 * ROWS, 2 * COLS)
        photo = PHOTO if params.picture is None else params.picture.rgb
        name = "Cat" if params.picture is None else params.picture.name
        yield ModelInfo("mini", "Mini ViT", "vit", LAYERS, HEADS, 24, 4, (224, 448, 14), self.labels, 1000,
                        parts=(300, 24, 400, 250, 26))  # fmt: skip
        yield PhotoGrid(name, photo, rows, cols, 1, (0.0, 0.0, photo.shape[1], photo.shape[0]), photo)
        yield self.answer(params, rows, cols)

    def answer(self, params, rows, cols):
        tokens, layer = 1 + rows * cols, min(params.layer, LAYERS)
        head, token = min(params.head, HEADS), (params.pinned if params.hovered is None else params.hovered) or 0
        weights = np.stack([random_weights((layer, h, rows), tokens, params.temperature) for h in range(HEADS)])
        off = np.zeros((LAYERS, HEADS), bool)
        for at, one in params.heads_off:
            off[at - 1, one - 1] = True
        bits = -(weights * np.log2(weights)).sum(-1).mean(1)
        heads = spec.HeadMaps(
            layer, token, weights[:, token], weights[:, :, token], bits, bits[::-1].copy(), off[layer - 1]
        )
        held = tuple(range(1, HEADS + 1)) if self.whole else (head,)
        some = spec.LayerWeights(layer, held, weights if self.whole else weights[head - 1 : head])
        rows_of_class = np.stack(
            [[random_weights((a, b, rows), tokens)[0] for b in range(HEADS)] for a in range(LAYERS)]
        )
        flat = np.full((LAYERS, HEADS), 2.0, np.float32)
        changed = params.temperature != 1 or bool(params.heads_off)
        shares = np.array([0.5, 0.2, 0.1, 0.05, 0.02], np.float32)
        named = bool(self.labels)
        prediction = Prediction(
            changed,
            self.labels[:5],
            shares + 0.01 * changed if named else shares[:0],
            shares if named else shares[:0],
            self.labels[0] if named else "",
            np.full(LAYERS, 0.9 if changed else 1, np.float32),
        )
        overlay = None
        if params.overlay in (spec.ROLLOUT, spec.SIMILARITY):
            overlay = spec.Overlay(params.overlay, layer, weights.mean(0))
        elif params.overlay == spec.PCA:
            colors = np.random.default_rng(1).random((rows, cols, 3), dtype=np.float32)
            overlay = spec.Overlay(spec.PCA, layer, None, colors, np.array([0.4, 0.2, 0.1], np.float32))
        return spec.Answer(head, heads, some, spec.ClassTokenMaps(rows_of_class, flat, flat, off), prediction, overlay)


class Headless(MadeUp):
    labels = ()


class OneHead(MadeUp):
    """As a large grid: only the chosen head's weights are sent whole."""

    whole = False


def random_weights(seed, tokens, temperature=1.0):
    scores = np.random.default_rng(seed).normal(0, 2, (tokens, tokens)) / temperature
    made = np.exp(scores - scores.max(-1, keepdims=True))
    return (made / made.sum(-1, keepdims=True)).astype(np.float32)
