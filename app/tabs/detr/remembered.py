"""What the DETR tab's side pages remember from one start to the next: their sliders, not their scenes and folders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.settings import Settings
from engines.detr.spec import DetrParams
from engines.detr.training_spec import fitting

PAGES = ("matching", "crowd", "training", "paint")  #: fields of `DetrParams` that hold a page's own settings


def restored(settings: Settings, topic: str, params: DetrParams) -> DetrParams:
    """The settings with what each page remembers; what does not fit is passed over."""
    pages: dict[str, Any] = {name: settings.restored(_place(topic, name), getattr(params, name)) for name in PAGES}
    pages["training"] = fitting(pages["training"], pages["training"])
    return replace(params, **pages)


def keep(settings: Settings, topic: str, params: DetrParams, before: DetrParams) -> None:
    """Remember those that are others than before."""
    for name in PAGES:
        if (page := getattr(params, name)) is not getattr(before, name):
            settings.keep(_place(topic, name), page)


def _place(topic: str, name: str) -> str:
    return f"{topic}.{name}"
