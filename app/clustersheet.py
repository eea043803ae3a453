"""Asks for the address of a cluster of Ray, on which the pages are computed from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QLineEdit, QWidget

from app import words
from app.sheet import Sheet
from app.theme import BODY
from app.widgets import button, label, row
from engines.core.device import RAY
from engines.core.errors import LabError
from engines.studies.cluster import host_and_port

if TYPE_CHECKING:
    from app.window import Window

WIDE = 520
WHAT = (
    "Pages are computed on a node of the cluster, one with a GPU if there is one. This program has to be installed "
    "there in the same version, and this computer has to be one of the nodes. (Moritz et al. 2018)"
)
SENT = (
    "What you set and the pictures that you show are sent there. Files and folders of this computer, trainings and "
    "folders of pictures stay here."
)
TRUST = "Whoever reaches this port runs programs on the cluster: keep it behind authentication, and come in by SSH."


class ClusterSheet(Sheet):
    """Whether a cluster is there, the first page that is computed on it says."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Compute on a cluster of Ray", WIDE)
        self._window = cast("Window", parent)
        self.line(WHAT)
        self.line(SENT)
        self.line(TRUST)
        self.address = QLineEdit(self._window.settings.cluster)
        self.address.setPlaceholderText("127.0.0.1:6379")
        words.say(self.address, "setAccessibleName", "Address of the cluster")
        self.address.returnPressed.connect(self.take)
        self.use = button("Compute there", kind="boxed", clicked=self.take)
        self.inside.addLayout(row((self.address, 1), self.use))
        self.refusal = label("", BODY, kind="danger", wrap=True)
        self.refusal.hide()
        self.inside.addWidget(self.refusal)
        self.first = self.address

    def take(self) -> None:
        """Compute there from now on."""
        address = self.address.text().strip()
        try:
            host_and_port(address)
        except LabError as error:
            words.say(self.refusal, "setText", error.message)
            self.refusal.show()
            self.address.setFocus()
            return
        self.close()
        self._window.choose_device(RAY + address)
