"""Where the runs of the pictures and the method that are chosen are kept."""

from __future__ import annotations

from app import words
from app.kept import KeptRuns, Shelf
from app.shell import Host
from app.tabs.moco.run import MocoRun
from app.topic.state import State
from engines.core.errors import Message
from engines.core.keeping import SavedRun
from engines.moco.saved import bring_first, run_file, run_folder, saved_runs


class QueueRuns(KeptRuns):
    """The runs of what is chosen; looked for when that is another."""

    def __init__(self, host: Host, state: State, run: MocoRun) -> None:
        shelf = Shelf(
            found=lambda: saved_runs(run_file(run_folder(), state.params)),
            first=lambda one: bring_first(one, run_file(run_folder(), state.params)),
            told=told,
        )
        super().__init__(host, run.training, lambda found: state.put(picture=None, anchor=0, **found), shelf)
        self._state = state
        self._asked: object = None  # the pictures and the method that they are of

    def look(self, again: bool = False) -> None:
        """Look for runs of what is chosen now; ``again`` even if that was looked for last."""
        params = self._state.params
        wanted = params.data, params.paths, params.method
        if wanted == self._asked and not again:
            return
        self._asked = wanted
        if self._training.step or self._training.runs:
            self.hide_all()
        else:
            self.offer()


def told(run: SavedRun) -> Message:
    """Which pictures it was trained on, and how far."""
    values = {"n": words.number(run.step), "what": Message(str(run.settings["data"]))}
    return Message("{what}: stopped at step {n}.", values)
