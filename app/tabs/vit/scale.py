"""The page "Scale": a ViT and a CNN of equal size, trained on more and more pictures, and what the ViT learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFileDialog

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.tab import Dock, TopicTab
from app.theme import S1, S2, S3
from app.training import Training
from app.transport import Transport
from app.views.base import PixelView, rgb_image
from app.views.colorbar import ColorBar
from app.views.curves import Curve, Curves
from app.views.errorplot import Crossing, ErrorLine, ErrorPlot
from app.views.mosaic import Mosaic
from app.views.scoregrid import ScoreGrid
from app.widgets import Key, WideButton, box, col, label, quiet, row, section
from app.words import say
from engines.core.errors import Message
from engines.core.protocol import Ended, Event, Progress
from engines.core.training import MOST_STEPS, Finished, Kept, Weights
from engines.vit import scale_store
from engines.vit.scale_spec import (
    CIFAR,
    CNN,
    DIGITS,
    FOLDER,
    KINDS,
    NEW_RUN,
    SIZES,
    STUDY,
    VIT,
    Cell,
    Point,
    ScaleParams,
    StudyBegan,
    StudyPoint,
    StudyStep,
    Table,
)

TRAINER = "engines.vit.scale:Trainer"
TOKENS = {"S": "cat2", "M": "cat1", "L": "cat0"}
NAMES = {VIT: "ViT", CNN: "CNN"}
SMOOTH = 0.9  # of the batches' accuracy
PAPER = (
    "The paper, with far more pictures: pre-trained on 9 million the ResNet is ahead of the ViT, on 90 million and "
    "more the ViT is. (Dosovitskiy et al. 2021, figure 4)"
)
OPEN = (
    "The paper measured classification only. Detection and segmentation it names as open. "
    "(Dosovitskiy et al. 2021, section 5)"
)
CAPTION = "{name}, {n} pictures, step {at}: {right} right"


def name_of(kind: str, size: str) -> Message:
    """What a network is called."""
    return words.plain(f"{NAMES[kind]} {size}")


class Photo(PixelView):
    """One small picture, in whole pixels."""

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


class ScalePage:
    """Views of the page, its dock, and the study behind it.

    Parameters
    ----------
    tab : TopicTab
        Whose settings hold the fields of `ScaleSettings`.
    """

    def __init__(self, tab: TopicTab) -> None:
        self._tab = tab
        self.transport = Transport(seed_tip="Weights and choice of pictures of the first training.")
        self.transport.restarted.connect(self._forget)  # before the run hears of it
        self.training = Training(tab, TRAINER, self.transport, self._settings, MOST_STEPS)
        self.table: Table | None = None
        self._make_views()
        self._make_cards()
        self._make_dock()
        self._done: tuple[Point, ...] = ()  # what the run in hand need not make again
        self._own: Table | None = None  # the study that was on disk
        self._cell: Cell | None = None
        self._right: dict[str, list[float]] = {}  # of the batches of the pair that is being trained
        self._begun: StudyBegan | None = None
        self._sample: np.ndarray | None = None
        self._connect()
        self._show_first()

    # -- building
    def _make_views(self) -> None:
        self.plot = ErrorPlot("Accuracy against pictures", Message("training pictures"))
        self.grid = ScoreGrid("tide", (72, 40))
        self.grid.setMinimumHeight(136)  # six lines of numbers
        self.live = Curves((0, 100), (0, 25, 50, 75, 100))
        self.maps, self.similarity = Mosaic(captions=False, gap=S1), Mosaic(captions=False, gap=1)
        self.similarity.setMinimumHeight(8 * 16 + 24)  # 8 × 8 maps at 2 px a value
        self.photo = Photo()
        self.maps_bar = ColorBar(Message("Weight"), least=90)
        self.similarity_bar = ColorBar(Message("Cosine"), "diff", least=90)
        for view, name, file in (
            (self.grid, "Accuracy, %", "scale-table"),
            (self.live, "In training, %", "scale-batches"),
            (self.maps, "Where the class token looks", "scale-maps"),
            (self.similarity, "Likeness of positions", "scale-positions"),
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
        left = col(quiet("Where the class token looks"), (self.maps, 1), self.maps_bar, gap=S1)
        right = col(quiet("Likeness of positions"), (self.similarity, 1), self.similarity_bar, gap=S1)
        shown = col(quiet("The picture"), (self.photo, 1), gap=S1)
        inside = row((shown, 6), (left, 10), (right, 10), gap=S3)
        self.inside_card = card("What the ViT learned to see", col((inside, 1), self.caption, gap=S2))
        upper = row((self.plot_card, 30), (self.grid_card, 22), gap=S3)
        lower = row((self.inside_card, 34), (self.live_card, 18), gap=S3)
        self.centre = box(col((upper, 1), lower, self.transport, gap=S3))

    def _make_dock(self) -> None:
        self.form = ParamsForm(self._tab.params, [n for n in STUDY if n in ("study_data", "largest", "seeds")])
        self.place = WideButton("Choose folder", "folder", tip="A folder of CIFAR-10, or one of class folders")
        self.where = quiet("", wrap=True)
        self.pending = label("", kind="accent", wrap=True)
        self.anew = WideButton("Go on with these", "play", tip="Trainings that are the same are not made again.")
        self.sizes = quiet("", wrap=True)
        for part in (self.place, self.where, self.sizes, self.pending, self.anew):
            self.form.add(NEW_RUN, part)
        self.dock = Dock(self.form, box(section("Not in the paper", quiet(OPEN, wrap=True))), resets=False)

    def _connect(self) -> None:
        self.place.clicked.connect(lambda _checked=False: self._ask())
        self.anew.clicked.connect(lambda _checked=False: self._go_on())
        self.transport.seeded.connect(lambda seed: self._tab.change(study_seed=seed))
        self.training.arrived.connect(self._arrived)
        self.training.looked.connect(self._look)
        self.training.waiting.connect(self._show_pending)
        self.plot.picked.connect(self._pointed)
        self.grid.hovered.connect(lambda cell: self.plot.set_at(None if cell is None or cell[1] < 0 else cell[1]))

    @property
    def views(self) -> tuple[PixelView | Curves, ...]:
        """All views that can be exported."""
        return self.plot, self.grid, self.live, self.photo, self.maps, self.similarity

    # -- settings
    def _settings(self) -> ScaleParams:
        now = self._tab.params
        return ScaleParams(**{name: getattr(now, name) for name in STUDY}, done=self._done)

    def settings_changed(self) -> None:
        """The tab's settings are others."""
        params = self._tab.params
        self.transport.set_seed(params.study_seed)
        wants = params.study_data != DIGITS
        self.place.setVisible(wants)
        self.where.setVisible(wants)
        say(self.where, "setText", words.plain(params.study_folder) if params.study_folder else "No folder chosen.")
        if self.training.params is not None:
            self.training.settings_changed()
        else:
            self._reuse()

    def takes(self, path: Path) -> bool:
        """Whether a dropped thing is a folder to study."""
        return path.is_dir()

    def take_folder(self, path: Path) -> None:
        """Study the pictures of a folder."""
        places = path, *(path / inner for inner in ("cifar-10-batches-py", "cifar-10-batches-bin"))
        known = any((place / file).is_file() for place in places for file in ("data_batch_1", "data_batch_1.bin"))
        self._tab.change(study_folder=str(path), study_data=CIFAR if known else FOLDER)

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._tab, words.tr("Choose folder"), self._tab.params.study_folder)
        if chosen:
            self.take_folder(Path(chosen))

    def _show_pending(self, count: int) -> None:
        self.pending.setVisible(count > 0)
        self.anew.setVisible(count > 0)
        text = "1 change since the run began" if count == 1 else "{n} changes since the run began"
        say(self.pending, "setText", Message(text, {"n": count}))

    # -- what is kept
    @property
    def _file(self) -> Path | None:
        folder = self._tab.shell.settings.folder
        return None if folder is None else folder / "scale-study.json"

    def _show_first(self) -> None:
        """The user's own study if there is one, else the bundled one, with what its ViT looked like."""
        self._show_pending(0)
        self.settings_changed()
        own = scale_store.read(self._file) if self._file is not None else None
        table = own or scale_store.read(scale_store.BUNDLED)
        self._own = own
        self._reuse()
        self.live_card.set_empty("Nothing is being trained.", "Start", self.training.play)
        self.inside_card.set_empty("A study shows here how its ViTs learn to see.")
        if table is None:
            self.plot_card.set_empty("No study yet.", "Start", self.training.play)
            return
        self._show_table(table, own is not None)
        if own is None and (bundled := scale_store.inside()) is not None:
            self._sample = bundled[0]
            for state in bundled[1]:
                self.training.timeline.add(state)
            self.transport.set_step(bundled[1][-1].step, [state.step for state in bundled[1]])
            self._draw_inside(bundled[1][-1])

    def _reuse(self) -> None:
        """What is on disk need not be made again, if it is of the pictures that are chosen now."""
        now, own = self._tab.params, self._own
        name = Path(now.study_folder).name if now.study_data == FOLDER else now.study_data
        self._done = own.points if own is not None and own.data == name else ()

    def _forget(self) -> None:
        """Start anew: everything is trained again."""
        self._done = ()

    def _go_on(self) -> None:
        """A new run that keeps what is the same."""
        same = self._begun is not None and self._same_pictures()
        self._done = self.table.points if same and self.table is not None else ()
        runs = self.training.runs
        self.training.restart()
        if not runs:
            self.training.play()

    def _same_pictures(self) -> bool:
        run, now = self.training.params, self._tab.params
        assert isinstance(run, ScaleParams)
        return (run.study_data, run.study_folder) == (now.study_data, now.study_folder)

    # -- the run
    def _arrived(self, event: Event) -> None:
        match event:
            case StudyBegan():
                self._began(event)
            case StudyStep():
                self._stepped(event)
            case StudyPoint() if self.table is not None:
                self._show_table(replace(self.table, points=(*self.table.points, event.point)), True)
                if self._file is not None:
                    scale_store.write(self._file, self.table)
            case Kept() if self.transport.looks is None:
                self._draw_inside(event.weights)
            case Finished():
                self._tab.tell(Message("The study is done."))
            case Progress():
                self._tab.tell(event.text)
            case Ended():
                self._draw_live()

    def _began(self, begun: StudyBegan) -> None:
        self._begun, self._cell, self._right, self._sample = begun, None, {}, begun.sample
        known = {(c, s, k) for c in begun.counts for s in SIZES for k in KINDS}
        points = tuple(p for p in self._done if (p.cell.count, p.cell.size, p.cell.kind) in known)
        self._show_table(Table(begun.data, begun.counts, begun.parameters, begun.classes, begun.tested, points), True)
        self.plot_card.set_empty(None)
        if begun.notes:
            note = begun.notes[0]
            self._tab.complain(note if isinstance(note, Message) else str(note), word="Note")

    def _stepped(self, step: StudyStep) -> None:
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
            self._draw_live()

    # -- drawing
    def _draw_live(self) -> None:
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

    def _show_table(self, table: Table, own: bool) -> None:
        self.table = table
        lines = []
        values, off = np.zeros((2 * len(SIZES), len(table.counts)), np.float32), np.ones((6, len(table.counts)), bool)
        for i, (size, kind) in enumerate((s, k) for s in SIZES for k in KINDS):
            n, mean, spread, _ = table.line(kind, size)
            at = np.isin(np.array(table.counts, np.float32), n)
            values[i, at], off[i, at] = 100 * mean, False
            if len(n):
                lines.append(ErrorLine(name_of(kind, size), TOKENS[size], n, 100 * mean, 100 * spread, kind == CNN))
        self.plot.set_lines(lines, table.counts)
        self.grid.set_table(values, 100.0)
        self.grid.set_off(off, "…")
        self.grid.set_names(
            [name_of(kind, size) for size in SIZES for kind in KINDS], [words.number(n) for n in table.counts]
        )
        many = [len({p.cell.seed for p in table.points if p.cell.count == n}) for n in table.counts]
        least, seeds = min(many, default=0), max(many, default=0)
        text = (
            "{data}, 1 seed"
            if seeds == 1
            else "{data}, {n} seeds"
            if least == seeds
            else "{data}, {least} to {n} seeds"
        )
        said = Message(
            text, {"data": table.data if table.data != DIGITS else Message(DIGITS), "n": seeds, "least": least}
        )
        self.plot_card.set_note("{study}; trained by this project" if not own else "{study}", study=said)
        self._judge(table)
        counts = ", ".join(f"{s} {words.number(table.parameters[VIT, s])}" for s in SIZES)
        say(self.sizes, "setText", Message("Parameters of each ViT: {sizes}. The CNN has as many, within 2 %.",
                                           {"sizes": counts}))  # fmt: skip
        for view in self.views:
            view.settings = {"data": table.data, "seeds": seeds, "tested": table.tested}

    def _judge(self, table: Table) -> None:
        """Mark where a ViT passes its CNN, or say that none does."""
        found = []
        for size in SIZES:
            at = table.crossing(size)
            if at is not None:
                n, mean, _, _ = table.line(VIT, size)
                y = float(np.interp(np.log(at), np.log(n), 100 * mean))
                found.append(Crossing(at, y, words.plain(words.number(at)), TOKENS[size]))
        self.plot.set_crossings(found)
        if found:
            sizes = ", ".join(s for s in SIZES if table.crossing(s) is not None)
            text = Message("The ViT passes the CNN in {sizes}.", {"sizes": sizes})
        else:
            text = Message("No crossing up to {n} pictures.", {"n": words.number(table.counts[-1])})
        say(self.verdict, "setText", Message("{found} {paper}", {"found": text, "paper": Message(PAPER)}))

    def _draw_inside(self, state: Weights) -> None:
        cell, at = state.made_of
        maps = state.arrays["maps"]  # (L, H, g, g)
        top = float(maps.max())
        self.photo.set_rgb(self._sample)
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
        self.inside_card.set_empty(None)

    def _look(self, state: Weights | None) -> None:
        shown = state or self.training.timeline.newest
        if shown is not None:
            self._draw_inside(shown)

    def _pointed(self, index: int | None) -> None:
        self.grid.set_cross(None if index is None else (-1, index))
