"""A DETR for other topics; see `engines.blocks.detectors`."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np
import torch

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.detectors import Found, best_first
from engines.checkpoints import catalog
from engines.core.errors import LabError, Message
from engines.core.protocol import Event
from engines.detr.checkpoint import load_checkpoint
from engines.detr.engine import work
from engines.detr.interventions import UNTOUCHED
from engines.detr.stages import Encoding, decode
from engines.detr.weights import REAL

TOY = "toy-detr"


class DetrDetector:
    """The best class of each query but "no object".

    Parameters
    ----------
    source : str
    device : torch.device
    """

    def __init__(self, source: str, device: torch.device) -> None:
        self.title = catalog.describe(source).title
        self._model = load_checkpoint(source).to(device)
        self._device = device
        self.labels = tuple(self._model.labels[index] for index in range(self._model.config.num_classes))

    def look(self, rgb: np.ndarray) -> Generator[Event, None, Found]:
        """Find in a picture uint8 (H, W, 3)."""
        encoding = Encoding(self._model, self._model.preprocess(rgb).to(self._device))
        yield from work(encoding, Message("Looking with {name}", {"name": Message(self.title)}))
        began = time.perf_counter()
        answer = decode(self._model, encoding.memory, UNTOUCHED)
        spent = encoding.seconds + time.perf_counter() - began
        boxes = xyxy_to_cxcywh(torch.from_numpy(answer.boxes[-1])).numpy()
        return best_first(boxes, answer.scores[-1], answer.labels[-1], 1000 * spent)


def load(drawn: bool, device: torch.device) -> DetrDetector:
    """The toy for drawn scenes, the published model for photos.

    Raises
    ------
    LabError
        If that has not been downloaded.
    """
    source = TOY if drawn else REAL
    entry = catalog.describe(source)
    if not entry.ready:
        raise LabError("{name} has not been downloaded yet.", name=Message(entry.title))
    return DetrDetector(source, device)
