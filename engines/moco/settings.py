"""What can be set of a contrastive run: shared by the tab's settings and by the run's. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Choice, Params, Range, Switch, setting

SHAPES, DIGITS, CIFAR, FOLDER = "Shapes", "Digits", "CIFAR-10", "Folder"
DATA = (SHAPES, DIGITS, CIFAR, FOLDER)
MOCO, END_TO_END, BANK, IN_BATCH = "MoCo", "End-to-end", "Memory bank", "SimCLR"
METHODS = (MOCO, END_TO_END, BANK, IN_BATCH)
VIEW_1, VIEW_2 = "T₁: view of the anchor", "T₂: views of all keys"
AT_ONCE, NEW_RUN, PICTURES = "Applies immediately", "Requires a new run", "Pictures"
LARGEST_K = 8192

CROP = "Minimum area of a random crop. 100 % = no cropping."
FLIP = "Probability of a horizontal flip."
COLOR = "Jitter of brightness, contrast, saturation and hue. (Chen 2020, SimCLR)"
GRAY = "Probability of conversion to grayscale."
BLUR = "Probability of a Gaussian blur; added in v2. (Chen 2020, MoCo v2)"


def strengths(group: str) -> dict[str, Range]:
    """The five sliders of one view."""
    one = {"crop": ("Crop", 0.08, CROP), "flip": ("Flip", 0.0, FLIP), "color": ("Color", 0.0, COLOR)}
    two = {"gray": ("Gray", 0.0, GRAY), "blur": ("Blur", 0.0, BLUR)}
    return {
        name: Range(low, 1, 0.01, label, unit="%", live=True, tip=tip, group=group, percent=True)
        for name, (label, low, tip) in {**one, **two}.items()
    }


_ONE, _TWO = strengths(VIEW_1), strengths(VIEW_2)


@dataclass(frozen=True)
class Learning(Params):
    """Everything that makes a run what it is.

    Attributes without a slider
    ---------------------------
    paths : tuple of str
        Folders that were dropped.
    """

    paths: tuple[str, ...] = ()

    data: str = setting(
        SHAPES, Choice(DATA, "Pictures", group=NEW_RUN, tip="The training pictures; labels are never used.")
    )
    crop_1: float = setting(0.6, _ONE["crop"], changes_model=True)
    flip_1: float = setting(0.5, _ONE["flip"], changes_model=True)
    color_1: float = setting(1.0, _ONE["color"], changes_model=True)
    gray_1: float = setting(0.5, _ONE["gray"], changes_model=True)
    blur_1: float = setting(0.0, _ONE["blur"], changes_model=True)
    crop_2: float = setting(0.6, _TWO["crop"], changes_model=True)
    flip_2: float = setting(0.5, _TWO["flip"], changes_model=True)
    color_2: float = setting(1.0, _TWO["color"], changes_model=True)
    gray_2: float = setting(0.5, _TWO["gray"], changes_model=True)
    blur_2: float = setting(0.0, _TWO["blur"], changes_model=True)
    method: str = setting(
        MOCO,
        Choice(
            METHODS,
            "Keys from",
            group=NEW_RUN,
            tip="A queue and a momentum encoder; the same encoder, with gradient; a stored vector per picture; the "
            "rest of the batch. (He 2020, fig. 2)",
        ),
        asked=False,
    )
    queue_size: int = setting(
        1024, Range(16, LARGEST_K, 1, "Queue K", log=True, group=NEW_RUN, tip="Number of keys used as negatives.")
    )
    batch: int = setting(
        128,
        Range(4, 512, 1, "Batch B", log=True, group=NEW_RUN, tip="Pictures per step. K / B steps fill the queue."),
        asked=False,
    )
    momentum: float = setting(
        0.99,
        Range(
            0, 0.999, 0.001, "Momentum m", live=True, group=AT_ONCE,
            tip="θ_k = m θ_k + (1 − m) θ_q. With 0 the key encoder is the query encoder. (He 2020, eq. 2)",
        ),
        asked=False,
    )  # fmt: skip
    temperature: float = setting(
        0.2,
        Range(
            0.03, 1, 0.01, "Temperature τ", log=True, live=True, group=AT_ONCE,
            tip="Divides the cosines before the softmax. Small: only the hardest negatives count.",
        ),
        changes_model=True,
    )  # fmt: skip
    learning_rate: float = setting(
        2e-3,
        Range(
            1e-5,
            0.3,
            1e-5,
            "Learning rate",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="Learning rate of Adam, warmed up over the first 50 steps.",
        ),
        asked=False,
    )
    mlp: bool = setting(
        True,
        Switch(
            "MLP head (v2)",
            group=NEW_RUN,
            tip="Two linear layers with a ReLU instead of one. Discarded after training.",
        ),
    )
    supervised: bool = setting(
        True,
        Switch("Supervised baseline", group=NEW_RUN, tip="The same network, trained on the labels for comparison."),
        asked=False,
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip="Weights, order of the pictures, views."))


#: named strengths of the five sliders: crop, flip, color, gray, blur
PRESETS = {
    "For shapes": (0.6, 0.5, 1.0, 0.5, 0.0),
    "MoCo v1": (0.2, 0.5, 0.5, 0.2, 0.0),
    "MoCo v2": (0.2, 0.5, 0.5, 0.2, 0.5),
    "For digits": (0.6, 0.0, 0.3, 0.0, 0.2),
}
STRENGTHS = ("crop", "flip", "color", "gray", "blur")
FITTING = {SHAPES: "For shapes", DIGITS: "For digits", CIFAR: "MoCo v2", FOLDER: "MoCo v2"}


def preset(name: str) -> dict[str, float]:
    """The fields of both views for a named set of strengths."""
    return {f"{s}_{view}": value for view in (1, 2) for s, value in zip(STRENGTHS, PRESETS[name], strict=True)}


def preset_of(params: Learning) -> str | None:
    """The name of the strengths in use; None if they are the hand's own."""
    return next((n for n in PRESETS if all(getattr(params, k) == v for k, v in preset(n).items())), None)
