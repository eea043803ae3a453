"""The page "New photo": what the probe says of a photo, and which pictures of the set are most like it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFileDialog, QWidget

from app import export, words
from app.cards import card
from app.classlist import KnownLine
from app.lastfolder import OPENED, SAVED, keep, start_in
from app.sections import section
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.base import PixelView
from app.views.filmstrip import FilmStrip
from app.views.photo import PhotoView
from app.widgets import WideButton, box, button, col, label, quiet, row
from app.words import known, say
from engines.checkpoints import catalog, layout
from engines.core.errors import LabError, Message
from engines.core.params import Choice, Params
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.studies.spec import Kind, Preset
from engines.transfer.feature_study.study import KINDS, Featured
from engines.transfer.new_photo.spec import Verdict
from engines.transfer.probe import SUFFIX, load_probe, save_probe
from engines.transfer.spec import SMALL, Probe, SetRead, TransferParams

SHOWN = 10  #: classes with a bar
NAMED = 12  #: classes of a probe that are listed


class Photo(PhotoView):
    """The photo, nothing over it."""

    def draw(self, painter: QPainter) -> None:
        self.draw_photo(painter, False)


class NewPhotoPage(Page):
    """Views of the page, and the probe in hand."""

    title = "New photo"
    params_type = TransferParams
    engine = "engines.transfer.engine:Engine"
    takes_pictures = True
    takes_models = True
    file_kinds = (SUFFIX,)
    file_title = "Probe"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.photo, self.seen = Photo(), Photo((96, 96))
        self.bars = Bars(pitch=30, least_name=60, widest="100.0 %")
        self.strip = FilmStrip(116)
        for view, name, file in (
            (self.photo, "Photo", "photo"),
            (self.seen, "Input of the backbone", "seen"),
            (self.bars, "Prediction of the probe", "classes"),
            (self.strip, "Most similar", "most-alike"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        open_photo = button("Open pictures", "open", "boxed", clicked=shell.open_files)
        many = button("On a folder", "folder", "boxed", "Features of all pictures of a folder, as a study",
                      clicked=lambda: shell.studies.of_page(self))  # fmt: skip
        self.photo_card = card("Photo", self.photo, tools=[open_photo])
        self.seen_card = card("Input of the backbone", self.seen, tools=[many])
        self.bar_card = card("Prediction of the probe", self.bars)
        self.near_card = card("Most similar", self.strip)
        beside = col((self.bar_card, 5), (self.seen_card, 4), gap=S3)
        self.verdict: Verdict | None = None
        self._set: SetRead | None = None  # and the backbone that it was put through
        self.lay(
            box(col((row((self.photo_card, 5), (beside, 4), gap=S3), 1), self.near_card, gap=S3)),
            self._controls(),
            resets=False,
        )
        self._wait()

    def _controls(self) -> QWidget:
        self.who, self.made, self.known = label("", wrap=True), quiet("", wrap=True), KnownLine()
        self.save = WideButton("Save the probe", "export", tip="One file with classes, weights and the backbone's name")
        self.open = WideButton(
            "Open a probe", "open", tip="A probe saved by this program; dropping the file works, too"
        )
        self.save.clicked.connect(lambda _checked=False: self._ask_save())
        self.open.clicked.connect(lambda _checked=False: self._ask_open())
        drop = quiet("Drop a photo: the probe classifies it, and its place on the map is marked.", wrap=True)
        limits = quiet("A probe knows only its classes: it predicts one of them whatever the photo shows.", wrap=True)
        holder = QWidget()
        holder.setLayout(
            col(
                section("Probe", self.who, self.made, self.known, self.save, self.open),
                section("Photo", drop, limits),
                gap=S3,
            )
        )
        return holder

    # -- on a folder
    def studied(self) -> tuple[Kind, Params, int]:
        """The features of a folder, part by part."""
        (kind,) = KINDS
        return kind, Featured(model=self.params.model or SMALL, side=self.params.side), 0

    def presets(self) -> tuple[Preset, ...]:
        """There is nothing to vary."""
        return ()

    def options(self) -> dict[str, Choice]:
        """Nor here."""
        return {}

    def _wait(self) -> None:
        self.photo_card.set_empty("Drop a photo here.", "Open pictures", self.shell.open_files)
        for waiting in (self.seen_card, self.bar_card, self.near_card):
            waiting.set_empty("No photo yet.")

    @property
    def views(self) -> tuple[PixelView, ...]:
        """All views that can be exported."""
        return self.photo, self.seen, self.bars, self.strip

    # -- the contract
    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.suffix.lower() == SUFFIX and not path.is_dir() and not layout.is_model_folder(path.parent)

    def take(self, paths: Sequence[Path]) -> None:
        """Judge photos by a probe from a file from now on."""
        try:
            probe = load_probe(paths[-1])
        except LabError as error:
            self.complain(error.message, word="Refused")
            return
        self.dismiss()
        self.tell(Message("Opened: {name}", {"name": paths[-1].name}))
        self.change(in_hand=probe)

    def picture_chosen(self, picture: Picture) -> dict[str, object]:
        return {"photo": picture}

    def model_chosen(self, source: str) -> dict[str, object]:
        return {"model": source}

    def exported(self) -> dict[str, object]:
        made: dict[str, object] = {} if self.verdict is None else {"photo": self.verdict.name}
        if self._set is not None:
            made |= {"model": self._set.source, "title": self._set.backbone, "sha256": self._set.sha256}
        probe = self.params.in_hand
        if probe is not None:
            made["probe"] = {"model": probe.model, "side": probe.side, "labels": probe.labels, "step": probe.step}
        return made

    def show_params(self, params: TransferParams) -> None:
        self.show_probe(params.in_hand)

    def on(self, event: Event) -> None:
        if isinstance(event, SetRead):
            self._set = event
            self.known.show_model(event.source, ())
        elif isinstance(event, Verdict):
            self.show_verdict(event)

    # -- content
    def show_probe(self, probe: Probe | None) -> None:
        """Say which probe judges."""
        self.save.setEnabled(probe is not None)
        if probe is None:
            say(self.who, "setText", "No probe yet: train on the page Learn, or open one.")
            say(self.made, "setText", words.plain(""))
            return
        some = words.plain(", ".join(probe.names[:NAMED]))
        count = len(probe.names)
        more = Message("{names} and {n} more", {"names": some, "n": count - NAMED}) if count > NAMED else some
        say(self.who, "setText", Message("{n} {n:class|classes}: {names}", {"n": count, "names": more}))
        said = {
            "model": known(catalog.describe(probe.model).title),
            "side": probe.side,
            "set": words.plain(probe.pictures) if probe.pictures else Message("Digits"),
            "labels": probe.labels,
            "step": probe.step,
        }
        say(
            self.made,
            "setText",
            Message("On {model} at {side} px. {set}, {labels} labels per class, step {step}", said),
        )

    def show_verdict(self, verdict: Verdict) -> None:
        """What was found out about the photo."""
        self.verdict = verdict
        photo = self.params.photo
        if photo is not None:
            self.photo.set_photo(photo.rgb)
            self.photo_card.set_empty(None)
            self.photo_card.set_note(known(photo.name))
        self.seen.set_photo(verdict.seen)
        side = verdict.seen.shape[0]
        self.seen_card.set_note("{n} × {n} px", n=side)
        self.seen_card.set_empty(None)
        if verdict.names:
            bars = [
                Bar(words.plain(name), ((float(p), "accent"),), words.percent(float(p)))
                for name, p in list(zip(verdict.names, verdict.probabilities, strict=True))[:SHOWN]
            ]
            self.bars.set_bars(bars, 1.0)
            self.bar_card.set_empty(None)
        else:
            self.bar_card.set_empty("No probe yet: train on the page Learn, or open one.")
        notes = [words.number(float(value), 2) for value in verdict.cosines]
        self.strip.set_photos(list(verdict.near_thumbs), [words.plain(name) for name in verdict.near_names], notes)
        self.near_card.set_note("cosine of the features")
        self.near_card.set_empty(None)

    # -- files
    def _ask_save(self) -> None:
        probe = self.params.in_hand
        if probe is None:
            return
        kinds = f"{words.tr('Probe')} (*{SUFFIX})"
        start = str(start_in(self, SAVED, f"probe{SUFFIX}"))
        name, _ = QFileDialog.getSaveFileName(self, words.tr("Save the probe"), start, kinds)
        if name:
            keep(self, SAVED, name)
            saving = self.shell.saving
            export.save_as(self, name, SUFFIX, lambda place: saving.act(place, lambda: save_probe(probe, place)))

    def _ask_open(self) -> None:
        kinds = f"{words.tr('Probe')} (*{SUFFIX})"
        start = str(start_in(self, OPENED))
        name, _ = QFileDialog.getOpenFileName(self, words.tr("Open a probe"), start, kinds)
        if name:
            keep(self, OPENED, name)
            self.take([Path(name)])
