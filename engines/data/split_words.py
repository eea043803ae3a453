"""What folders and files of data sets are called: words for a split, and words that say nothing.

One table for all readers, so that a split is a split wherever it is read. Sources: the layouts of COCO, Pascal VOC,
ImageNet, Cityscapes, Roboflow, ultralytics, FiftyOne, torchvision and of the data sets on Kaggle.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

TRAIN, VAL, TEST = "train", "val", "test"

_SPLITS = {
    TRAIN: ("train", "training", "trn", "trainval"),
    VAL: ("val", "valid", "validation", "validate", "dev", "eval", "evaluation", "minival"),
    TEST: ("test", "testing", "tst", "testdev"),
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words}
_GLUED = re.compile(r"(train|valid|val|test)(?:set|images?|imgs?|data|annotations?|labels?)")
_NUMBERED = re.compile(r"(\D+)\d{1,4}")
#: words around a split's or a class's own name, which say nothing of which one it is
_EMPTY_WORDS = (
    "images image imgs img pictures picture pics photos photo jpegimages jpeg jpegs jpg jpgs png pngs raw rgb "
    "data dataset datasets set annotations annotation annos anno ann labels label xml xmls json jsons coco "
    "voc pascal instances instance objects object detection detections person keypoints boxes bbox bboxes gt "
    "groundtruth default all full merged result results predictions export via"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
#: folders that hold helpers of a data set, never a class or pictures of it
_ASIDE_WORDS = (
    "__macosx @eadir annotations annotation labels checkpoints checkpoint models model weights logs log runs "
    "wandb papers docs doc cache __pycache__ imagesets devkit scripts code"
)
_ASIDE = frozenset(_ASIDE_WORDS.split())


@lru_cache(100_000)
def folded(name: str) -> str:
    """As a file's name is compared: Unicode's composed form, without regard to capitals."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@lru_cache(100_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, small: ``_trainImages-2`` -> train, images, 2."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name)
    return tuple(word for word in re.split(r"[\W_]+", folded(apart)) if word)


@lru_cache(100_000)
def key_of(name: str) -> str:
    """What is special about a folder's or file's name: ``val_images`` -> val, ``JPEGImages`` -> nothing."""
    return "_".join(word for word in words_of(name) if word not in _EMPTY)


def _split_word(word: str) -> str:
    """The split that one word says; empty if it says none."""
    if glued := _GLUED.fullmatch(word):
        word = glued[1]
    elif numbered := _NUMBERED.fullmatch(word):
        word = numbered[1]
    return _SPLIT_OF.get(word, "")


@lru_cache(100_000)
def split_of(name: str) -> str:
    """Which split a folder or file is named for: train, val or test; empty where it is none, or for all of them.

    ``seg_train``, ``val2017``, ``train_extra``, ``testset`` and ``Validation`` are; ``valley`` and ``contest`` are not.
    """
    said = {split for word in words_of(name) if (split := _split_word(word))}
    if said == {VAL, TEST}:  # test-dev
        return TEST
    return said.pop() if len(said) == 1 else ""


def is_bare_split(name: str) -> bool:
    """Whether nothing but a split is said: ``val2017`` and ``train_images``, not ``train_extra``."""
    return all(_split_word(word) for word in key_of(name).split("_")) and bool(split_of(name))


def is_aside(name: str) -> bool:
    """Whether a folder of this name beside splits holds helpers and no part of the data."""
    return is_always_aside(name) or folded(name) in _ASIDE


def is_always_aside(name: str) -> bool:
    """Whether a folder of this name is left behind by a system or a program and holds nobody's data."""
    return name.startswith(".") or folded(name) in ("__macosx", "@eadir", "__pycache__")
