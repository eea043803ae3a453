"""Imports that the garbage collector does not make longer."""

from __future__ import annotations

import builtins
import gc
import sys
import threading
import types
import weakref

import pytest

from app import garbage
from app.collecting import PLAIN, has_built, importing, stays, unread
from app.garbage import Collections


@pytest.fixture(autouse=True)
def thawed():
    """The objects of this process are looked at again afterwards."""
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_while_something_is_imported():
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_imported_is_looked_at_no_more(monkeypatch):
    frozen = gc.get_freeze_count()
    with importing():
        monkeypatch.setitem(sys.modules, "made_up", types.ModuleType("made_up"))
    assert gc.get_freeze_count() > frozen + 1000


def test_where_all_was_there_nothing_is_put_aside():
    frozen = gc.get_freeze_count()
    with importing():
        import gc as _same  # noqa: F401
    assert gc.get_freeze_count() <= frozen


def test_an_import_that_fails_leaves_the_collector_on():
    with pytest.raises(ImportError), importing():
        import no_such_module  # noqa: F401
    assert gc.isenabled()


def test_the_source_of_what_an_engine_imports_is_not_looked_through():
    watching = builtins.__import__  # PySide's own
    assert watching is not getattr(builtins, PLAIN)
    with pytest.raises(ZeroDivisionError), unread():
        1 / (builtins.__import__ is not getattr(builtins, PLAIN))  # not there: no error either
    assert builtins.__import__ is watching


def test_without_such_an_import_nothing_is_changed(monkeypatch):
    monkeypatch.delattr(builtins, PLAIN)
    before = builtins.__import__
    with unread():
        assert builtins.__import__ is before
    assert builtins.__import__ is before


def test_the_last_of_two_threads_turns_it_on_again():
    inside, over = threading.Event(), threading.Event()

    def slow() -> None:
        with importing():
            inside.set()
            over.wait()

    other = threading.Thread(target=slow)
    other.start()
    inside.wait()
    with importing():
        pass
    assert not gc.isenabled()
    over.set()
    other.join()
    assert gc.isenabled()


def test_tabs_and_engines_are_imported_that_way(open_window, qtbot, monkeypatch):
    """Seen from inside of the imports: on the GUI thread for a tab, on the compute thread for its engine."""
    seen = []
    whole = sys.modules["importlib"].import_module

    def seen_import(name, *args):
        seen.append((name, gc.isenabled(), threading.current_thread() is threading.main_thread()))
        return whole(name, *args)

    monkeypatch.setattr("importlib.import_module", seen_import)
    tab = open_window().show_topic("scoring")
    qtbot.waitUntil(lambda: not tab.is_busy)
    asked = {name: found for name, *found in seen if ".scoring" in name}
    assert asked["app.tabs.scoring.compare.page"] == [False, True]
    assert asked["engines.scoring.compare.engine"] == [False, False]


class Knot:
    """Refers to itself: only a collection ends it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collections(qapp, monkeypatch):
    before = gc.get_threshold()
    monkeypatch.setattr(garbage, "BEAT", 10)
    has_built()  # by the tests before
    made = Collections(qapp)
    made.setParent(None)
    yield made
    gc.set_threshold(*before)


def test_old_garbage_goes_when_a_full_collection_is_due(qtbot, collections, monkeypatch):
    old = Knot()
    gone = weakref.ref(old)
    gc.collect(1)  # now it is old
    del old
    monkeypatch.setattr(garbage, "DUE", 10**6)
    qtbot.wait(50)
    assert gone() is not None
    monkeypatch.setattr(garbage, "DUE", 1)
    gc.collect(1)
    qtbot.waitUntil(lambda: gone() is None)


def test_what_a_page_consists_of_is_looked_through_no_more(qtbot, collections, open_window):
    """A full collection with all pages in it holds the window up for 0.3 s."""
    collections.due = 10**6, 10**6
    here = Knot()
    qtbot.wait(50)
    assert any(one is here for one in gc.get_objects())
    page = open_window().show_topic("scoring").now
    qtbot.waitUntil(lambda: not any(one is here for one in gc.get_objects()))
    assert page.__dict__
    assert not any(one is page.__dict__ for one in gc.get_objects())


def test_young_garbage_is_not_kept_by_what_was_built(qtbot, collections):
    gone = weakref.ref(Knot())
    stays()
    qtbot.waitUntil(lambda: gone() is None)


def test_garbage_of_another_thread_ends_in_the_windows(qtbot, collections):
    """There alone may what Qt has given end; a thread that trains allocates most."""
    ended = []

    class Ends(Knot):
        def __del__(self):
            ended.append(threading.get_ident())

    def allocate():
        for _ in range(5000):
            Ends()

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert not ended
    qtbot.waitUntil(lambda: len(ended) == 5000)
    assert set(ended) == {threading.get_ident()}


def test_while_something_is_imported_nothing_is_collected(qtbot, collections):
    young = Knot()
    gone = weakref.ref(young)
    del young
    with importing():
        kept = [[] for _ in range(2000)]  # enough for a collection
        qtbot.wait(50)
        assert gone() is not None
        assert kept
    qtbot.waitUntil(lambda: gone() is None)
