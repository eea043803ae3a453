"""What can be done about a run that ended in an error: where the GPU was full, the CPU on one click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from app.shell import Shell
from app.words import Text
from engines.core.protocol import Ended

Act: TypeAlias = Callable[[], object]


def remedy(ended: Ended, shell: Shell, action: Text, again: Act | None) -> tuple[Text, Act | None]:
    """The action to offer beside an error, and what it does.

    Parameters
    ----------
    ended : Ended
    shell : Shell
        Whose device is chosen anew.
    action, again
        What is offered for any other error; ``again`` is also done once the CPU is chosen.
    """
    if not ended.memory:
        return action, again

    def on_cpu() -> None:
        shell.choose_device("cpu")
        if again is not None:
            again()

    return "Use the CPU", on_cpu
