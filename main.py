"""Attention Lab: ``python main.py [--tab NAME] [--lang en|zh] [--theme light|dark] [--device NAME] [FILES…]``."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said here, where an old Python still understands every line
    print("Attention Lab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".", file=sys.stderr)
    sys.exit(2)

from app.command import arguments, main, size

__all__ = ["arguments", "main", "size"]

if __name__ == "__main__":
    sys.exit(main())
