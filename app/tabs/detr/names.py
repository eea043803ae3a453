"""How the DETR tab names classes, queries and pictures."""

from __future__ import annotations

from collections.abc import Iterator

from app import captions, words
from app.topic.detector_names import class_name, scored
from app.words import Text
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import Detections, DetrParams, ModelInfo

__all__ = ["caption", "class_name", "exported", "interventions", "of_model", "picture_name", "scored"]


def picture_name(picture: Picture | None) -> Message:
    """The photo's file name, or that the scene is a drawn one."""
    return Message("Drawn scene") if picture is None else words.plain(picture.name)


def of_model(info: ModelInfo) -> dict[str, object]:
    """Which model it is, for files; a state of a run has no file of its own."""
    hashed = {"sha256": info.sha256} if info.sha256 else {"step": info.step}
    return {"model": info.source, "title": info.title, **hashed}


def exported(params: RelevanceParams, info: ModelInfo | None, found: Detections | None) -> dict[str, object]:
    """The settings that go into every file of the pages that show what the model says."""
    apart = ("picture", "drawing", "heads_off", "weights")
    drawing = params.drawing
    scene = params.picture is None or (info is not None and info.toy)
    shapes = {"background": drawing.background, "seed": drawing.seed, "shapes": [vars(s) for s in drawing.shapes]}
    return {
        **{name: value for name, value in vars(params).items() if name not in apart},
        "heads_off": [vars(one) for one in params.heads_off],
        **(of_model(info) if info else {"model": params.source}),
        "picture": words.tr(picture_name(params.picture)),
        "query": 0 if found is None else found.query + 1,
        **({"drawing": shapes} if scene else {}),
    }


def interventions(params: DetrParams) -> dict[str, object]:
    """What is changed in the model, for files of pages whose boxes it has made: temperature, heads and queries off."""
    warm = ("temperature", "scope", "attention", "layer", "head") if params.temperature != 1 else ()
    return {
        **{name: getattr(params, name) for name in warm},
        "heads_off": [vars(one) for one in params.heads_off],
        "queries_off": list(params.queries_off),
    }


def caption(params: DetrParams) -> Iterator[Text]:
    """What a figure's caption says was done to the model without a slider."""
    yield from captions.heads_off(
        [
            Message("{attention} L{layer} H{head}",
                    {"attention": Message(one.attention), "layer": one.layer + 1, "head": one.head + 1})
            for one in params.heads_off
        ]
    )  # fmt: skip
    if params.queries_off:
        numbers = [words.plain(str(query + 1)) for query in params.queries_off]
        yield Message("Queries off: {names}", {"names": words.listed(numbers)})
    if isinstance(params, RelevanceParams):
        yield from captions.masked(len(params.masked_patches))
