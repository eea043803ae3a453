"""What the model says of the picture that the header chooses, for all pages, and the pages that take boxes from it."""

from __future__ import annotations

from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from app import words
from app.shell import Shell
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from engines.checkpoints import catalog
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event, Started
from engines.core.training import Weights
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import TRAINED_HERE, Detections, DetrParams, ModelInfo, PictureShown, fitted
from engines.detr.weights import REAL

PAUSE = 400  #: ms without a question that count as rest


class Answer(NamedTuple):
    """What belongs together; ``of``: the settings that it answers."""

    info: ModelInfo
    shown: PictureShown
    found: Detections
    of: DetrParams


class Model(QObject):
    """Model and picture, as they are chosen for all pages.

    Parameters
    ----------
    state : State
        Of the pages that show what the model says.
    feed : Feed
        Theirs.
    shell : Shell

    Attributes
    ----------
    newest : Answer or None
        None while another picture or model has been chosen and not been answered.
    info : ModelInfo or None
        The model that answered last.

    Signals
    -------
    answered
        `newest` is another one.
    picture_changed, model_changed
        Another one was chosen.
    known : ModelInfo
        Another model answers.
    """

    answered = Signal()
    picture_changed = Signal()
    model_changed = Signal()
    known = Signal(object)

    def __init__(self, state: State, feed: Feed, shell: Shell, parent: QObject) -> None:
        super().__init__(parent)
        self.state, self.feed, self._shell = state, feed, shell
        self.newest: Answer | None = None
        self.info: ModelInfo | None = None
        self._of: DetrParams | None = None  # what is answered just now
        state.changed.connect(self._changed)
        feed.heard.connect(self._heard)

    @property
    def params(self) -> RelevanceParams:
        """The settings."""
        params: RelevanceParams = self.state.params
        return params

    # -- acts
    def ask(self, chosen: bool = False) -> None:
        """Ask the model, if it has not answered this yet; for pages on screen.

        Where the hand has ended the question before, only what the hand has ``chosen`` since is asked.
        """
        self.feed.asks = DetrParams
        if chosen and self.feed.given_up:
            self.feed.ask()
        else:
            self.feed.shown()

    def take_picture(self, picture: Picture) -> None:
        """Show a picture; what belongs to the one before goes with it."""
        self.state.put(**with_picture(picture))

    def take_model(self, source: str) -> None:
        """Use a model that is on this machine, untouched; the same again is another try after a failure."""
        before, failed = self.params, self.feed.failed
        self.state.put(**vars(before.untouched()) | with_model(source))
        if failed and self.params == before:
            self.feed.ask(again=True)

    def get_real(self) -> None:
        """Use the real DETR, fetching it first where it is not at hand."""
        if catalog.describe(REAL).ready:
            self.take_model(REAL)
        else:
            self._shell.download(REAL)

    def use(self, weights: Weights) -> None:
        """Use a state of the run on the page "Training"."""
        self.state.put(**vars(self.params.untouched()) | with_model(TRAINED_HERE) | {"weights": weights})

    def follow(self, weights: Weights) -> None:
        """Another state of that run is looked at: where it is the model, the model is another one, too."""
        if self.params.source == TRAINED_HERE:
            self.state.change(weights=weights)

    # -- what is heard
    def _changed(self, before: RelevanceParams) -> None:
        now = self.params
        if now.picture is not before.picture:
            self.newest = None
            self.picture_changed.emit()
        elif (now.source, now.weights) != (before.source, before.weights):
            self.newest = None
            self.model_changed.emit()

    def _heard(self, event: Event) -> None:
        match event:
            case Started() if isinstance(event.params, DetrParams):
                self._of = event.params
            case ModelInfo() if event is not self.info:
                self.info = event
                self.known.emit(event)
                fits = fitted(self.params, event)
                if fits != self.params:
                    self.state.put(**vars(fits))
            case Detections():
                self._answered(event)
            case Ended() if event.error is not None and not event.misplaced:
                good = RelevanceParams.source if self.info is None else self.info.source
                if self.params.source != good:  # refused: the sliders go on with the one on screen, or the usual one
                    self.state.put(source=good)

    def _answered(self, found: Detections) -> None:
        now, of, frames = self.params, self._of, self.feed.frames
        if of is None or of.picture is not now.picture or (of.source, of.weights) != (now.source, now.weights):
            return
        info, shown = frames.get(ModelInfo), frames.get(PictureShown)
        if isinstance(info, ModelInfo) and isinstance(shown, PictureShown):
            answer = Answer(info, shown, found, of)
            if self.newest is None or any(a is not b for a, b in zip(answer[:3], self.newest[:3], strict=True)):
                self.newest = answer
                self.answered.emit()


