"""What can be done about a run that ended in an error, on one click.

The CPU where a GPU was full, this computer where a cluster is gone.
"""

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
        What is offered for any other error; ``again`` is also done once another device is chosen.
    """
    if not ended.misplaced:
        return action, again

    def elsewhere() -> None:
        shell.choose_device("cpu" if ended.memory else shell.settings.device)
        if again is not None:
            again()

    return ("Use the CPU" if ended.memory else "Use this computer"), elsewhere
