"""What is said of a query under the watched scene."""

from __future__ import annotations

import numpy as np

from app import words
from engines.core.errors import Message
from engines.detr.objects import object_name
from engines.detr.training.spec import Found


def query_sentence(found: Found, query: int, name: Message) -> Message:
    """What a query predicts, as ``name``, and the object that it is matched to, if there is one."""
    values: dict[str, object] = {
        "query": query + 1,
        "name": name,
        "score": words.number(float(found.scores[query]), 2),
        "none": words.number(float(found.no_object[query]), 2),
    }
    mine = np.flatnonzero(found.owners == query)
    if not len(mine):
        return Message("Query {query} is unmatched: {name} {score}, no object {none}", values)
    values["object"] = object_name(int(mine[0]))
    return Message("Query {query} is matched to {object}: {name} {score}, no object {none}", values)