class ModelPage(Page):
    """A page with settings and an engine of its own that can take over what the model says.

    Parameters
    ----------
    state, feed, shell
        As of any page.
    model : Model
    """

    takes_pictures = takes_models = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell, model: Model) -> None:
        super().__init__(state, feed, shell)
        self.model = model
        self._taken: Answer | None = None  # the newest that the page was told
        self._wanted = False  # by the hand, before the model has answered
        self._rest = QTimer(self, singleShot=True, interval=PAUSE)
        self._rest.timeout.connect(model.feed.resume)
        model.answered.connect(self._take)
        model.picture_changed.connect(self._other_picture)
        model.model_changed.connect(self._other_model)
        if feed is not None:
            feed.busy.connect(self._own_busy)
            model.feed.busy.connect(self._model_busy)

    # -- what a subclass says
    def wants_model(self) -> bool:
        """Whether what is shown is taken from the model."""
        return False

    def model_answered(self, answer: Answer, by_hand: bool) -> None:
        """Take over what the model says; as a step to undo where the hand has asked for it."""

    def picture_changed(self) -> None:
        """Another picture was chosen while the page is on screen."""

    # -- what a subclass has
    def want_model(self) -> None:
        """Take over what the model says, now or as soon as it has answered."""
        self._wanted, self._taken = True, None
        self._take()
        self._ask_model(chosen=True)

    # -- the contract
    def activated(self) -> None:
        self._take()
        self._ask_model()

    def deactivated(self) -> None:
        self._rest.stop()

    def _own_busy(self, busy: bool) -> None:
        """A question of the page itself displaces the model's, which goes on when the hand rests."""
        if busy or not self.on_screen:
            self._rest.stop()
        else:
            self._rest.start()

    def _model_busy(self, busy: bool) -> None:
        """And the other way round."""
        if not busy and self.on_screen and self.feed is not None:
            self.feed.resume()

    def _ask_model(self, chosen: bool = False) -> None:
        if self.on_screen and (self._wanted or self.wants_model()):
            self.model.ask(chosen)

    def _take(self) -> None:
        answer = self.model.newest
        if self.on_screen and answer is not None and answer is not self._taken and (self._wanted or self.wants_model()):
            by_hand, self._wanted, self._taken = self._wanted, False, answer
            self.model_answered(answer, by_hand)

    def _other_model(self) -> None:
        self._ask_model(chosen=True)

    def _other_picture(self) -> None:
        if self.on_screen:
            self.picture_changed()
            self._ask_model(chosen=True)


def with_picture(picture: Picture) -> dict[str, Any]:
    """The changes to the settings that show another picture."""
    return {
        "picture": picture, "query": -1, "pixel": None, "queries_off": (), "masked_patches": (), "explained": -1,
    }  # fmt: skip


def with_model(source: str) -> dict[str, Any]:
    """The changes to the settings that use another model."""
    return {"source": source, "query": -1, "pixel": None, "masked_patches": (), "explained": -1}


def real_offer() -> Message:
    """What the button for the real model says."""
    entry = catalog.describe(REAL)
    if entry.ready:
        return Message("Use DETR-R50")
    return Message("Get DETR-R50 ({size} MB)", {"size": words.number(entry.size_mb)})
