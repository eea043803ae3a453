"""Settings of the topic "Transfer", and what both of its pages are told (see `events`). Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from engines.core.params import PHOTO, Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.pictures import Picture
from engines.transfer.events import Probe, SetRead

__all__ = [
    "LIVE", "MAP", "MOST_TESTED", "NEW_RUN", "ON_MAP", "PCA", "SEED_TIP", "SMALL", "THUMB", "TSNE",
    "WEIGHTS_ARE_SHOWN_AS", "Probe", "SetRead", "TransferParams",
]  # fmt: skip

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check

PCA, TSNE = "PCA", "t-SNE"
MAP, NEW_RUN, LIVE = "Map", "Requires a new run", "Applies immediately"
SMALL: Final = "mini-vit"  #: the backbone that is always here
MOST_TESTED: Final = 1000  #: test pictures, all classes together
ON_MAP: Final = 5000  #: points on the map
THUMB: Final = 48  #: pixels of a thumbnail
SEED_TIP: Final = "Seeds the split into labeled and test pictures, the initial weights and the order of the batches."


@dataclass(frozen=True)
class TransferParams(Params):
    """What the tab shows.

    Attributes
    ----------
    folders : tuple of str
        Class folders, or one folder of them; () for scikit-learn's digits.
    model : str
        Source of the backbone, see `engines.checkpoints.catalog`; empty for mini-vit.
    photo : Picture, optional
        To be classified.
    in_hand : Probe, optional
        The probe of the run, or one from a file.
    probe : Probe, optional
        What classifies the photo: the one in hand, as soon as there is a photo.
    """

    labels: int = setting(
        5,
        Range(1, 500, 1, "Labels per class", log=True, group=NEW_RUN,
              tip="Labeled pictures per class; all three methods are trained on them."),
    )  # fmt: skip
    max_per_class: int = setting(
        40,
        Range(4, 5000, 1, "Pictures per class", log=True, group=NEW_RUN,
              tip="Half of them are test pictures, the rest can be labeled."),
        former="most",
    )  # fmt: skip
    side: int = setting(
        112,
        Range(1, 224, 1, "Picture size", "px", group=NEW_RUN,
              tip="Larger pictures show more detail and take longer. Fixed for small models."),
    )  # fmt: skip
    sample: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip=SEED_TIP))
    projection: str = setting(
        PCA,
        Choice((PCA, TSNE), "Projection", group=MAP,
               tip="PCA: directions of largest variance. t-SNE: neighbors stay neighbors. (van der Maaten 2008)"),
    )  # fmt: skip
    perplexity: float = setting(
        30.0,
        Range(2, 100, 1, "Perplexity", log=True, group=MAP, tip="Effective number of neighbors of a point in t-SNE."),
    )
    fine_tune: bool = setting(
        True,
        Switch(
            "Fine-tuning", group=NEW_RUN, tip="Backbone and head are trained, starting from the pretrained weights."
        ),
        asked=False,
    )
    from_scratch: bool = setting(
        True,
        Switch("From scratch", group=NEW_RUN, tip="The same architecture, trained from random weights."),
        asked=False,
    )
    batch: int = setting(
        16,
        Range(4, 128, 4, "Batch size", group=NEW_RUN, tip="Pictures per step of fine-tuning and from scratch."),
        asked=False,
    )
    probe_lr: float = setting(
        0.02,
        Range(1e-4, 1, 1e-4, "LR, probe", log=True, group=LIVE, tip="Learning rate of Adam; all labels at each step."),
        asked=False,
        former="probe_rate",
    )
    fine_tuning_lr: float = setting(
        3e-4,
        Range(1e-6, 1e-2, 1e-6, "LR, fine-tuning", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
        asked=False,
        former="tuned_rate",
    )
    from_scratch_lr: float = setting(
        1e-3,
        Range(1e-6, 1e-2, 1e-6, "LR, from scratch", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
        asked=False,
        former="scratch_rate",
    )
    hide_empty: bool = drawn(
        True,
        Switch(
            "Hide empty classes",
            group="Confusion",
            tip="Leaves the classes without any count out of the confusion matrix, so that many classes can be read.",
        ),
    )
    folders: tuple[str, ...] = setting(())
    model: str = setting("", kept=True)
    photo: Picture | None = setting(None, remembered=PHOTO)
    in_hand: Probe | None = looked(None, asked=False, passing=True)
    probe: Probe | None = looked(None, passing=True)

    def following(self, before: Self) -> Self:
        """These settings, with a probe only where there is a photo to classify."""
        return replace(self, probe=self.in_hand if self.photo is not None else None)
