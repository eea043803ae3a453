"""Answers the page of the topic "Mixing": both nets' matrices, probe by probe, and one row of each exactly.

What is known stays known: a net, a photo in it, the probes of some blocks, rows that were asked for. A question that is
cut short goes on where it stood when it is asked again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch

from engines.blocks.mixers import Mixer, Seen, Span
from engines.blocks.mixing import Probing, Row, Way
from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job, Progress
from engines.data.samples import sample
from engines.mixing import nets
from engines.mixing.measures import measures, own
from engines.mixing.spec import (
    LEFT,
    MOST_PROBES,
    NOWHERE,
    RIGHT,
    AskedParams,
    Floats,
    Line,
    Matrix,
    Measures,
    Mixed,
    Net,
    Nets,
    Photo,
    Side,
)

KEPT = 3  # nets in memory, so that going back to the last one is instant
SPANS = 4  # choices of blocks whose probes are remembered
ROWS = 256  # rows that are remembered
DEAR = 16_000_000  # numbers through all backward passes of a row: beyond that it is found by probes
ROW_PROBES = 16
SEED = 0


@dataclass(frozen=True, eq=False)
class Loaded:
    """A net on its device."""

    mixer: Mixer
    net: Net


class Subject:
    """Some blocks of a net on a photo, and what is known of their mixing so far."""

    def __init__(self, span: Span, blocks: tuple[int, int], skip: bool) -> None:
        self.span, self.blocks = span, blocks
        self._skip, minus = skip, span.skips and not skip

        def function(x: torch.Tensor) -> torch.Tensor:
            return span.function(x) - x if minus else span.function(x)

        self._way = Way(function, span.start)
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._row: tuple[int, Row] | None = None
        self._measured: tuple[int, Matrix, Measures] | None = None
        weights = None if span.attention is None else span.attention()
        self._attention: Floats | None = None if weights is None else weights.float().cpu().numpy()
        self._begin()

    def _begin(self) -> None:
        self._probing = Probing(self._way, torch.Generator().manual_seed(SEED), MOST_PROBES)

    # -- the matrix
    def probe(self, probes: int) -> Iterator[Event]:
        """One probe more of each token, unless there are so many; of fewer than there are, all anew."""
        if self._probing.count > probes:
            self._begin()
        while self._probing.count < probes and not self._probing.exact:
            done = self._probing.advance()
            yield Progress(
                self._probing.count + self._probing.done, probes, Message("Probe {n}", {"n": self._probing.count + 1})
            )
            if done:
                return

    def finished(self, probes: int) -> bool:
        """Whether so many probes were used, or fewer were enough."""
        return self._probing.count == probes or (self._probing.exact and self._probing.count <= probes)

    def matrix(self) -> tuple[Matrix, Measures]:
        """What is known now."""
        count, span = self._probing.count, self.span
        if self._measured is None or self._measured[0] != count:
            values = self._probing.norms().numpy()
            error = self._probing.error()[torch.from_numpy(values) > 0]
            median = float(error.median()) if len(error) else 0.0
            first, last = self.blocks
            known = Matrix(
                first + 1, last + 1, span.before, span.after, values, own(span.before, span.after), count,
                -1.0 if median == float("inf") else median, span.skips, self._skip,
            )  # fmt: skip
            told = measures(values, span.before, span.after, self._attention, last - first + 1)
            self._measured = count, known, told
        return self._measured[1:]

    # -- rows
    def line(self, token: int) -> Line:
        """The row of a token, as it is known now: found before, or from the probes."""
        if token in self._lines:
            return self._lines[token]
        matrix = self.matrix()[0]
        return Line(token, matrix.values[token], matrix.error, matrix.error == 0, False)

    def find(self, token: int) -> Iterator[Event]:
        """Find the row of a token for good: exactly, or by probes of its own where that would take long."""
        if token in self._lines:
            return
        if self._row is None or self._row[0] != token:
            self._row = token, self._ask(token)
        row = self._row[1]
        while not row.over:  # one that ended as another question came is over already
            row.advance()
            yield Progress(row.done, 1, Message("Row of token {n}", {"n": token + 1}))
        error = row.error()[row.norms() > 0]
        median = float(error.median()) if len(error) else 0.0
        self._lines[token] = Line(token, row.norms().numpy(), median, row.exact, True)
        self._row = None
        while len(self._lines) > ROWS:
            self._lines.popitem(last=False)

    def _ask(self, token: int) -> Row:
        first, last = self.blocks
        work = self._way.width * self.span.start.numel() * (last - first + 1)
        probes = None if work <= DEAR else ROW_PROBES
        return Row(self._way, token, probes, torch.Generator().manual_seed(SEED + 1 + token))


class Engine:
    """See `engines.mixing.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._nets: Memo[Loaded] = Memo(KEPT)
        self._said: Memo[Nets] = Memo()
        self._samples: Memo[Picture] = Memo()
        self._photos: Memo[Photo] = Memo()
        self._seen: Memo[Seen] = Memo(2)
        self._subjects: Memo[Subject] = Memo(SPANS)

    def run(self, job: Job[AskedParams]) -> Iterator[Event]:
        """Mix as ``job.params`` ask for."""
        params, device = job.params, str(resolve(job.device))
        one = yield from self._load(params.model or LEFT, device)
        two = yield from self._load(params.other or RIGHT, device)
        yield self._said.get((one.net, two.net, device), lambda: Nets(one.net, two.net))
        picture = params.picture or self._samples.get(None, sample)
        yield self._photos.get(picture, lambda: Photo(picture.name, picture.rgb))
        left, right = sides = [self._subject(params, each, picture, device) for each in (one, two)]
        named = (one.net, left), (two.net, right)
        tokens = [token_of(side.span, params) for side in sides]

        def answer() -> Mixed:
            return Mixed(*(Side(*side.matrix(), side.line(token)) for side, token in zip(sides, tokens, strict=True)))

        if left.finished(params.probes) and right.finished(params.probes):
            yield answer()  # only another row is asked for
        else:
            for net, side in named:
                yield from _about(net, side.probe(params.probes))
            yield answer()
        for (net, side), token in zip(named, tokens, strict=True):
            yield from _about(net, side.find(token))
        yield answer()
        while not (left.finished(params.probes) and right.finished(params.probes)):
            for net, side in named:
                yield from _about(net, side.probe(params.probes))
            yield answer()

    def _subject(self, params: AskedParams, loaded: Loaded, picture: Picture, device: str) -> Subject:
        mixer = loaded.mixer
        first = min(params.first, mixer.blocks) - 1
        blocks = first, max(first, min(params.last, mixer.blocks) - 1)
        place = loaded.net.source, device, picture
        try:
            seen = self._seen.get(place, lambda: mixer.look(picture.rgb))
        except LabError as error:
            raise _of(loaded.net, error) from error
        key = place, blocks, params.skip
        return self._subjects.get(key, lambda: Subject(seen.span(*blocks), blocks, params.skip))

    def _load(self, source: str, device: str) -> Generator[Event, None, Loaded]:
        def read() -> Generator[Event, None, Loaded]:
            title = catalog.describe(source).title
            yield Progress(0, 0, Message("Loading {name}", {"name": title}))
            for memo in (self._subjects, self._seen):  # they hold nets that may be kept no more
                memo.clear()
            with hashed(source) as sha256:
                mixer = nets.load(source, device)
                return Loaded(mixer, Net(source, title, mixer.blocks, sha256.result()))

        return (yield from self._nets.get_in_steps((source, device), read))


def _about(net: Net, steps: Iterator[Event]) -> Iterator[Event]:
    """Hand on what is told of a net; what goes wrong bears its name, since there are two."""
    try:
        yield from steps
    except LabError as error:
        raise _of(net, error) from error


def _of(net: Net, error: LabError) -> LabError:
    return LabError("{name}: {what}", name=net.title, what=error.message)


def token_of(span: Span, params: AskedParams) -> int:
    """The token whose row is asked for: of the place under the pointer, else of the pinned one, else of the middle."""
    place = params.hovered or params.pinned or (0.5, 0.5)
    return span.after.token_at(None if place == NOWHERE else place)
