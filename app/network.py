"""How models are fetched and where they are kept, as set in the window: address, token, folder of the cache."""

from __future__ import annotations

import os
from pathlib import Path

from app import scrub
from app.settings import Settings
from engines.checkpoints.reach import Reach
from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.reading import read_bytes

TOKEN_FILE = "token"
_CACHE = "HF_HUB_CACHE"


class Network:
    """Address and folder are settings like others; the token has a file of its own that only its owner may read.

    Parameters
    ----------
    settings : Settings
        Those that are temporary keep no token.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._given = os.environ.get(_CACHE)  # by the environment
        self._token = self._read()
        scrub.hide(self._token)
        self._use_cache()

    @property
    def address(self) -> str:
        """Of the hub; empty for that of the environment, else its own."""
        return self._settings.hub

    def set_address(self, address: str) -> None:
        """Fetch from there from now on."""
        self._settings.hub = address.strip().rstrip("/")

    @property
    def token(self) -> str:
        """What the hub is shown; empty for none."""
        return self._token

    def set_token(self, token: str) -> None:
        """Show this one from now on; empty for none.

        Raises
        ------
        LabError
            If it could not be kept for the next time; it is used all the same.
        """
        self._token = token.strip()
        scrub.hide(self._token)
        place = self._place
        if place is None:
            return
        if self._token:
            files.write(place, self._token, private=True)
            return
        try:
            place.unlink(missing_ok=True)
        except OSError as error:
            raise files.WriteError(place, files.reason(error)) from error

    def set_cache(self, folder: str) -> None:
        """Keep models in another folder; empty for the one that all programs of the hub share."""
        self._settings.cache = folder
        self._use_cache()

    def reach(self) -> Reach:
        """What a download is given."""
        return Reach(self.address, self._token)

    def _use_cache(self) -> None:
        """The folder is told to all that asks for it, other processes, too, by the variable of the hub's programs."""
        folder = self._settings.cache or self._given
        if folder:
            os.environ[_CACHE] = folder
        else:
            os.environ.pop(_CACHE, None)

    @property
    def _place(self) -> Path | None:
        return None if self._settings.folder is None else self._settings.folder / TOKEN_FILE

    def _read(self) -> str:
        if self._place is None:
            return ""
        try:
            return read_bytes(self._place, limits.KEPT_FILE).decode("ascii").strip()
        except (LabError, UnicodeDecodeError):
            return ""  # none, or no token
