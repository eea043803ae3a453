"""The tab "Transformer": pages over one task, which is chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.shell import Shell
from app.topic.tab import Tab
from app.topics import Topic
from app.widgets import MenuButton
from engines.data.sequences import TASKS


class TransformerTab(Tab):
    """All pages show the same task."""

    def __init__(self, topic: Topic, shell: Shell) -> None:
        super().__init__(topic, shell)
        self.now.state.changed.connect(lambda _before: self._show_task())
        self._show_task()

    def choosers(self) -> Sequence[QWidget]:
        self.task_button = MenuButton(TASKS, 0, tip="The task that is trained and decoded.")
        self.task_button.chosen.connect(lambda i: self.now.step(task=TASKS[i], text=""))
        return (self.task_button,)

    def _show_task(self) -> None:
        at = TASKS.index(self.params.task)
        if self.task_button.at() != at:
            self.task_button.set_at(at)
