"""How the hub is reached: what was set in the program, over what the environment and the desktop say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

OFFICIAL = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"  #: that people in China use, where the hub cannot be reached
_DESKTOP = "org.gnome.system.proxy"
_PATIENCE = 2.0  # seconds that the desktop may take to name its proxy


@dataclass(frozen=True)
class Reach:
    """What a download is given beside the environment.

    Attributes
    ----------
    address : str
        Of the hub or a mirror; empty for ``HF_ENDPOINT``, else the hub's own.
    token : str
        Shown to the hub; empty for ``HF_TOKEN`` or the one that huggingface_hub keeps. Left out of its ``repr``.
    """

    address: str = ""
    token: str = field(default="", repr=False)

    def environment(self) -> dict[str, str]:
        """Variables for the process that downloads."""
        made = proxy_variables()
        if self.address:
            made["HF_ENDPOINT"] = self.address
        if self.token:
            made["HF_TOKEN"] = self.token
        return made


def is_address(text: str) -> bool:
    """Whether a text is the address of a hub."""
    scheme, found, rest = text.partition("://")
    return scheme in ("http", "https") and bool(found) and bool(rest.strip("/")) and not any(map(str.isspace, text))


def proxy() -> str:
    """The proxy for the hub, as the environment or the system names it, without name and password; empty for none."""
    known = {**_named(), **_lower(desktop_proxies())}
    found = known.get("https") or known.get("all") or known.get("http") or ""
    scheme, _, place = found.rpartition("://")
    return f"{scheme or 'http'}://{place.rpartition('@')[2]}" if found else ""


def proxy_variables() -> dict[str, str]:
    """Variables that name the desktop's proxy, where httpx would not find it; empty where it does."""
    return {f"{name}_PROXY": value for name, value in desktop_proxies().items()}


def desktop_proxies() -> dict[str, str]:
    """The proxies set by hand in a GNOME desktop, and what goes past them, as ``HTTPS``, ``HTTP``, ``NO``.

    Windows and macOS have theirs read by `urllib`, and so has an environment that names some; other desktops of Linux
    set the environment. Empty for all of these, and where a script chooses the proxy.
    """
    named = any(name in _named() for name in ("http", "https", "all"))
    if named or not sys.platform.startswith("linux") or shutil.which("gsettings") is None:
        return {}
    if _setting(_DESKTOP, "mode") != "manual":
        return {}
    found = {}
    for kind in ("https", "http"):
        host, port = _setting(f"{_DESKTOP}.{kind}", "host"), _setting(f"{_DESKTOP}.{kind}", "port")
        if host and port.isdigit() and int(port):
            found[kind.upper()] = f"http://{host}:{port}"
    past = _setting(_DESKTOP, "ignore-hosts").strip("[]").replace("'", "").replace(" ", "")
    return {**found, "NO": past} if found and past else found


def _setting(schema: str, key: str) -> str:
    """One setting of the desktop; empty if it does not say."""
    try:
        answer = subprocess.run(
            ["gsettings", "get", schema, key], capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    said = answer.stdout.strip()
    return said if said.startswith("[") else said.strip("'")


def _named() -> dict[str, str]:
    """The proxies that the environment names, or Windows, or macOS."""
    import urllib.request  # with all of http and mail: not before the window is open

    return urllib.request.getproxies()


def _lower(proxies: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in proxies.items()}
