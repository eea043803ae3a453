"""The engine behind the page Why: a claim is measured again only if something it depends on has changed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from engines.blocks.naming import KIND, OF_TEXT
from engines.blocks.reasons import Reader, Reasoned, Reasoner
from engines.checkpoints import backbones, catalog
from engines.core import offers
from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.data.samples import sample
from engines.transformer import proofs
from engines.transformer.showing import array
from engines.transformer.spec import PAUSE
from engines.transformer.subject import Collection
from engines.transformer.why import claims
from engines.transformer.why.depth import Net, variance
from engines.transformer.why.spec import (
    CLAIMS,
    COLLAPSE,
    KERNEL,
    KEYS,
    MATRICES,
    ROTATION,
    SENTENCE,
    SOFTMAX,
    SPHERE,
    STREAM,
    TEXT,
    VARIANCE,
    Claim,
    Reasons,
    WhyParams,
)
from engines.transformer.why.text import ReasonedText

PHOTO = "cat"  #: the bundled photo of whoever chose none
WIDTH, HEADS = 64, 4  #: of the net with random weights

MEASURES: dict[str, Callable[..., Claim]] = {
    KEYS: claims.keys_need_no_bias,
    MATRICES: claims.a_head_is_two_matrices,
    STREAM: claims.the_stream_is_a_sum,
    SPHERE: claims.onto_a_sphere,
    KERNEL: claims.kernel_regression,
    ROTATION: claims.a_shift_is_a_rotation,
    SOFTMAX: claims.a_sharp_softmax_is_dead,
}
#: What each depends on beside the model and its input.
DEPENDS: dict[str, tuple[str, ...]] = {
    KEYS: ("walk_at", "walk_head", "why_row", "added_to", "noise"),
    MATRICES: ("walk_at", "walk_head", "matrix"),
    STREAM: (),
    COLLAPSE: ("layers_deep",),
    SPHERE: ("walk_at", "why_row", "times"),
    KERNEL: ("walk_at", "walk_head", "why_row", "equal"),
    ROTATION: ("why_row", "shift", "sine"),
    SOFTMAX: ("walk_at", "walk_head", "why_row", "sharpness"),
    VARIANCE: ("net_depth", "net_pre", "net_scaled"),
}
assert tuple(DEPENDS) == CLAIMS


class Subject:
    """What is looked at, and what is said of it."""

    def __init__(self, one: Reasoned, **told: Any) -> None:
        self.one, self.told = one, told
        self.known: dict[str, tuple[object, Claim]] = {}
        self.stacks = claims.Stacks(one)


class Engine:
    """Takes `WhyParams` and yields `Reasons`, the claim that is looked at first."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._models: Memo[tuple[Any, str]] = Memo(2)  # of photos and of sentences
        self._seen: Memo[Subject] = Memo(3)  # so that looking at the other and back costs nothing
        self._net: Net | None = None  # with random weights: the same whatever is looked at
        self._variance: Memo[Claim] = Memo()

    def run(self, job: Job[WhyParams]) -> Iterator[Event]:
        """The claim that is looked at, then the others."""
        params = job.params
        subject = self._subject(params)
        yield PAUSE
        one = subject.one
        at = proofs.nearest(params.walk_at, one.places)
        heads = one.heads(at)
        head, row = min(params.walk_head, heads.count - 1), min(params.why_row, len(heads.x) - 1)
        weights = array(heads.weights(head))
        for name in sorted(CLAIMS, key=lambda n: n != params.claim):
            depends = (at, head, row, *(getattr(params, field) for field in DEPENDS[name][1:])) if (
                "walk_at" in DEPENDS[name]
            ) else tuple(getattr(params, field) for field in DEPENDS[name])  # fmt: skip
            fresh = name not in subject.known or subject.known[name][0] != depends
            if fresh:
                made = yield from self._measured(name, subject, at, head, row, params)
                subject.known[name] = depends, made
            if name == params.claim or (fresh and len(subject.known) == len(CLAIMS)):
                yield Reasons(
                    **subject.told, places=one.places, at=at, head=head, row=row, heads=heads.count,
                    width=heads.x.shape[1], size=heads.size, queries=one.names(at)[0], answers=one.answers,
                    said=one.said, answered=one.answered, exact=one.exact, weights=weights,
                    claims={name: claim for name, (_, claim) in subject.known.items()},
                )  # fmt: skip

    def _measured(
        self, name: str, subject: Subject, at: tuple[str, int], head: int, row: int, params: WhyParams
    ) -> Generator[Event, None, Claim]:
        yield PAUSE
        if name == VARIANCE:
            net = self._net = self._net or Net(WIDTH, HEADS)
            asked = params.net_depth, params.net_pre, params.net_scaled
            return (yield from self._variance.get_in_steps(asked, lambda: variance(*asked, net)))
        if name == COLLAPSE:
            return claims.rank_collapse(subject.one, at, head, row, params, subject.stacks)
        return MEASURES[name](subject.one, at, head, row, params)

    # -- what is looked at
    def _subject(self, params: WhyParams) -> Subject:
        if params.subject == TEXT:
            specimen = self._collection.specimen(params.task, params.read, params.weights)
            told = {"subject": TEXT, "title": params.task, "model": "", "fingerprint": "", "photo": "",
                    "trained": specimen.trained, "step": specimen.step}  # fmt: skip
            return self._seen.get(specimen, lambda: Subject(ReasonedText(specimen), **told))
        if params.subject == SENTENCE:
            source = params.why_language or usual(OF_TEXT)
            said = params.why_first, params.why_second

            def read() -> Subject:
                reader, told = self._model(source, params.subject)
                return Subject(reader.read(*said), **told, photo="")

            return self._seen.get((source, said), read)
        source = params.why_model or usual()
        picture = params.why_picture or sample(PHOTO)

        def looked_at() -> Subject:
            reasoner, told = self._model(source, params.subject)
            return Subject(reasoner.look(picture.rgb), **told, photo=picture.name)

        return self._seen.get((source, picture), looked_at)

    def _model(self, source: str, subject: str) -> tuple[Any, dict[str, Any]]:
        """A model, and what is told of it."""
        make = read_by if subject == SENTENCE else load
        found, fingerprint = self._models.get(source, lambda: (make(source), catalog.fingerprint(source)))
        return found, {"subject": subject, "title": found.title, "model": source, "fingerprint": fingerprint,
                       "trained": True, "step": -1}  # fmt: skip


def usual(kind: str = KIND) -> str:
    """The first model that is at hand.

    Raises
    ------
    LabError
        There is none.
    """
    ready = [model.name for model in backbones.available(kind) if model.ready]
    if not ready:
        raise LabError("None of the models that are at hand can be asked why.")
    return ready[0]


def load(source: str) -> Reasoner:
    """The model of a source, from whichever topic reads it.

    Raises
    ------
    LabError
        In words: not there, damaged, or of a topic that offers no reasons.
    """
    made: Reasoner = _offered(KIND, source)
    return made


def read_by(source: str) -> Reader:
    """The same, of a model of texts."""
    made: Reader = _offered(OF_TEXT, source)
    return made


def _offered(kind: str, source: str) -> Any:
    topic = catalog.topic_of(source)
    for offer in offers.found(kind):
        if offer.topic == topic:
            return offer.load()(source)
    if not topic:
        catalog.family_of(source)  # says what is wrong with a folder, where something is
    raise LabError("{name}: this page can't read it.", name=catalog.describe(source).title)
