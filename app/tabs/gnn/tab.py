"""The tab of graphs: photo and graph in the header, and what other topics hand over."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from app import choosers, words
from app.samples import sample_names
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.core.errors import Message
from engines.gnn.masks import of_mask
from engines.gnn.spec import OWN, GraphParams


class GraphTab(Tab):
    """Takes photos for their patches, files for their graphs, and masks of attention."""

    def choosers(self) -> Sequence[QWidget]:
        self.picture_chooser = choosers.picture_chooser(self)
        return (self.picture_chooser,)

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, GraphParams):
            if state.params.sample == OWN and not os.path.isfile(state.params.file):
                state.put(sample=GraphParams().sample)  # what was opened the last time is not kept
            state.changed.connect(lambda _before: self._show_picture(state))
            self._show_picture(state)
        return super().make_page(kind, state, feed)

    def _show_picture(self, state: State) -> None:
        picture = state.params.picture
        name = str(sample_names()[0][1].text) if picture is None else picture.name
        self.picture_chooser.show_picture(name, "" if picture is None else picture.source)

    def take(self, kind: str, value: object) -> None:
        """A mask of attention becomes a graph."""
        assert kind == "mask"
        allowed = np.asarray(value, bool)
        self.show_page(0)
        graph = of_mask(allowed, words.tr("Mask"))
        self.now.state.put(own=graph, file="", sample=OWN)
        told = {"q": allowed.shape[0], "k": allowed.shape[1], "n": int(allowed.sum())}
        self.tell(Message("A mask of {q} × {k}: {n} {n:edge|edges}, each from a key to a query.", told))
