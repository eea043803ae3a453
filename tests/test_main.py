"""The command line: what it takes, what it refuses, and the exit codes that other programs rely on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import main
from tests import corpus

ROOT = Path(__file__).parents[1]


def start(*args: str, **env: str | None) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own; an environment variable of None is taken away."""
    around = {**os.environ, "OMP_NUM_THREADS": "1", **{k: v for k, v in env.items() if v is not None}}
    for name, value in env.items():
        if value is None:
            around.pop(name, None)
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *args],
        cwd=ROOT, env=around, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def refused(capsys, *args: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main.arguments([*args])
    assert caught.value.code == 2
    return capsys.readouterr().err


# ------------------------------------------------------------------ reading it
def test_everything_at_once():
    options = main.arguments(
        ["--tab", "vit", "--tab", "detr", "--lang", "zh", "--theme", "dark", "--device", "cpu", "--size", "1440x900",
         "--snapshot", "out", "猫 1.png", "folder"]
    )  # fmt: skip
    assert options.tab == ["vit", "detr"]
    assert (options.lang, options.theme, options.device) == ("zh", "dark", "cpu")
    assert options.size == (1440, 900)
    assert options.snapshot == Path("out")
    assert options.files == ["猫 1.png", "folder"]


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", ""])
def test_pages_are_counted_from_one(capsys, text):
    assert main.arguments(["--page", "3"]).page == 3
    assert "not a number from 1" in refused(capsys, f"--page={text}")


def test_nothing_at_all():
    options = main.arguments([])
    assert (options.tab, options.files) == ([], [])
    assert options.lang is options.theme is options.device is options.snapshot is options.size is None


@pytest.mark.parametrize(
    "text",
    ["1440", "1440x", "x900", "axb", "1440x900x2", "-5x900", "0x0", "199x900", "8001x900", "1e3x900", "14.5x9", ""],
)
def test_a_bad_size_is_named(capsys, text):
    told = refused(capsys, f"--size={text}")
    assert repr(text) in told
    assert "1440x900" in told


@pytest.mark.parametrize("text", ["1440x900", "1440X900", "200x200", "8000x8000"])
def test_a_good_size(text):
    width, height = main.size(text)
    assert text.lower() == f"{width}x{height}"


@pytest.mark.parametrize(
    ("option", "value"), [("--lang", "de"), ("--theme", "blue"), ("--device", "tpu"), ("--nosuch", "1")]
)
def test_an_unknown_choice_is_named(capsys, option, value):
    assert option in refused(capsys, option, value)


# ------------------------------------------------------------------ starting
def test_without_a_display_it_says_how_to_go_on():
    if not sys.platform.startswith("linux"):
        pytest.skip("only X11 and Wayland can be missing")
    done = start(DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert done.returncode == 2
    assert "no display" in done.stderr
    assert "--snapshot" in done.stderr
    assert not done.stdout


def test_an_unknown_topic_names_the_known_ones(monkeypatch, capsys, qapp, own_home):
    from app import theme, words

    for extra in ((), ("--snapshot", str(own_home / "out"))):
        assert main.main(["--tab", "nosuch", "--lang", "en", "--theme", "light", *extra]) == 2
        told = capsys.readouterr().err
        assert "'nosuch'" in told
        assert "vit" in told
        assert "detr" in told
    assert not (own_home / "out").exists()
    words.set_language("en")
    theme.use("light")


# ------------------------------------------------------------------ snapshots
def take(capsys, *args: str) -> tuple[int, str]:
    from app import theme, words

    code = main.main([*args, "--lang", "en", "--theme", "light"])
    words.set_language("en")
    theme.use("light")
    return code, capsys.readouterr().err


def test_a_snapshot_has_the_size_asked_for_and_tells_success(capsys, qapp, no_thread_left, own_home, tmp_path):
    code, told = take(capsys, "--tab", "detr", "--snapshot", str(tmp_path / "new" / "folder"), "--size", "1300x820")
    assert (code, told) == (0, "")
    with Image.open(tmp_path / "new" / "folder" / "detr.png") as image:
        assert image.size == (1300, 820)
        assert len(image.getcolors(1 << 24)) > 100
    assert not list(own_home.iterdir())  # the settings of the person are neither read nor written


def test_a_snapshot_of_a_photo_that_cannot_be_read_tells_failure(capsys, qapp, no_thread_left, tmp_path):
    bad = tmp_path / "half.png"
    bad.write_bytes(corpus.PNG[: len(corpus.PNG) // 2])
    code, told = take(capsys, "--tab", "detr", "--snapshot", str(tmp_path), str(bad))
    assert code == 1
    assert "half.png" in told


def test_a_snapshot_folder_that_cannot_be_made_tells_failure(capsys, qapp, no_thread_left, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, told = take(capsys, "--tab", "detr", "--snapshot", str(tmp_path / "file" / "out"))
    assert code == 1
    assert "out" in told


def test_the_program_itself_takes_a_snapshot_without_a_display(tmp_path):
    """The whole way, as ``make pictures`` goes it: a process of its own, no display, Chinese, dark."""
    done = start(
        "--tab", "detr", "--snapshot", str(tmp_path / "图"), "--lang", "zh", "--theme", "dark", "--size", "1280x800",
        DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # not even what Qt says of a plugin without a screen
    with Image.open(tmp_path / "图" / "detr.png") as image:
        assert image.size == (1280, 800)
        corner = image.convert("RGB").getpixel((1270, 790))
        assert max(corner) < 60  # dark
