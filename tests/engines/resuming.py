"""Whether a training engine goes on from a file bit for bit as if it had never stopped."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from itertools import islice

import numpy as np

from engines.core import files, pack
from engines.core.errors import Message
from engines.core.protocol import Job, Record
from engines.core.training import Kept, Stepped, Weights


def drive(trainer, params, most=None):
    """All events of a job, or the first ones: then it is left in the middle."""
    job = Job(params, lambda: trainer, lambda event: None)
    steps = trainer.run(job)
    events = list(islice(steps, most))
    steps.close()
    return events


def through_a_file(trainer, place):
    """The state of a run as it comes back from the disk."""
    arrays = pack.Arrays()
    tree = json.dumps(pack.packed(trainer.state(), arrays))
    files.write(place, lambda out: pack.fill(out, {}, tree, arrays.all))
    _, read, found = pack.load(place)
    return pack.unpacked(read, found, classes_of(trainer))


def classes_of(trainer):
    """What a file of its runs may hold."""
    return {each.__name__: each for each in (*trainer.told, Kept, Weights, Message)}


def check_history(trainer, events):
    """All records but the first, which says what the run is, can be kept and told again."""
    told = [e for e in events if isinstance(e, Record)][1:]
    arrays = pack.Arrays()
    tree = json.loads(json.dumps([pack.packed(event, arrays) for event in told]))
    assert same(pack.unpacked(tree, arrays.all, classes_of(trainer)), tuple(told))


def same(one, other):
    """Whether two trees hold the same, bit for bit."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return one == other or (one != one and other != other)


def check(make, params, first, last, place, more=(), timed=lambda told: told):
    """Train to a step, kill, go on from the file, and compare with a run that was never stopped.

    ``params`` makes the settings of a step and a run's number; ``more`` are numbers of events after which a further
    step is left in the middle before the kill; ``timed`` takes what the clock says out of events and states.
    """
    whole = make()
    events = drive(whole, params(last, 1))
    check_history(whole, events)
    straight = [timed(e) for e in events if isinstance(e, Stepped)]
    for middle in (None, *more):
        killed = make()
        drive(killed, params(first, 1))
        if middle is not None:
            drive(killed, params(last, 1), middle)
        again = make()
        again.waiting = through_a_file(killed, place)
        told = drive(again, params(last, 2))
        steps = [timed(e) for e in told if isinstance(e, Stepped)]
        assert steps
        assert steps == straight[-len(steps) :]
        assert middle is not None or steps[0].step == first + 1
        assert same(timed(again.state()), timed(whole.state()))
