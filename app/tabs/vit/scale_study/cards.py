"""The cards of the page "Scale study": accuracy over pictures, the batches in training, what the ViT learned to see."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QFontMetrics, QPainter

from app import theme, words
from app.cards import card
from app.legend import Key
from app.plots.curves import Curve, Curves
from app.plots.errorplot import Crossing, ErrorLine, ErrorPlot
from app.plots.surface import Surface
from app.theme import S1, S2, S3
from app.views.base import PixelView, rgb_image
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col, quiet, row
from app.words import say
from engines.core.errors import Message, joined
from engines.core.training import Weights
from engines.vit.scale_study.spec import CNN, DIGITS, DRAWN, KINDS, SAME, SIZES, TEXTURE, VIT, Cell, StudyStep, Table

TOKENS = {"S": "cat2", "M": "cat1", "L": "cat0"}
NAMES = {VIT: "ViT", CNN: "CNN"}
HEADS, LINE = 16, 20  # px of the table: the counts, a line of numbers
SMOOTH = 0.9  # of the batches' accuracy
PAPER = (
    "The paper, with far more pictures: pre-trained on 9 million the ResNet is ahead of the ViT, on 90 million and "
    "more the ViT is. (Dosovitskiy et al. 2021, figure 4)"
)
ENDS = "{n} pictures: ViT {vit}, CNN {cnn}."
LEVEL = "With {n} pictures neither {size} is ahead by more than chance."
TASKS = {
    TEXTURE: "Which way does the grain run? Any patch can tell, a little: what a convolution is made for.",
    SAME: "Are the two far, dotted cells of one color?",
}
BETWEEN = "Trained with {counts} pictures; in between a line only joins them."
CAPTION = "{name}, {n} pictures, step {at}: {right} right"


def name_of(kind: str, size: str) -> Message:
    """What a network is called."""
    return words.plain(f"{NAMES[kind]} {size}")


class Photo(PixelView):
    """One small picture, in whole pixels."""

    zooms = True

    def __init__(self) -> None:
        super().__init__((72, 72))
        self.export_name = "picture"
        self._rgb: np.ndarray | None = None
        say(self, "setAccessibleName", "The picture")

    def set_rgb(self, rgb: np.ndarray | None) -> None:
        """Show a picture (h, w, 3), or none."""
        if rgb is not self._rgb:
            self._rgb = rgb
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {} if self._rgb is None else {"rgb": self._rgb}

    def draw(self, painter: QPainter) -> None:
        if self._rgb is None:
            return
        high, wide = self._rgb.shape[:2]
        times = max(1, min(self.width() // wide, self.height() // high))
        painter.drawImage(QRect(0, 0, wide * times, high * times), rgb_image(self._rgb))


def _share(mean: float, spread: float, seeds: int) -> str:
    """An accuracy in %, with its deviation where there is more than one seed."""
    told = words.number(100 * float(mean), 2)  # as in the table
    return f"{told} ± {words.number(100 * float(spread), 2)} %" if seeds > 1 else f"{told} %"


class ScaleCards:
    """Views of the page; they know no run, only what is handed to them."""

    def __init__(self) -> None:
        self._make_views()
        self._make_cards()
        self._cell: Cell | None = None
        self._right: dict[str, list[float]] = {}  # of the batches of the pair that is being trained
        self.plot.picked.connect(lambda index: self.grid.set_cross(None if index is None else (-1, index)))
        self.grid.hovered.connect(lambda cell: self.plot.set_at(None if cell is None or cell[1] < 0 else cell[1]))

    def _make_views(self) -> None:
        self.plot = ErrorPlot("Accuracy against pictures", Message("training pictures"))
        self.grid = ScoreGrid("tide", (72, 40))
        self.grid.setMinimumHeight(HEADS + LINE * len(SIZES) * len(KINDS))
        self.live = Curves((0, 100), (0, 25, 50, 75, 100))
        self.maps, self.similarity = Mosaic(captions=False, gap=S1), Mosaic(captions=False, gap=1)
        self.similarity.setMinimumHeight(8 * 16 + 24)  # 8 × 8 maps at 2 px a value
        self.photo = Photo()
        self.maps_bar = ColorBar(Message("Weight"), least=90)
        self.similarity_bar = ColorBar(Message("Cosine"), "diff", least=90)
        self.maps_bar.drive(self.maps)
        self.similarity_bar.drive(self.similarity)
        for view, name, file in (
            (self.grid, "Accuracy, %", "scale-table"),
            (self.live, "In training, %", "scale-batches"),
            (self.maps, "Where the class token attends", "scale-maps"),
            (self.similarity, "Similarity of positions", "scale-positions"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file

    def _make_cards(self) -> None:
        self.key = Key(tuple((TOKENS[s], name_of(VIT, s)) for s in SIZES))
        self.verdict = quiet("", wrap=True)
        self.live_key = Key((("cat0", words.plain("ViT")), ("cat1", words.plain("CNN"))), "100.0")
        self.caption = quiet("")
        self.plot_card = card(
            "Accuracy against pictures, %", self.plot, foot=box(row(self.key, 1, quiet("dashed: CNN"), gap=S2))
        )
        self.grid_card = card("Accuracy, %", col((self.grid, 1), self.verdict, gap=S2))
        self.live_card = card("In training, %", self.live, foot=self.live_key)
        left = col(quiet("Where the class token attends"), (self.maps, 1), self.maps_bar, gap=S1)
        right = col(quiet("Similarity of positions"), (self.similarity, 1), self.similarity_bar, gap=S1)
        shown = col(quiet("The picture"), (self.photo, 1), gap=S1)
        learned = row((shown, 6), (left, 10), (right, 10), gap=S3)
        self.learned_card = card("What the ViT learned to see", col((learned, 1), self.caption, gap=S2))
        upper = row((self.plot_card, 30), (self.grid_card, 22), gap=S3)
        lower = row((self.learned_card, 34), (self.live_card, 18), gap=S3)
        self.rows = col((upper, 1), lower, gap=S3)

    @property
    def views(self) -> tuple[PixelView | Surface, ...]:
        """All views that can be exported."""
        return self.plot, self.grid, self.live, self.photo, self.maps, self.similarity

    # -- the table
    def show_table(self, table: Table, own: bool) -> None:
        """Draw a study as far as it is done; ``own`` is one of the user's, not the bundled one."""
        lines = []
        shape = len(KINDS) * len(table.sizes), len(table.counts)
        values, off = np.zeros(shape, np.float32), np.ones(shape, bool)
        for i, (size, kind) in enumerate((s, k) for s in table.sizes for k in KINDS):
            n, mean, spread, _ = table.line(kind, size)
            at = np.isin(np.array(table.counts, np.float32), n)
            values[i, at], off[i, at] = 100 * mean, False
            if len(n):
                lines.append(ErrorLine(name_of(kind, size), TOKENS[size], n, 100 * mean, 100 * spread, kind == CNN))
        self.plot.set_lines(lines, table.counts)
        self.grid.set_table(values, 100.0)
        self.grid.set_off(off, "…")
        heads = [words.number(n) for n in table.counts]
        self.grid.set_names([name_of(kind, size) for size in table.sizes for kind in KINDS], heads)
        self.grid.setMinimumHeight(HEADS + LINE * shape[0])
        font = QFontMetrics(theme.font(theme.CAPTION))
        widest = max(map(font.horizontalAdvance, heads), default=0) + S3
        self.grid.setMinimumWidth(font.horizontalAdvance("CNN M") + S3 + S2 + widest * len(heads))
        self.key.set_items([(TOKENS[size], name_of(VIT, size)) for size in table.sizes])
        many = [len({p.cell.seed for p in table.points if p.cell.count == n}) for n in table.counts]
        least, seeds = min(many, default=0), max(many, default=0)
        text = "{data}, {n} {n:seed|seeds}" if least == seeds else "{data}, {least} to {n} seeds"
        said = Message(
            text,
            {"data": Message(table.data) if table.data in (DIGITS, *DRAWN) else table.data, "n": seeds, "least": least},
        )
        self.plot_card.set_note("{study}; trained by this project" if not own else "{study}", study=said)
        self._judge(table)
        for view in self.views:
            view.settings = {"data": table.data, "seeds": seeds, "tested": table.tested}

    def _judge(self, table: Table) -> None:
        """Mark where a ViT passes its CNN and say who is ahead in the end, by how much."""
        found = []
        for size in table.sizes:
            at = table.crossing(size)
            if at is not None:
                n, mean, _, _ = table.line(VIT, size)
                y = float(np.interp(np.log(at), np.log(n), 100 * mean))
                found.append(Crossing(at, y, words.plain(words.number(at)), TOKENS[size]))
        self.plot.set_crossings(found)
        passed = ", ".join(s for s in table.sizes if table.crossing(s) is not None)
        if passed:
            text = Message("The ViT overtakes the CNN in {sizes}.", {"sizes": passed})
        else:
            text = Message("No crossover up to {n} pictures.", {"n": words.number(table.counts[-1])})
        counts = words.listed([words.plain(words.number(n)) for n in table.counts])
        parts = [text, *self._ends(table), *self._open(table), Message(BETWEEN, {"counts": counts})]
        if table.data in TASKS:
            parts.insert(0, Message(TASKS[table.data]))
        else:
            parts.append(Message(PAPER))
        say(self.verdict, "setText", joined(parts))

    @staticmethod
    def _ends(table: Table) -> list[Message]:
        """The accuracies with the fewest and with the most pictures, of the largest networks that have both.

        Of a ViT that has passed, also where it leads by most.
        """
        for size in reversed(table.sizes):
            lines = [table.line(kind, size) for kind in KINDS]
            n = lines[0][0]
            if len(n) and np.array_equal(n, lines[1][0]):
                said = [
                    [_share(m, s, k) for m, s, k in zip(mean, spread, many, strict=True)]
                    for _, mean, spread, many in lines
                ]
                told = {0, len(n) - 1}
                if table.crossing(size) is not None:
                    told.add(int(np.argmax(table.lead(size)[1])))
                return [
                    Message(ENDS, {"n": words.number(int(n[at])), "vit": said[0][at], "cnn": said[1][at]})
                    for at in sorted(told)
                ]
        return []

    @staticmethod
    def _open(table: Table) -> list[Message]:
        """Who passed but is not ahead in the end by more than chance."""
        found = []
        for size in table.sizes:
            n, ahead, margin = table.lead(size)
            if table.crossing(size) is not None and ahead[-1] <= margin[-1]:
                found.append(Message(LEVEL, {"n": words.number(int(n[-1])), "size": size}))
        return found

    # -- in training
    def begin(self) -> None:
        """A study begins: no batches yet."""
        self._cell, self._right = None, {}
        self.plot_card.set_empty(None)

    def take_step(self, step: StudyStep) -> None:
        """One step of one training: the curves go on."""
        cell = step.cell
        if self._cell is None or (cell.seed, cell.count, cell.size) != (
            self._cell.seed, self._cell.count, self._cell.size
        ):  # fmt: skip
            self._right = {}
        if cell != self._cell:
            self._right[cell.kind] = []
            self.live_card.set_empty(None)
        self._cell = cell
        said = self._right[cell.kind]
        before = said[-1] if said else 100 * step.accuracy
        said.append(SMOOTH * before + (1 - SMOOTH) * 100 * step.accuracy)
        if step.at % 5 == 0 or step.at == step.of:
            self.draw_live()

    def draw_live(self) -> None:
        """Draw the batches of the pair that is being trained."""
        cell = self._cell
        if cell is None:
            return
        curves = [
            Curve(NAMES[kind], np.arange(1, len(y) + 1, dtype=float), np.array(y), token, dashed=kind == CNN, digits=1)
            for kind, token in ((VIT, "cat0"), (CNN, "cat1"))
            if (y := self._right.get(kind))
        ]
        if curves:
            self.live.set_curves(curves, float(max(len(y) for y in self._right.values())))
            ends = {c.name: words.number(c.y[-1], 1) for c in curves}
            self.live_key.set_values([ends.get(NAMES[kind], "") for kind in KINDS])
        said = {"size": cell.size, "n": words.number(cell.count), "seed": cell.seed}
        self.live_card.set_note("Size {size}, {n} pictures, seed {seed}", **said)

    def show_learned(self, state: Weights, sample: np.ndarray | None) -> None:
        """Draw a kept state of a ViT, whose maps are of the picture ``sample`` (h, w, 3)."""
        cell, at = state.made_of
        maps = state.arrays["maps"]  # (L, H, g, g)
        top = float(maps.max())
        self.photo.set_rgb(sample)
        self.maps.set_maps(maps.reshape(-1, *maps.shape[2:]), top)
        self.maps_bar.set_range(0, top)
        likeness = state.arrays["similarity"]
        side = maps.shape[-1]
        self.similarity.set_columns(side)
        self.similarity.set_maps(likeness.reshape(-1, side, side), 1.0, -1.0, "diff")
        self.similarity_bar.set_range(-1, 1)
        right = words.percent(float(state.arrays["accuracy"][0]))
        said = {"name": name_of(VIT, cell.size), "n": words.number(cell.count), "at": words.number(at), "right": right}
        say(self.caption, "setText", Message(CAPTION, said))
        self.learned_card.set_empty(None)
