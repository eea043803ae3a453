"""Every text the app can say has its Chinese, with the same placeholders; a switch reaches everything said."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from string import Formatter

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QLineEdit, QToolButton, QWidget

import engines
from app import words
from app.studies.results import named
from engines.core.errors import Message
from engines.core.protocol import Record
from engines.core.training import Stepped
from engines.studies.trained import SILENT
from tests.app import reading

ROOT = Path(__file__).resolve().parents[2]

# Function -> (positions, keywords) that hold English texts. A tuple or list of texts counts as several.
TEXTS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "tr": ((0,), ()),
    "say": ((2,), ()),
    "label": ((0,), ()),
    "quiet": ((0,), ()),
    "section": ((0,), ()),
    "button": ((0, 3), ("text", "tip")),
    "Button": ((0, 3), ("text", "tip")),
    "WideButton": ((0, 3), ("text", "tip")),
    "card": ((0, 2), ("title", "note")),
    "Card": ((0, 2), ("title", "note")),
    "Segments": ((0, 2), ("options", "tips")),
    "MenuButton": ((0, 2, 3), ("options", "prefix", "tip")),
    "Check": ((0, 2), ("text", "tip")),
    "Chips": ((2,), ("tip",)),
    "ParamRow": ((0, 4), ("name", "tip")),
    "Message": ((0,), ("text",)),
    "LabError": ((0,), ("text",)),
    "set_title": ((0,), ()),
    "set_note": ((0,), ()),
    "set_empty": ((0, 1), ("action",)),
    "set_text": ((0,), ()),
    "tell": ((0, 1, 2), ("reason", "word", "action")),
    "Range": ((3, 4, 8, 9), ("label", "unit", "tip", "group")),
    "Choice": ((0, 1, 3, 4), ("options", "label", "tip", "group")),
    "Switch": ((0, 2, 3), ("label", "tip", "group")),
    "Topic": ((1, 2), ("title", "group")),
}


def fields(template: str) -> set[str]:
    """Names of the placeholders."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def strings(node: ast.AST | None, known: dict[str, ast.AST]) -> Iterator[str]:
    """String constants in an argument, also through module constants, tuples and conditions."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from strings(part, known)
        case ast.Starred(value=inner):
            yield from strings(inner, known)
        case ast.IfExp(body=one, orelse=other):
            yield from strings(one, known)
            yield from strings(other, known)
        case ast.Name(id=name) if name in known:
            yield from strings(known[name], {k: v for k, v in known.items() if k != name})


def texts_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every English text of a file, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = node.value
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in TEXTS:
            continue
        positions, keywords = TEXTS[name]
        spots = [node.args[i] for i in positions if i < len(node.args)]
        spots += [k.value for k in node.keywords if k.arg in keywords]
        for spot in spots:
            for text in strings(spot, known):
                if words.needs_translation(text):
                    yield text, node.lineno


def all_texts() -> dict[str, str]:
    """English text -> first place it is said."""
    found: dict[str, str] = {}
    for folder in ("app", "engines"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text, line in texts_of(path):
                found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    return found


@pytest.fixture(autouse=True)
def _english_afterwards():
    yield
    words.set_language("en")
    words.forget_missing()


def test_every_text_has_its_chinese():
    chinese = words.translations()
    lost = [f"{place}  {text!r}" for text, place in all_texts().items() if text not in chinese]
    assert not lost, "no entry in assets/words/*.zh.json for:\n" + "\n".join(lost)


def told_names():
    """What studies measure, by what the steps and looks of all trainings tell."""
    for module in pkgutil.walk_packages(engines.__path__, "engines."):
        if not module.name.endswith("spec"):
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if not isinstance(kind, type) or kind.__module__ != module.name or not issubclass(kind, Record):
                continue
            hints = typing.get_type_hints(kind) if is_dataclass(kind) and not issubclass(kind, SILENT) else {}
            if "step" not in hints or hasattr(kind, "measures"):
                continue
            before = "" if issubclass(kind, Stepped) else re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() + "_"
            for field, hint in hints.items():
                if hint is float:
                    yield f"{before}{field}"
                elif typing.get_origin(hint) is tuple and typing.get_args(hint)[0] is float:
                    yield from (f"{before}{field}_{at + 1}" for at in range(2))


def test_what_studies_measure_has_its_chinese():
    chinese, told = words.translations(), sorted(set(told_names()))
    assert {"gradient", "found", "measured_knn", "losses_2"} <= set(told)
    assert not [one for one in told if words.drawn(named(one)) not in chinese]
    words.set_language("zh")
    assert words.tr(named("gradient")) == "梯度"  # not what a background is painted with


def test_each_placeholder_is_given_a_value():
    """Where a text and its values stand together; the others are said by the tests of their pages."""
    lost = []
    for path in (path for folder in ("app", "engines") for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Message"), args=[ast.Constant(value=str(text)), ast.Dict(keys=keys)]
                ) if None not in keys:
                    given = {key.value for key in keys if isinstance(key, ast.Constant)}
                case ast.Call(func=ast.Name(id="LabError"), args=[ast.Constant(value=str(text))], keywords=values):
                    given = fields(text) if None in [one.arg for one in values] else {str(one.arg) for one in values}
                case _:
                    continue
            if not fields(text) <= given:
                lost.append(f"{path.relative_to(ROOT)}:{node.lineno}  {text!r}")
    assert not lost, lost


def test_placeholders_are_the_same_on_both_sides():
    for english, chinese in words.translations().items():
        assert fields(english) == fields(chinese), (english, chinese)


def test_no_two_files_say_it_differently():
    seen: dict[str, tuple[str, str]] = {}
    for path in sorted(words.FOLDER.glob("*.zh.json")):
        for english, chinese in json.loads(path.read_text(encoding="utf-8")).items():
            before = seen.setdefault(english, (chinese, path.name))
            assert before[0] == chinese, (english, before, (chinese, path.name))


def test_texts_keep_to_the_signs_every_font_has():
    for english, chinese in words.translations().items():
        assert not re.search("[\u2018\u2019\u201c\u201d]", english), english  # a CJK font draws them full width
        assert "…" not in english + chinese
        assert english == english.strip()
        assert chinese


def test_a_switch_renews_what_was_said(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    label, button = QLabel(root), QToolButton(root)
    words.say(label, "setText", "{name} can't be saved: {reason}.", name="a.png", reason="full")
    words.say(button, "setText", "off")
    words.say(button, "setToolTip", Message("Copy picture"))
    assert label.text() == "a.png can't be saved: full."
    words.set_language("zh")
    words.retranslate(root)
    assert label.text() == "无法保存 a.png：full。"
    assert button.text() == "关"
    assert button.toolTip() == "复制图片"
    words.set_language("en")
    words.retranslate(root)
    assert button.text() == "off"


def test_ampersand_is_doubled_where_qt_would_eat_it(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    label, button, action = QLabel(root), QToolButton(root), QAction(root)
    for target in (label, button, action):
        words.say(target, "setText", words.plain("a & b"))
    assert label.text() == "a & b"
    assert button.text() == action.text() == "a && b"


def test_unknown_text_stays_english_and_is_noted():
    words.set_language("zh")
    assert words.tr("A sentence nobody translated {n}.", n=3) == "A sentence nobody translated 3."
    assert words.missing() == {"A sentence nobody translated {n}."}
    assert words.tr("24 × 16") == "24 × 16"
    assert len(words.missing()) == 1


def test_one_and_many_are_told_apart_by_rule():
    text = "{n} {n:key|keys}"
    assert [str(Message(text, {"n": n})) for n in (0, 1, "1", 2, "1,000")] == [
        "0 keys", "1 key", "1 key", "2 keys", "1,000 keys",
    ]  # fmt: skip
    assert words.tr("{count} of {total} queries {count:passes|pass}", count=1, total=16) == "1 of 16 queries passes"
    assert words.tr("|Δcx| {value:.1f}|", value=0.25) == "|Δcx| 0.2|"
    assert words.needs_translation(text)  # its only words are the two forms
    words.set_language("zh")
    assert words.tr(text, n=1) == "1 个键"


def test_messages_nest():
    words.set_language("zh")
    assert words.tr("{a}: {b}", a=Message("off"), b=words.plain("x")) == "关: x"
    assert words.drawn("off") == "off"
    assert words.drawn(Message("off")) == "关"


def test_dead_widgets_are_forgotten(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    label = QLabel(root)
    words.say(label, "setText", "off")
    label.setParent(None)
    label.deleteLater()
    del label
    words.set_language("zh")
    words.retranslate(root)


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [(-0.04, 1, False, "0.0"), (2190, 0, False, "2,190"), (-1.5, 1, False, "−1.5"), (8.13, 1, True, "+8.1"),
     (-7.7, 1, True, "−7.7"), (0, 0, True, "+0")],
)  # fmt: skip
def test_numbers(value, digits, signed, text):
    assert words.number(value, digits, signed) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [("Reset 温度", "Reset"), ("Bahdanau 的注意力", ""), ("the cat saw 的 weights", "weights"), ("第 12 层", "")],
)
def test_english_in_a_chinese_text_is_noticed(text, left):
    """But not the names that its translation gives in Latin letters, nor the examples of a topic."""
    assert reading.english(text) == left


def test_percent():
    assert words.percent(0.522) == "52.2 %"


def test_wrong_language_is_refused():
    with pytest.raises(ValueError, match="language"):
        words.set_language("de")


# ------------------------------------------------------------------ Chinese as it is written
CHINESE = [(path.name, key, text) for path, key, text in (
    (path, key, text) for path in sorted(words.FOLDER.glob("*.zh.json"))
    for key, text in json.loads(path.read_text(encoding="utf-8")).items()
)]  # fmt: skip


def test_no_blank_stands_before_a_particle():
    assert not [entry for entry in CHINESE if " 的" in entry[2]]


def test_one_word_for_one_thing():
    """A box is 边界框, never 框 or 边框 alone; other frames have names of their own."""
    other = "边界框|锚框|输入框|描框|外接框|框架"
    assert not [entry for entry in CHINESE if "框" in re.sub(other, "", entry[2])]
    assert not [entry for entry in CHINESE if "边框" in entry[2]]
    said = {key: text for _, key, text in CHINESE}
    assert said["Matching over time"] == "匹配过程"
    assert "仅限 CPU" in said["{backend} runs on the CPU only."]
    assert "rollout" in said["Rollout"]
    assert not [entry for entry in CHINESE if "rollout" in entry[1].lower() and "rollout" not in entry[2]]


#: English of the field, the Chinese word for it, and other words that were seen beside it.
PAIRS = (
    (r"\bpatch(es)?\b", "图块|同一块", "图像块"),
    (r"\bmasked\b|\bmask (patches|positions)\b", "掩蔽", "[已未动被]掩码|掩码(的位置|的图块|图块|位置|后)"),
    (r"\battends?\b", "关注|注意力|对", "看向|词元注意"),
    (r"^Steps\b|\bsteps per\b|[Ww]arm-up steps", "步", "步骤"),
    (r"^Stages$|^Five steps$", "步骤", "步数"),
)


@pytest.mark.parametrize(("english", "chinese", "others"), PAIRS)
def test_a_word_of_the_field_is_the_same_everywhere(english, chinese, others):
    """Texts and lessons: both are among the translations."""
    every = words.translations().items()
    said = [(key, text) for key, text in every if re.search(english, re.sub(r"\{\w+\}", "", key))]
    assert said
    assert not [one for one in said if not re.search(chinese, one[1]) or re.search(others, one[1])]


def test_the_words_beside_are_nowhere():
    scaled = "归一化(?!到|位置)"  # numbers are, to 0..1; layers normalize
    others = re.compile("图像块|看向[谁它该]|[已未被]掩码|" + scaled)
    assert not [one for one in words.translations().items() if others.search(one[1])]


def test_what_is_qts_own_is_said_too(qtbot):
    kept: list[QWidget] = []

    def said() -> tuple[str, str]:
        line, buttons = QLineEdit("text"), QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        menu = line.createStandardContextMenu()
        kept.extend((line, buttons, menu))  # else what was made in them goes with them
        texts = " ".join(action.text() for action in menu.actions())
        return texts, buttons.button(QDialogButtonBox.StandardButton.Cancel).text()

    english = said()
    try:
        words.set_language("zh")
        menu, cancel = said()
        assert "复制" in menu
        assert "取消" in cancel
    finally:
        words.set_language("en")
    assert said() == english
    for each in kept:
        each.deleteLater()
