"""The engine behind the page Experiments: quick proofs, all but the ablation.

A proof is computed again only if something it depends on has changed; the experiment that is looked at comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.protocol import Event, Frame, Job
from engines.data.vocabulary import EOS
from engines.transformer import proofs
from engines.transformer.decoding import greedy
from engines.transformer.experiments import crossing
from engines.transformer.experiments.measuring import drawn, measured
from engines.transformer.experiments.spec import (
    CAUSAL,
    CONVOLUTIONS,
    CROSSING,
    LIVE,
    NORMS,
    POSITIONS,
    RESIDUALS,
    TRAINED,
    Causality,
    Convolved,
    Crossed,
    Examined,
    Gradients,
    LabParams,
    Normalized,
    Placed,
)
from engines.transformer.model import Transformer
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.showing import array
from engines.transformer.spec import PAUSE
from engines.transformer.subject import Collection, Specimen, held_out
from engines.transformer.switches import DECODER_FFN, ENCODER_FFN, UNTOUCHED, Place, Switches

ACCURACY_EXAMPLES = 64  # held-out ones, the same wherever an accuracy is told
GRADIENT_EXAMPLES, GRADIENT_CHUNK = 16, 4  # examples in all, and between two places to stop
TWIN_BATCHES, TWIN_EXAMPLES = 10, 32  # that the running statistics of the batch-normalized twin are taken over
ROOM = 16  # tokens of padding that a batch may get beyond what the model was built for

#: A proof in the making: it yields where it can be stopped, and returns its frame.
Making: TypeAlias = Generator[Event, None, Frame]
Deriving: TypeAlias = Generator[Event, None, tuple[list[float], float]]
DEPENDS = {
    CAUSAL: (),
    CROSSING: (),
    RESIDUALS: ("lab_from", "lab_depth", "lab_norm_first", "lab_residuals_off"),
    NORMS: ("lab_batch", "lab_padding", "lab_count_padding", "lab_mode", "lab_mates"),
    POSITIONS: (),
    CONVOLUTIONS: ("lab_ffn",),
}


@torch.no_grad()
def convolved(specimen: Specimen, wanted: Place) -> Convolved:
    """One FFN on the sample, as two linear maps and as two convolutions."""
    model, kind = specimen.model, specimen.task
    place = proofs.nearest(wanted, [one for one in proofs.places(model) if one[0] in (ENCODER_FFN, DECODER_FFN)])
    tape = model.trace(specimen.source[None], specimen.target[None], switches=specimen.plain, tape=True).tape
    name = f"{place[0]}.{place[1]}"
    x = tape[f"{name}.normed" if f"{name}.normed" in tape else f"{name}.input"]  # (1, N, E)
    ffn, _ = proofs.part(model, place)
    assert isinstance(ffn, proofs.FeedForward)
    hidden = F.relu(ffn.fc1(x))  # (1, N, F)
    both = ((hidden, ffn.fc2(hidden)), proofs.as_convolutions(ffn, x))
    side = kind.source.tokens if place[0] == ENCODER_FFN else kind.target.tokens
    ids = specimen.source if place[0] == ENCODER_FFN else specimen.target
    return Convolved(
        place,
        tuple(side[i] for i in ids.tolist()),
        array(torch.cat([h for h, _ in both])),
        array(torch.cat([y for _, y in both])),
        float((both[0][1] - both[1][1]).abs().max()),
        float((hidden > 0).double().mean()),
    )


class Engine:
    """All experiments but the ablation; see `engines.transformer.experiments.spec` for what it takes and yields."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._seen: Specimen | None = None
        self._told: Examined | None = None
        self._exact: Transformer | None = None
        self._twin: Transformer | None = None
        self._made: dict[str, tuple[object, Frame]] = {}
        self._how: dict[str, Callable[[LabParams, Specimen], Making]] = {
            CAUSAL: self._causality,
            CROSSING: self._crossed,
            RESIDUALS: self._gradients,
            NORMS: self._normalized,
            POSITIONS: self._placed,
            CONVOLUTIONS: self._convolved,
        }

    def run(self, job: Job[LabParams]) -> Iterator[Event]:
        """The model, then the experiment that is looked at, then the others."""
        params = job.params
        specimen = self._collection.specimen(params.task, params.read, params.weights)
        if specimen is not self._seen:
            yield PAUSE
            if self._seen is None or specimen.model is not self._seen.model:
                self._seen = None  # left in the middle, nothing is known of the new one
                self._exact, self._twin = proofs.exact(specimen.model, ROOM), None
                yield PAUSE
            self._told = yield from self._examined(specimen)
            self._seen = specimen
            self._made.clear()
        assert self._told is not None
        yield self._told
        for name in sorted(self._how, key=lambda n: n != params.experiment):
            depends = tuple(getattr(params, field) for field in DEPENDS[name])
            if name not in self._made or self._made[name][0] != depends:
                frame = yield from self._how[name](params, specimen)
                self._made[name] = depends, frame
            yield self._made[name][1]

    # -- one by one
    @staticmethod
    def _examined(specimen: Specimen) -> Generator[Event, None, Examined]:
        kind, model = specimen.task, specimen.model
        with torch.no_grad():
            logits = model(specimen.source[None], specimen.target[None], switches=specimen.plain)[0]  # (T, V)
        batches = yield from drawn(kind, ACCURACY_EXAMPLES)
        right, _ = yield from measured(model, batches, specimen.plain)
        words = kind.target.tokens
        return Examined(
            kind.name,
            tuple(kind.source.tokens[i] for i in specimen.source.tolist()),
            tuple(words[i] for i in specimen.target.tolist()),
            tuple(words[i] for i in logits.argmax(-1).tolist()),
            model.num_heads,
            len(model.encoder),
            len(model.decoder),
            model.embed_dim,
            int(model.sizes["ffn_dim"]),
            right,
            specimen.trained,
            specimen.step,
        )

    def _causality(self, _params: LabParams, specimen: Specimen) -> Making:
        assert self._exact is not None
        words = specimen.task.target.tokens
        both, seen = [], (specimen.source, specimen.target)
        for causal in (False, True):
            both.append(proofs.moved_logits(self._exact, *seen, causal, specimen.plain))
            yield PAUSE
        return Causality(
            tuple(words[i] for i in specimen.target.tolist()),
            tuple(words[i] for i in both[0][1].tolist()),
            array(torch.stack([moved for moved, _ in both])),
            (proofs.earlier(both[0][0]), proofs.earlier(both[1][0])),
        )

    def _crossed(self, _params: LabParams, specimen: Specimen) -> Making:
        assert self._exact is not None
        model, kind, seen = self._exact, specimen.task, (specimen.source, specimen.target)
        by_source, new_source = crossing.moved(model, *seen, True, specimen.plain)
        yield PAUSE
        by_target, new_target = crossing.moved(model, *seen, False, specimen.plain)
        yield PAUSE
        other = torch.cat([specimen.source[:-1].flip(0), specimen.source[-1:]])  # read from its end
        other = new_source if bool((other == specimen.source).all()) else other
        with torch.no_grad():
            own, its = (model.encode(one[None], go=model.begin(specimen.plain)) for one in (specimen.source, other))
        answers = []
        for memory in (own, its, torch.zeros_like(own)):
            said = crossing.answer(model, memory, kind.max_target_len - 1, specimen.plain)
            answers.append(tuple(kind.target.tokens[i] for i in said))
            yield PAUSE
        source, target = kind.source.tokens, kind.target.tokens
        return Crossed(
            tuple(source[i] for i in specimen.source.tolist()),
            tuple(target[i] for i in specimen.target.tolist()),
            tuple(source[i] for i in new_source.tolist()),
            tuple(target[i] for i in new_target.tolist()),
            array(by_source),
            array(by_target),
            tuple(source[i] for i in other.tolist()),
            (answers[0], answers[1], answers[2]),
            crossing.unevenness(model, specimen.target, torch.zeros_like(own), specimen.plain),
        )

    @staticmethod
    def _gradients(params: LabParams, specimen: Specimen) -> Making:
        model = specimen.model
        trained = params.lab_from == TRAINED
        if trained:
            model = deepcopy(model).double().requires_grad_(True)
        else:
            sizes = {"num_encoder_layers": params.lab_depth, "num_decoder_layers": params.lab_depth, "norm": "layer"}
            model = proofs.like(model, **sizes, norm_first=params.lab_norm_first).double().eval()
        places = proofs.places(model)
        off = tuple(place for place in params.lab_residuals_off if place in places)
        batch = held_out(specimen.task, GRADIENT_EXAMPLES)
        plain = specimen.plain if trained else UNTOUCHED
        kept, loss = yield from told(proofs.gradients_in_parts(model, *batch, plain, GRADIENT_CHUNK))
        without = replace(plain, residuals_off=frozenset(off))
        cut, worse = yield from told(proofs.gradients_in_parts(model, *batch, without, GRADIENT_CHUNK))
        return Gradients(
            tuple(places), off, np.array(kept, np.float32), np.array(cut, np.float32), (loss, worse), trained
        )

    def _normalized(self, params: LabParams, specimen: Specimen) -> Making:
        assert self._exact is not None
        layered = self._exact
        if isinstance(layered.encoder[0].self_norm, SequenceBatchNorm):  # trained with batch normalization
            layered = proofs.layer_twin(layered)
        if self._twin is None:
            twin = proofs.batch_twin(specimen.model)
            for n in range(TWIN_BATCHES):
                proofs.take_statistics(twin, held_out(specimen.task, TWIN_EXAMPLES, 100 + n), n, specimen.plain)
                yield PAUSE
            self._twin = proofs.exact(twin, ROOM)
        count, length = params.lab_batch, len(specimen.source)
        source, lens = padded_batch(specimen, count, params.lab_padding, params.lab_mates)
        live = params.lab_mode == LIVE
        alone, among, moved, means, deviations, gap = [], [], [], [], [], []
        for model in (layered, self._twin):
            counted = params.lab_count_padding, specimen.plain
            one, _, _ = proofs.first_normed(model, specimen.source[None], lens[:1], live, switches=specimen.plain)
            here, mean, variance = proofs.first_normed(model, source, lens, live, *counted)
            other, _, _ = proofs.first_normed(model, source, lens, not live, *counted)
            mine = here[0, :length]  # (N, E)
            alone.append(one[0])
            among.append(mine)
            moved.append(float((mine - one[0]).abs().max()))
            gap.append(float((mine - other[0, :length]).abs().max()))
            yield PAUSE
            means.append(array(mean if mean.dim() == 1 else mean[0, :length]))
            deviations.append(array(variance.sqrt() if mean.dim() == 1 else variance[0, :length].sqrt()))
        return Normalized(
            tuple(specimen.task.source.tokens[i] for i in specimen.source.tolist()),
            array(torch.stack(alone)),
            array(torch.stack(among)),
            (moved[0], moved[1]),
            (means[0], means[1]),
            (deviations[0], deviations[1]),
            (gap[0], gap[1]),
            source.numel() if params.lab_count_padding else int(lens.sum()),
            count,
        )

    def _placed(self, _params: LabParams, specimen: Specimen) -> Making:
        assert self._exact is not None
        model, kind = specimen.model, specimen.task
        length = len(specimen.source)
        order = torch.randperm(length, generator=torch.Generator().manual_seed(1))
        batches = yield from drawn(kind, ACCURACY_EXAMPLES)
        apart, right, answers, maps = [], [], [], []
        for on in (False, True):
            switches = Switches(positions=on)
            apart.append(proofs.shuffled_apart(self._exact, specimen.source, order, on))
            share, _ = yield from measured(model, batches, switches)
            right.append(share)
            ids = greedy(model, specimen.source[None], kind.max_target_len - 1, switches)
            answers.append(tuple(kind.target.tokens[i] for i in ids if i != EOS))
            with torch.no_grad():
                maps.append(model.trace(specimen.source[None], specimen.target[None], switches=switches).encoder[0][0])
            yield PAUSE
        return Placed(
            tuple(kind.source.tokens[i] for i in specimen.source.tolist()),
            tuple(order.tolist()),
            (apart[0], apart[1]),
            (right[0], right[1]),
            (answers[0], answers[1]),
            array(torch.stack(maps)),
        )

    @staticmethod
    def _convolved(params: LabParams, specimen: Specimen) -> Making:
        yield PAUSE
        return convolved(specimen, params.lab_ffn)


def told(work: Generator[None, None, tuple[list[float], float]]) -> Deriving:
    """Work with a place to stop at each of its pauses."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            found: tuple[list[float], float] = stop.value
            return found
        yield PAUSE


def padded_batch(specimen: Specimen, count: int, padding: int, mates: int) -> tuple[Tensor, Tensor]:
    """Samples (count, S) of the task, the watched one first, padded to one length and more; their lengths (count,)."""
    batch = specimen.task.batch(max(1, count - 1), np.random.default_rng([mates, 3]))
    others, lens = torch.from_numpy(batch.source)[: count - 1], torch.from_numpy(batch.source_lens)[: count - 1]
    longest = max(len(specimen.source), int(lens.max()) if count > 1 else 0) + padding
    source = torch.zeros(count, longest, dtype=torch.long)  # PAD is 0
    source[0, : len(specimen.source)] = specimen.source
    if count > 1:
        kept = min(longest, others.shape[1])
        source[1:, :kept] = others[:, :kept]
    return source, torch.cat([torch.tensor([len(specimen.source)]), lens])
