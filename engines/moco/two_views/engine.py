"""Answers the page "Two views": one picture seen twice, and the contrast of the one view with the keys of the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.core.training import Weights
from engines.data.class_folders import squared
from engines.moco.augment import views
from engines.moco.load import load_encoder
from engines.moco.model import Encoder, contrast_logits
from engines.moco.parts import encode, recipe, restored
from engines.moco.parts import encoder as fresh
from engines.moco.pictures import SIDE, PictureSet, Wanted, kept
from engines.moco.saved import bundled
from engines.moco.spec import BUNDLED, THIS_RUN, MocoParams
from engines.moco.two_views.spec import GALLERY, SHOWN, NotThere, ViewsFrame

GRAY = 128  # of a key that is of no picture
MOST = 256  # keys that are made anew while a slider moves


class Dictionary:
    """Keys to contrast with: a run's, or, for other encoders, of the first K pictures, made once."""

    def __init__(self, keys: Tensor, ages: Tensor, pictures: Tensor) -> None:
        self.keys, self.ages, self.pictures = keys, ages, pictures  # (K, dim), (K,), (K,)


class Engine:
    """Keeps pictures, encoder and keys; a slider of the views costs two small pictures through two encoders."""

    def __init__(self) -> None:
        self._sets: Memo[PictureSet] = Memo()
        self._pairs: Memo[tuple[Encoder, Encoder]] = Memo()
        self._keys: Memo[Dictionary] = Memo()

    def run(self, job: Job[MocoParams]) -> Iterator[Event]:
        """One `ViewsFrame`, or `NotThere`."""
        params = job.params
        state = params.weights if params.encoder == THIS_RUN else None
        try:
            found = yield from kept(self._sets, Wanted(params.data, params.paths))
            made_of = params.encoder, state, params.seed, params.mlp
            query, key = self._pairs.get(made_of, lambda: encoders(params, state))
        except LabError as error:
            yield NotThere(error.message)
            return
        filled = key, state, found, params.queue_size, recipe(params, 2)
        keys = self._keys.get(filled, lambda: encoded(params, found, key) if state is None else of_run(state))
        yield views_frame(params, found, query, key, keys)


def encoders(params: MocoParams, state: Weights | None) -> tuple[Encoder, Encoder]:
    """The query's and the key's encoder: those of a run's state, or one that is both.

    Raises
    ------
    LabError
        If the bundled one is asked for and this copy has none.
    """
    if params.encoder == BUNDLED:
        if not bundled():
            raise LabError("The bundled encoder is missing.")
        one: Encoder = load_encoder()
    elif state is not None:
        return restored(state)
    else:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(params.seed)
            one = fresh(params.mlp).eval()
    return one, one


def of_run(state: Weights) -> Dictionary:
    """The keys that a run's state holds."""
    return Dictionary(*(torch.from_numpy(state.arrays[name]) for name in ("keys", "ages", "pictures")))


@torch.no_grad()
def encoded(params: MocoParams, found: PictureSet, key: Encoder) -> Dictionary:
    """One view each of the first K pictures: what a queue would hold if the encoder stood still."""
    count = min(params.queue_size, len(found.pixels), MOST)
    pixels = torch.from_numpy(found.pixels[:count]).permute(0, 3, 1, 2)
    made = views(pixels.float() / 255, recipe(params, 2), torch.Generator().manual_seed(1))
    shown = (made * 255).round().byte()
    return Dictionary(_vectors(key, shown), torch.zeros(count, dtype=torch.int64), torch.arange(count))


@torch.no_grad()
def _vectors(encoder: Encoder, pixels: Tensor) -> Tensor:
    """Vectors of length 1 for uint8 (n, 3, 32, 32), normalized as this encoder takes it."""
    own = getattr(encoder, "prepare", None)
    if own is None:
        return encode(encoder, pixels, head=True)
    found: Tensor = F.normalize(encoder(own(pixels)), dim=1)
    return found


def chosen(params: MocoParams, found: PictureSet) -> tuple[np.ndarray, np.ndarray, str, int]:
    """The anchor as it is shown, uint8 (h, w, 3), as the encoder takes it, (SIDE, SIDE, 3), its class, its number.

    The number is that in the set; −1 for a picture of the user's.
    """
    if params.picture is not None:
        return params.picture.rgb, squared(params.picture.rgb, SIDE), "", -1
    index = params.anchor % min(GALLERY, len(found.pixels))
    label = "" if found.labels is None else found.names[found.labels[index]]
    return found.pixels[index], found.pixels[index], label, index


@torch.no_grad()
def views_frame(params: MocoParams, found: PictureSet, query: Encoder, key: Encoder, held: Dictionary) -> ViewsFrame:
    """Draw both views of the anchor, encode them, and contrast the query with its key and the negatives."""
    shown, small, label, index = chosen(params, found)
    pixels = torch.from_numpy(np.ascontiguousarray(small)).permute(2, 0, 1)[None].float() / 255
    pair = []
    for view in (1, 2):  # each view has its own chance, so that a slider of the one leaves the other alone
        generator = torch.Generator().manual_seed(1000 * params.draw + view)
        pair.append((views(pixels, recipe(params, view), generator) * 255).round().byte())
    q, k = _vectors(query, pair[0]), _vectors(key, pair[1])
    others = held.pictures != index if index >= 0 else torch.ones(len(held.keys), dtype=torch.bool)
    keys, ages, pictures = held.keys[others], held.ages[others], held.pictures[others]
    logits = contrast_logits(q, k, keys.t(), params.temperature)[0].double()
    rest = float(torch.logsumexp(logits, 0))
    cosines = (keys @ q[0]).clamp(-1, 1)
    hardest = cosines.topk(min(SHOWN, len(keys))).indices
    faces = np.full((len(hardest), SIDE, SIDE, 3), GRAY, np.uint8)
    for row, number in enumerate(pictures[hardest].tolist()):
        if 0 <= number < len(found.pixels):
            faces[row] = found.pixels[number]
    state = params.weights if params.encoder == THIS_RUN else None
    return ViewsFrame(
        found.pixels[:GALLERY],
        shown,
        label,
        pair[0][0].permute(1, 2, 0).contiguous().numpy(),
        pair[1][0].permute(1, 2, 0).contiguous().numpy(),
        float((q * k).sum().clamp(-1, 1)),
        cosines.numpy().astype(np.float32),
        ages.numpy().astype(np.int64),
        torch.softmax(logits, 0).numpy().astype(np.float32),
        hardest.numpy().astype(np.int64),
        faces,
        float(logits[0]),
        rest,
        rest - float(logits[0]),
        params.temperature,
        -1 if state is None else state.step,
        params.encoder,
    )
