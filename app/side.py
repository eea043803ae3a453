"""The list of topics at the side; a rail of icons where the window is narrow."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from PySide6.QtCore import QEasingCurve, QPointF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app import icons, theme, words
from app.theme import CAPTION, HEAD, HEADER, RAIL, S1, S2, S3, SIDE
from app.topics import Topic
from app.widgets import Button, box, col, label, row, rule

DOT = 3  #: px, radius of the mark of a topic that trains


class TopicButton(Button):
    """A line of the list; a ring at its right says that the topic can train, a dot that it does."""

    trains = can_train = False

    def set_can_train(self) -> None:
        """Show the ring, and say it to those who do not see it."""
        self.can_train = True
        words.say(self, "setAccessibleDescription", "Can train")

    def set_training(self, trains: bool) -> None:
        """Show the dot, and say it to those who do not see it."""
        if trains != self.trains:
            self.trains = trains
            words.say(self, "setAccessibleDescription", "Training" if trains else "Can train" if self.can_train else "")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.trains or self.can_train:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(theme.color("ok" if self.trains else "control"))
                painter.setBrush(theme.color("ok") if self.trains else Qt.BrushStyle.NoBrush)
                rail = self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
                at = QPointF(self.width() - S2, S2 if rail else self.height() / 2)
                painter.drawEllipse(at, DOT, DOT)


class Side(QFrame):
    """Grouped topics with icons, and the switches of the whole window below.

    Signals
    -------
    chosen : str
        Name of a topic.
    """

    chosen = Signal(str)

    def __init__(self, topics: tuple[Topic, ...], tools: tuple[Button, ...], first: Button) -> None:
        """``first`` stands above the topics, ``tools`` below them."""
        super().__init__()
        self.setProperty("kind", "side")
        self._rail = False
        self._group = QButtonGroup(self)
        self._buttons: dict[str, TopicButton] = {}
        self._wide: list[QWidget] = []  # only shown beside words
        self._narrow: list[QWidget] = []  # only shown in the rail
        self._tools = tools
        mark = QLabel()
        mark.setFixedSize(24, 24)
        theme.dress(mark, "icon", lambda w: w.setPixmap(icons.pixmap("lab", "accent", 24)))
        name = label("Attention Lab", HEAD, True)
        self._wide.append(name)
        brand = row(-S1, mark, name, 1, gap=S2)
        brand.addStrut(HEADER - 2)
        self._list = layout = col(gap=2, pad=(S2, 0, S2, 0))
        first.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout.addWidget(first)
        self._first = first
        for group, members in groupby(topics, lambda t: t.group):
            title = label(group, CAPTION, kind="quiet")
            title.setContentsMargins(S2, S2 + S1, 0, 2)
            line = box(col(rule(), pad=(0, S2, 0, S1)))
            layout.addWidget(title)
            layout.addWidget(line)
            self._wide.append(title)
            self._narrow.append(line)
            for topic in members:
                self._add(layout, topic)
        layout.addStretch(1)
        self._area = QScrollArea()  # a low window has no room for all topics
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(box(layout, "scroll"))
        self._foot = row(*tools, 1, gap=S1)
        head, foot = box(brand), box(self._foot)
        brand.setContentsMargins(S2, 0, S2, 0)
        self._foot.setContentsMargins(S2, S1, S2, S3)
        self.setLayout(col(head, (self._area, 1), foot, gap=0))
        self._slide = QVariantAnimation(self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._slide.valueChanged.connect(lambda width: self.setFixedWidth(int(width)))
        self.set_rail(False, animated=False)

    def _add(self, layout: QVBoxLayout, topic: Topic) -> None:
        one = TopicButton(topic.title, topic.icon, "topic", topic.title)
        one.setCheckable(True)
        if topic.trains:
            one.set_can_train()
        one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        one.clicked.connect(lambda _checked=False, n=topic.name: self.chosen.emit(n))
        self._group.addButton(one)
        self._buttons[topic.name] = one
        layout.addWidget(one)

    def button_of(self, name: str) -> QWidget | None:
        """The line of a topic; None for one that is not in the list."""
        return self._buttons.get(name)

    def set_training(self, names: Collection[str]) -> None:
        """Mark the topics that train."""
        for name, one in self._buttons.items():
            one.set_training(name in names)

    def set_topic(self, name: str) -> None:
        """Mark a topic without telling anybody."""
        self._buttons[name].setChecked(True)
        self._area.ensureWidgetVisible(self._buttons[name], 0, S2)

    def _target(self) -> int:
        """Width at rest; a wide font gets more of it where a title needs more."""
        if self._rail:
            return RAIL
        return max(SIDE, 2 * S2 + 2 * DOT + max(one.sizeHint().width() for one in self._buttons.values()))

    def restyled(self) -> None:
        """A style sheet and an icon that are put on have sizes of their own."""
        only, beside = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for one in (self._first, *self._buttons.values()):
            one.setToolButtonStyle(only if self._rail else beside)
            one.setIconSize(QSize(20, 20) if self._rail else QSize(18, 18))
            one.setFixedHeight(26 if self._rail else 28)  # from 1280 × 800 all topics are in sight, and one more

    def retranslated(self) -> None:
        """Titles in another language may need another width."""
        self.set_rail(self._rail, animated=False)

    @property
    def rail(self) -> bool:
        """Whether only icons are shown."""
        return self._rail

    def set_rail(self, rail: bool, animated: bool = True) -> None:
        """Show icons alone, or icons and words."""
        if rail == self._rail and self.minimumWidth() == self._target():
            return
        self._rail = rail
        for part in self._wide:
            part.setVisible(not rail)
        for part in self._narrow:
            part.setVisible(rail)
        self.restyled()
        edges = (S2 - 2, 0, S1, 0) if rail else (S2, 0, S2, 0)  # a scroll bar of 8 px still leaves a whole button
        self._list.setContentsMargins(*edges)
        self._foot.setDirection(self._foot.Direction.TopToBottom if rail else self._foot.Direction.LeftToRight)
        for tool in self._tools:
            tool.setFixedWidth(RAIL - 2 * S2 if rail else 36)
        target = self._target()
        self._slide.stop()
        if animated and self.isVisible() and theme.duration(1):
            self._slide.setDuration(theme.duration(160))
            self._slide.setStartValue(self.width())
            self._slide.setEndValue(target)
            self._slide.start()
        else:
            self.setFixedWidth(target)
