"""The hash of a model's weights, taken beside the reading of them: it says later which file a figure is of."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from engines.checkpoints import catalog


@contextmanager
def hashed(source: str) -> Iterator[Future[str]]:
    """Hash the weights of a source on a thread of its own, which has ended when the block is left.

    Parameters
    ----------
    source : str
        As `engines.checkpoints.catalog.locate` takes it.

    Yields
    ------
    Future of str
        What `engines.checkpoints.catalog.fingerprint` returns or raises.
    """
    with ThreadPoolExecutor(1, "hash") as pool:
        yield pool.submit(catalog.fingerprint, source)
