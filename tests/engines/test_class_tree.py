"""Class folders as downloads bring them: which folders are classes, which are splits, wrappings and helpers.

Sets: chest_xray, Intel scenes, fruits-360 and dogs-vs-cats as Kaggle packs them; tiny-imagenet-200; EuroSAT (one folder
around); Office-31 (domains); MNIST as pictures; macOS archives.
"""

from __future__ import annotations

import pytest
from PIL import Image

from engines.core.errors import LabError
from engines.data import class_folders


def build(root, tree):
    for place in tree:
        (root / place).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / place / "0.png")
    return root


CAT, DOG = ("train/cat", "train/dog"), ("val/cat", "val/dog")
DIGITS = [f"{split}/{digit}" for split in ("training", "testing") for digit in range(3)]
CHEST = [
    f"{around}{split}/{name}" for around in ("", "chest_xray/") for split in ("train", "val", "test") for name in "ab"
]
SETS = {
    "plain": (["cat", "dog"], {"cat": 1, "dog": 1}, [], []),
    "train, val": ([*CAT, *DOG], {"cat": 2, "dog": 2}, ["train", "val"], []),
    "chest_xray": ([*CHEST, "__MACOSX/train/a"], {"a": 3, "b": 3}, ["test", "train", "val"], ["chest_xray"]),
    "Intel": (
        ["seg_train/seg_train/sea", "seg_train/seg_train/ice", "seg_test/seg_test/sea", "seg_test/seg_test/ice",
         "seg_pred/seg_pred"],
        {"sea": 2, "ice": 2}, ["seg_test", "seg_train"], ["seg_pred"],
    ),
    "fruits-360": (
        ["Training/Kiwi", "Training/Apple", "Test/Kiwi", "Test/Apple", "test-multiple_fruits", "papers"],
        {"Apple": 2, "Kiwi": 2}, ["Test", "Training"], ["papers", "test-multiple_fruits"],
    ),
    "tiny-imagenet": (
        ["train/n01/images", "train/n02/images", "val/images", "test/images"],
        {"n01": 1, "n02": 1}, ["train"], ["test", "val"],
    ),
    "test1": ([*CAT, "test1"], {"cat": 1, "dog": 1}, ["train"], ["test1"]),
    "EuroSAT": (["2750/Forest", "2750/River"], {"Forest": 1, "River": 1}, [], []),
    "twice around": (["data/images/cat", "data/images/dog"], {"cat": 1, "dog": 1}, [], []),
    "helpers": ([*CAT, *DOG, "annotations", "checkpoints"], {"cat": 2, "dog": 2}, ["train", "val"],
                ["annotations", "checkpoints"]),
    "dev": ([*CAT, "dev/cat", "dev/dog"], {"cat": 2, "dog": 2}, ["dev", "train"], []),
    "glued": (["train_images/cat", "train_images/dog", "val_images/cat", "val_images/dog"], {"cat": 2, "dog": 2},
              ["train_images", "val_images"], []),
    "capitals": (["train/Cat", "train/Dog", "val/cat", "val/dog"], {"Cat": 2, "Dog": 2}, ["train", "val"], []),
    "fewer": ([*CAT, "train/fox", "val/cat"], {"cat": 2, "dog": 1, "fox": 1}, ["train", "val"], []),
    "unlabelled": ([*CAT, "test/unknown"], {"cat": 1, "dog": 1}, ["train"], ["test"]),
    "no name of a split": ([*CAT, "extra/cat", "extra/dog"], {"cat": 2, "dog": 2}, ["extra", "train"], []),
    "three": (["test", "train", "control"], {"control": 1, "test": 1, "train": 1}, [], []),
    "domains": (["amazon/bike", "amazon/mug", "dslr/bike", "dslr/mug"], {"bike": 2, "mug": 2}, ["amazon", "dslr"], []),
    "digits": (DIGITS, {"0": 2, "1": 2, "2": 2}, ["testing", "training"], []),
    "inside out": (["cat/train", "cat/test", "dog/train", "dog/test"], {"cat": 2, "dog": 2}, [], []),
    "days": (["cat/1", "cat/2", "dog/1", "dog/2"], {"cat": 2, "dog": 2}, [], []),
    "words": (["valley", "contest", "training_dogs"], {"contest": 1, "training_dogs": 1, "valley": 1}, [], []),
    "left behind": (["cat", "dog", "@eaDir", ".cache"], {"cat": 1, "dog": 1}, [], []),
    "a class of models": (["models", "papers"], {"models": 1, "papers": 1}, [], []),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_folders_are_what_they_are(tmp_path, name):
    tree, classes, splits, aside = SETS[name]
    found = class_folders.scan([build(tmp_path / "set", tree)])
    assert dict(zip(found.names, found.counts, strict=True)) == classes
    told = {note.text: note.values.get("names") for note in found.notes}
    assert told.get("Read as splits: {names}.", "") == ", ".join(splits)
    assert told.get("Folders beside them, not used: {names}.", "") == ", ".join(aside)


def test_splits_that_are_dropped_together_are_one_set(tmp_path):
    build(tmp_path, [*CAT, *DOG])
    found = class_folders.scan([tmp_path / "train", tmp_path / "val"])
    assert dict(zip(found.names, found.counts, strict=True)) == {"cat": 2, "dog": 2}


def test_splits_without_classes_are_no_classes(tmp_path):
    with pytest.raises(LabError, match=r"splits without classes \(test, train\)"):
        class_folders.scan([build(tmp_path / "set", ["train", "test"])])


def test_pictures_beside_classes_are_counted(tmp_path):
    found = class_folders.scan([build(tmp_path / "set", ["cat", "dog", "."])])
    assert found.counts == (1, 1)
    assert str(found.notes[0]) == "Pictures outside the class folders: 1."
