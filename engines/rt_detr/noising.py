"""The settings of denoising queries that pages share. Imports no torch."""

from __future__ import annotations

from engines.core.params import Range

BOX_NOISE, LABEL_NOISE = 1.0, 0.5  #: RT-DETR's


def box_noise_of(group: str) -> Range:
    """How far corners move; in a section of the dock."""
    return Range(
        0, 2, 0.05, "Box noise", group=group,
        tip="A corner of a good copy moves by up to half a side times this; one of a bad copy by half a side to a "
        "whole one times this. RT-DETR: 1.",
    )  # fmt: skip


def label_noise_of(group: str) -> Range:
    """How many classes are drawn anew; in a section of the dock."""
    return Range(
        0, 1, 0.05, "Label noise", group=group,
        tip="Half of it is the share of copies whose class is drawn anew; the same class may come again. RT-DETR: 0.5.",
    )  # fmt: skip
