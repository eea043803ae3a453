"""Every odd, broken or hostile picture file is either read right or refused in words."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engines.core.assets import assets
from engines.core.errors import LabError
from engines.data import pictures
from engines.data.pictures import decode, from_rgba, read_picture
from engines.data.samples import SAMPLES, sample, samples
from engines.data.scenes import SAMPLE_PHOTOS
from tests import corpus
from tests.corpus import BAD, GOOD, HIGH, JPEG, PNG, WIDE, Case

ROOT = Path(__file__).parents[2]


def ids(case: Case) -> str:
    return case.name.encode("ascii", "replace").decode()


def test_the_corpus_is_large_enough() -> None:
    assert len({case.name for case in corpus.CASES}) == len(corpus.CASES) >= 100


@pytest.mark.parametrize("case", GOOD, ids=ids)
def test_good_pictures(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content())
    picture = read_picture(path)
    assert (picture.name, picture.source) == (case.name, str(path))
    high, wide = picture.rgb.shape[:2]
    assert (high, wide) == case.shape
    if case.corners is not None:
        found = [picture.rgb[y, x].astype(int) for y in (high // 4, high - 1 - high // 4) for x in (0, wide - 1)]
        assert np.abs(np.array(found) - case.corners).max() <= 14  # what JPEG at 95 % loses, and no more


@pytest.mark.parametrize("case", BAD, ids=ids)
def test_bad_pictures(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content())
    with pytest.raises(LabError) as caught:
        read_picture(path)
    assert str(caught.value).startswith(f"{case.name}: ")
    assert case.reason in str(caught.value)


def test_what_is_no_ordinary_file(tmp_path: Path) -> None:
    for path, reason in corpus.write_oddities(tmp_path).values():
        with pytest.raises(LabError) as caught:
            read_picture(path)
        assert str(caught.value).startswith(f"{path.name}: ")
        assert reason in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "secret.png").chmod(0)
    with pytest.raises(LabError, match=r"secret.png: no permission to read it"):
        read_picture(tmp_path / "secret.png")


def test_a_refused_permission_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(LabError, match=r"secret.png: no permission to read it"):
        read_picture(tmp_path / "secret.png")


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FILE_LIMIT", 50)
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(LabError, match=r"a.png: the file is too large"):
        read_picture(tmp_path / "a.png")


def decoded(data: bytes, name: str) -> np.ndarray | str:
    """The pixels, or what is said instead."""
    try:
        return decode(data, name)
    except LabError as error:
        return str(error)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_every_cut_is_refused_or_shows_a_whole_picture(kind: str) -> None:
    """Only an end mark may be missing from what is shown; a cut in the pixels is always noticed."""
    image = corpus.rgb().quantize(8) if kind == "GIF" else corpus.rgb()
    whole = corpus.save(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    want = decode(whole, "whole")
    for length in range(0, len(whole), max(1, len(whole) // 97)):
        found = decoded(whole[:length], "cut")
        if isinstance(found, str):
            assert found.startswith("cut: ")
        else:
            assert np.array_equal(found, want)
            assert len(whole) - length <= 24 or kind == "TIFF"  # a TIFF may end in notes of no interest


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([PNG, JPEG, *(case.content() for case in GOOD[3:14])]), st.data())
def test_any_damage_gives_a_picture_or_a_refusal(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = decoded(bytes(damaged), "damaged")
    if isinstance(found, str):
        assert found.startswith("damaged: ")
    else:
        assert found.dtype == np.uint8
        assert found.shape[2] == 3


@pytest.mark.parametrize(("size", "kind"), [((700, 400), "PNG"), ((700, 400), "JPEG"), ((9000, 1), "PNG")])
def test_very_large_pictures_are_averaged_down(size: tuple[int, int], kind: str) -> None:
    wide, high = size
    ramp = np.tile(np.linspace(0, 255, wide).astype(np.uint8), (high, 1))
    data = corpus.save(Image.fromarray(ramp).convert("RGB"), kind)
    found = decode(data, "large", keep=5000)
    assert found.shape[0] * found.shape[1] <= 5000
    if high > 1:
        assert found.shape[1] / found.shape[0] == pytest.approx(wide / high, rel=0.05)
    assert np.abs(found[0, :, 0].astype(float) - np.linspace(0, 255, found.shape[1])).max() < 6


def test_the_limit_of_100_megapixels() -> None:
    with pytest.raises(LabError, match="too many"):
        decode(corpus.bmp(10_001, 10_000, b""), "over")
    with pytest.raises(LabError, match="is truncated"):  # the size is fine, so it went on to decode
        decode(corpus.bmp(10_000, 10_000, b"")[:-2], "just fits")


def test_pixels_with_alpha() -> None:
    rgba = np.zeros((3, 5, 4), np.uint8)
    rgba[:, 2:, 3] = 128
    found = from_rgba(rgba, "pasted").rgb
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[0, 4].tolist() == [127, 127, 127]
    with pytest.raises(LabError, match="too many"):
        from_rgba(np.broadcast_to(np.zeros(4, np.uint8), (20_000, 20_000, 4)), "huge")


def test_sixteen_bits_against_the_definition() -> None:
    values = np.arange(0, 65536, 257, dtype=np.uint16)[None]
    found = decode(corpus.save(Image.fromarray(values), "PNG"), "ramp")
    assert np.array_equal(found[0, :, 0], np.arange(256))


def test_scene_is_what_the_corpus_says() -> None:
    assert np.array_equal(decode(PNG, "scene"), corpus.scene())
    assert corpus.scene().shape == (HIGH, WIDE, 3)


def test_samples() -> None:
    found = samples()
    assert [entry.name for entry in found][:2] == ["cat", "astronaut"]
    for entry in found:
        picture = sample(entry.name)
        assert picture.name == entry.title
        assert picture.source == str(entry.path)
    assert sample().name == "Cat"
    with pytest.raises(LabError, match="nothing: no such sample"):
        sample("nothing")


def test_every_photo_has_its_credit() -> None:
    """A license that nobody can name is no license: what is bundled is listed, and nothing else is."""
    text = (assets("photos") / "CREDITS.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    listed = {row.split("`")[1]: [cell.strip() for cell in row.split("|")[2:-1]] for row in rows}
    bundled = {path.name for path in assets("photos").iterdir()} - {"CREDITS.md"}
    assert set(listed) == bundled == {entry.file for entry in SAMPLES} | set(SAMPLE_PHOTOS)
    for name, (what, by, licensed, source) in listed.items():
        assert what, name
        assert by, name
        assert re.match(r"CC0|CC BY 2\.0|public domain|no known copyright restrictions", licensed), name
        assert source.startswith("https://"), name


def test_bundled_photos_stay_small() -> None:
    assert sum(path.stat().st_size for path in assets("photos").iterdir()) < 2.6e6


def test_the_list_of_samples_imports_nothing_heavy() -> None:
    code = (
        "import sys; from engines.data.samples import samples; assert samples();"
        "assert not {'torch', 'PIL', 'sklearn', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_text_has_its_chinese() -> None:
    words: dict[str, str] = {}
    for path in (ROOT / "assets/words").glob("*.zh.json"):
        words |= json.loads(path.read_text("utf-8"))
    texts = {entry.title for entry in SAMPLES}
    data = ("pictures", "picture_colors", "picture_kinds", "picture_values", "tiff", "samples")
    for file in (*(f"engines/data/{name}.py" for name in data), "app/drops.py", "app/downloads.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("LabError", "Message"):
                texts |= {text.value for text in node.args[:1] if isinstance(text, ast.Constant)}
    assert len(texts) > 50
    assert texts <= set(words)


def test_only_the_decoder_that_is_needed_is_imported() -> None:
    code = (
        "import sys; from engines.data.samples import sample; assert sample('cat').source.endswith('.webp');"
        "assert not {'PIL.EpsImagePlugin', 'PIL.PdfImagePlugin', 'PIL.TgaImagePlugin'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
