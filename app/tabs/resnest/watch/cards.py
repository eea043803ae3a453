"""Four cards of the page "Watch": the photo, the block's split attention, one channel of it, and all blocks."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtGui import QPainter

from app import theme, words
from app.cards import Card
from app.plots.curves import Curve, Curves
from app.steady import Steady, hold_lines
from app.tabs.resnest.watch.flow import Flow
from app.views.base import chip, outline
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap
from app.widgets import button, quiet
from engines.core.errors import Message
from engines.resnest.events import ModelInfo, Photo
from engines.resnest.spec import ResNeStParams
from engines.resnest.watch.spec import Answer, Spread

STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def nice_end(value: float) -> float:
    """The next round number, so that a scale rests while what it measures trembles."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((step * unit for step in STEPS if step * unit >= value * (1 - 1e-6)), 10 * unit)


class OnPhoto(PhotoMap):
    """A channel's sum on the photo; its values are no shares."""

    def written(self, value: float) -> str:
        return words.number(value, 2)


class PhotoCard(Card):
    """The photo with the chosen channel's weighted sum on it."""

    def __init__(self) -> None:
        self.view = OnPhoto()
        words.say(self.view, "setAccessibleName", "The channel on the photo")
        self.bar = ColorBar(Message("Activation"), least=80)
        self.bar.drive(self.view)
        super().__init__("Photo", self.view, foot=self.bar)

    def show_photo(self, photo: Photo) -> None:
        """Another photo."""
        self.view.set_photo(photo.photo)
        self.set_empty(None)

    def show_channel(self, answer: Answer, channel: int, top: float) -> None:
        """The weighted sum of a channel, counted from 0."""
        values = answer.blended[channel]
        self.view.set_grid(values.shape[0], values.shape[1], class_token=False)
        self.view.set_map(values, top)
        self.bar.set_range(0, top)
        self.set_note("channel {n}", n=channel + 1)


class SplitsCard(Card):
    """The block's split attention, channel by channel."""

    def __init__(self) -> None:
        self.view = Flow()
        self.free = button("Let go", tip="Gives the block's weights back to the model.")
        self.said = Steady()
        super().__init__("Splits", self.view, tools=[self.free], foot=self.said)

    def show_block(self, answer: Answer, info: ModelInfo, params: ResNeStParams) -> None:
        """Another block, or other weights."""
        self.view.show_answer(answer)
        self.view.set_channel(min(params.channel, answer.shares.shape[1]) - 1)
        stage, number = info.place_of(answer.block)
        self.set_title("Split attention of block {n}", n=answer.block)
        self.set_note("stage {stage}, block {number}", stage=stage, number=number)
        self.free.setEnabled(any(one[0] == answer.block for one in params.held))
        words.say(self.said, "setText", _shapes(answer, info))
        self.set_empty(None)


def _shapes(answer: Answer, info: ModelInfo) -> Message:
    """What comes in and what the convolution makes of it."""
    channels, height, width = answer.entered
    values = {"c": channels, "h": height, "w": width, "k": answer.kernel[2], "radix": info.radix,
              "groups": info.groups * info.radix,
              "out": answer.kernel[0]}  # fmt: skip
    return Message("{c} × {h} × {w} → convolution {k} × {k} in {groups} {groups:group|groups} → {out} channels, "
                   "{radix} {radix:split|splits}", values)  # fmt: skip


class ChannelMaps(Mosaic):
    """A channel's splits and its sum; the value under the pointer is no share."""

    def draw(self, painter: QPainter) -> None:
        hover, self._hover = self._hover, None
        super().draw(painter)
        self._hover = hover
        if hover is not None:
            spot = self._spot(hover)
            outline(painter, spot, theme.color("chalk"), 1)
            chip(painter, spot, words.number(self._value(hover), 2), self.rect().toRectF())

    def report(self) -> str:
        if self._hover is None:
            return ""
        return f"{words.drawn(self._named(self._hover[0]))}, {words.number(self._value(self._hover), 2)}"


class ChannelCard(Card):
    """One channel: its splits, their weights, their sum."""

    def __init__(self) -> None:
        self.view = ChannelMaps()
        self.view.export_name = "channel"
        words.say(self.view, "setAccessibleName", "Splits and sum of the channel")
        self.said = quiet("", wrap=True)
        hold_lines(self.said, 2)
        super().__init__("Channel", self.view, foot=self.said)

    def show_channel(self, answer: Answer, channel: int) -> float:
        """A channel, counted from 0; returns the end of its scale."""
        splits, blended = answer.splits[:, channel], answer.blended[channel]
        top = nice_end(float(splits.max()))
        self.view.set_maps(np.concatenate([splits, blended[None]]), top)
        factors = [Message("× {weight}", {"weight": words.number(float(w), 3)}) for w in answer.shares[:, channel]]
        self.view.set_captions([*factors, Message("Sum")])
        self.set_title("Channel {n}", n=channel + 1)
        self.set_note("mean {value}", value=words.number(float(answer.pooled[channel]), 3))
        words.say(self.said, "setText", _arithmetic(answer, channel))
        self.set_empty(None)
        return top


def _arithmetic(answer: Answer, channel: int) -> Message:
    """How the model comes to the channel's own weights."""
    scores = words.listed([words.number(float(each), 2) for each in answer.scores[:, channel]])
    own = words.listed([words.number(float(each), 2) for each in answer.own[:, channel]])
    text = "softmax({scores}) = {weights}" if len(answer.scores) > 1 else "sigmoid({scores}) = {weights}"
    return Message(text, {"scores": scores, "weights": own})


class BlocksCard(Card):
    """Do the weights depend on the photo at all? Entropy and spread in every block."""

    def __init__(self) -> None:
        self.view = Curves(y_range=(0.0, 1.0), y_ticks=(0.0, 0.5, 1.0), widest="0.00")
        self.view.export_name = "weights-by-block"
        words.say(self.view, "setAccessibleName", "Weights by block")
        words.say(
            self.view, "setToolTip",
            "Entropy: of the weights of a channel, 1 where all splits weigh the same. By photo: standard deviation "
            "of a channel's weight over the bundled photos; near 0 the weights don't depend on the photo. By "
            "channel: that of the weights in one photo.",
        )  # fmt: skip
        super().__init__("Weights by block", self.view, foot=self.view.key)

    def show_blocks(self, answer: Answer, spread: Spread | None, info: ModelInfo) -> None:
        """The curves; the spread comes after the answer."""
        x = np.arange(1, info.blocks + 1, dtype=float)
        curves = []
        if info.radix > 1:
            curves.append(Curve(Message("Entropy"), x, answer.entropy / math.log2(info.radix), "cat0"))
        if spread is not None and spread.model == info.source:
            curves.append(Curve(Message("By photo"), x, spread.over_photos, "cat1", dashed=True))
            curves.append(Curve(Message("By channel"), x, spread.over_channels, "cat2"))
            self.set_note("{n} photos", n=spread.photos)
        self.view.set_curves(curves, float(info.blocks))
        self.view.set_cursor(float(answer.block))
        self.set_empty(None)
