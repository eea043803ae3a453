"""COCO files: what is read from them is what pycocotools reads, and what is wrong with one is told by entry."""

from __future__ import annotations

import contextlib
import io
import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.closeness import FEW, close

TRUTH = {
    "images": [{"id": 7, "file_name": "a.png", "width": 100, "height": 80}, {"id": 9, "file_name": "../b.png"}],
    "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 9, "category_id": 5, "bbox": [10, 10, 30, 30], "area": 500, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 50, 40], "area": 2000, "iscrowd": 0},
    ],
}
RESULTS = [
    {"image_id": 7, "category_id": 3, "bbox": [1, 1, 50, 40], "score": 0.9},
    {"image_id": 9, "category_id": 3, "bbox": [10, 10, 30, 30], "score": 0.8},
    {"image_id": 8, "category_id": 3, "bbox": [10, 10, 30, 30], "score": 0.7},
]


@pytest.fixture
def coco_files(tmp_path):
    paths = tmp_path / "truth.json", tmp_path / "results.json"
    for path, content in zip(paths, (TRUTH, RESULTS), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths


def test_coco_files_are_read_in_either_order(coco_files):
    from engines.mean_ap.files import read_cases

    for paths in (coco_files, coco_files[::-1]):
        cases = read_cases(paths)
        assert cases.classes == ("cat", "dog")
        assert [one.name for one in cases.images] == ["a.png", "b.png"]
        assert (cases.images[1].width, cases.images[1].height) == (40, 40)  # none is given: as far as its boxes reach
        assert cases.images[0].rgb()[1]  # there is no picture: paper
        assert cases.images[1].rgb()[1]  # a file does not choose what is read outside of its folder
        assert cases.boxes.truth_label.tolist() == [0, 1]
        assert cases.boxes.label.tolist() == [0, 0]
        assert "1 result is of an image" in str(cases.notes[0])
    alone = read_cases(coco_files[:1])
    assert len(alone.boxes.score) == 0
    assert "ground truth only" in str(alone.notes[0])


@pytest.mark.parametrize("place", ["a.png", "images/a.png", "../images/a.png", "val2017/a.png", "../train2017/a.png"])
def test_pictures_are_found_where_people_keep_them_and_when_they_are_wanted(tmp_path, place):
    from PIL import Image as Picture

    from engines.mean_ap.files import read_cases

    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "truth.json").write_text(json.dumps(TRUTH), encoding="utf-8")
    image = read_cases([folder / "truth.json"]).images[0]
    assert image.rgb()[1]  # not there yet: paper of the size that the file tells
    assert image.rgb()[0].shape == (80, 100, 3)
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    Picture.new("RGB", (100, 80), (200, 10, 10)).save(path)
    rgb, blank = image.rgb()
    assert not blank
    assert rgb[0, 0].tolist() == [200, 10, 10]
    path.write_bytes(b"no picture any more")
    assert image.rgb()[1]


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0b.png", "\ud800.png", "/etc/hosts", "."])
def test_a_picture_that_can_have_no_such_name_is_paper(tmp_path, name):
    from engines.mean_ap.files import read_cases

    path = tmp_path / "truth.json"
    path.write_text(json.dumps({**TRUTH, "images": [{"id": 7, "file_name": name}, {"id": 9}]}), encoding="utf-8")
    assert read_cases([path]).images[0].rgb()[1]


@pytest.mark.parametrize(
    ("which", "change", "words"),
    [
        (0, lambda c: c["annotations"][1].update(bbox=[1, 2, 3]), "annotations, entry 2: bbox must be four numbers"),
        (0, lambda c: c["annotations"][0].update(bbox=[1, 2, -3, 4]), "entry 1: bbox has a negative width"),
        (0, lambda c: c["annotations"][0].update(bbox=None), "entry 1: bbox is missing"),
        (0, lambda c: c["annotations"][0].update(category_id=99), "entry 1: category_id 99 is not in the file"),
        (0, lambda c: c["annotations"][0].update(image_id=99), "entry 1: image_id 99 is not in the file"),
        (0, lambda c: c["annotations"][0].update(image_id=[7]), "image_id must be an integer or a string"),
        (0, lambda c: c["annotations"][0].pop("image_id"), "entry 1: image_id is missing"),
        (0, lambda c: c["annotations"].append("x"), "entry 3: not an object"),
        (0, lambda c: c["categories"].append({"id": 3}), "categories, entry 3: id 3 appears twice"),
        (0, lambda c: c["images"].append({"id": 1.5}), "images, entry 3: id must be an integer or a string"),
        (1, lambda c: c[1].update(score=None), "entry 2: score must be a number"),
        (1, lambda c: c[2].update(bbox=[1e9, 0, 1, 1]), "entry 3: bbox"),
        (1, lambda c: c[0].update(score=float("nan")), "entry 1: score must be a number"),
        (1, lambda c: c[0].update(score=10**400), "entry 1: score must be a number"),
        (1, lambda c: c[0].update(bbox=[0, 0, 10**400, 1]), "entry 1: bbox"),
        (1, lambda c: c[0].update(bbox=[0, 0, -1e-7, 1]), "entry 1: bbox has a negative width"),
        (1, lambda c: c[0].pop("score"), "entry 1: score is missing"),
    ],
)
def test_one_odd_entry_is_left_out_and_named_and_alone_refuses_the_file(coco_files, which, change, words):
    from engines.core.errors import LabError
    from engines.mean_ap.files import read_cases

    name = coco_files[which].name
    content = json.loads(coco_files[which].read_text(encoding="utf-8"))
    change(content)
    coco_files[which].write_text(json.dumps(content), encoding="utf-8")
    told = "\n".join(map(str, read_cases(coco_files).notes))
    assert f"{name}: entries that can't be used: 1. First: " in told
    assert words in told
    if which:
        coco_files[1].write_text(json.dumps([{"score": "?"}]), encoding="utf-8")
        with pytest.raises(LabError, match=r"results.json, entry 1: image_id is missing"):
            read_cases(coco_files)
    else:
        coco_files[0].write_text(json.dumps({**TRUTH, "images": [1]}), encoding="utf-8")
        with pytest.raises(LabError, match=r"truth.json, images, entry 1: not an object"):
            read_cases(coco_files)


def test_files_that_are_no_coco_are_refused(tmp_path, coco_files):
    from engines.core.errors import LabError
    from engines.mean_ap.files import read_cases

    path = tmp_path / "x.json"
    for content, words in (
        (b"{", "line 1: not valid JSON"),
        (b"\xff\xfe\x00", "not"),
        (b"3", "neither"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"annotations": [' + b"[" * 100_000, "nested too deeply"),
        (b"[" + b"7" * 5000 + b"]", "a number is too long"),
        ("\n[{}, {\n}".encode("utf-16"), "line 3: not valid JSON"),
        ('{"name": "caf\xe9"}'.encode("latin-1"), "not UTF-8 text"),
    ):
        path.write_bytes(content)
        with pytest.raises(LabError, match=words):
            read_cases([path])
    with pytest.raises(LabError, match="there is no such file"):
        read_cases([tmp_path / "none.json"])
    with pytest.raises(LabError, match="results only"):
        read_cases([coco_files[1]])
    path.write_text("[]", encoding="utf-8")  # results that found nothing
    assert read_cases([coco_files[0], path]).boxes.images == 2


def test_results_in_json_lines_are_read(coco_files):
    from engines.core.errors import LabError
    from engines.mean_ap.files import read_cases

    whole = read_cases(coco_files).boxes
    lines = [json.dumps(entry) for entry in RESULTS]
    for text in ("\n".join(lines), "\r\n".join(lines) + "\n\n"):
        coco_files[1].write_bytes(text.encode())
        found = read_cases(coco_files).boxes
        np.testing.assert_array_equal(found.boxes, whole.boxes)
        np.testing.assert_array_equal(found.score, whole.score)
    coco_files[1].write_text("\n".join([*lines, "{"]))
    with pytest.raises(LabError, match=r"results.json, line 4: not valid JSON"):
        read_cases(coco_files)


def test_a_pointer_of_git_lfs_is_called_so(coco_files):
    from engines.core.errors import LabError
    from engines.mean_ap.files import read_cases

    coco_files[1].write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(LabError, match=r"results.json: a Git LFS pointer, not the file itself"):
        read_cases(coco_files)


@pytest.mark.parametrize("size", [160, 4000])  # corners that would leave the picture, and such as would not
def test_corners_in_the_place_of_sizes_are_doubted(tmp_path, size):
    from engines.mean_ap.files import read_cases

    images = [{"id": n, "file_name": f"{n}.png", "width": size, "height": size} for n in range(6)]
    places = [[20 + n, 30, 60, 40 + n] for n in range(6)]
    names = {"categories": [{"id": 1, "name": "cat"}], "images": images}
    truth = [{"id": n + 1, "image_id": n, "category_id": 1, "bbox": box} for n, box in enumerate(places)]
    for name, boxes in (("right", places), ("wrong", [[x, y, x + w, y + h] for x, y, w, h in places])):
        found = [{"image_id": n, "category_id": 1, "bbox": box, "score": 0.9} for n, box in enumerate(boxes)]
        for file, content in (("truth.json", names | {"annotations": truth}), ("results.json", found)):
            (tmp_path / file).write_text(json.dumps(content))
        notes = " ".join(map(str, read_cases([tmp_path / "truth.json", tmp_path / "results.json"]).notes))
        assert ("its boxes look like corners" in notes) is (name == "wrong")


def test_moved_boxes_change_the_numbers_and_put_back_they_do_not(coco_files):
    from engines.core.protocol import Job
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import CurveSeen, MeanApParams, Moved, NumbersSeen, PictureSeen

    engine = Engine()

    def answers(**fields):
        params = MeanApParams(files=tuple(map(str, coco_files)), **fields)
        return {type(event): event for event in engine.run(Job(params, lambda: engine, lambda event: None))}

    before = answers()
    assert before[CurveSeen].value == pytest.approx(1)
    away = answers(moved=(Moved(0, False, 0, (60.0, 50.0, 90.0, 70.0)), Moved(99, True, 0, (0.0, 0.0, 1.0, 1.0))))
    assert away[CurveSeen].value == 0
    assert away[CurveSeen].before_value == pytest.approx(1)
    assert away[CurveSeen].changed.tolist() == [True, False]
    assert away[NumbersSeen].twelve[1] < away[NumbersSeen].before[1]
    assert away[PictureSeen].boxes[0].tolist() == [60, 50, 90, 70]
    assert answers()[NumbersSeen] is before[NumbersSeen]
    assert (away[CurveSeen].before_iou, len(before[CurveSeen].before_recall)) == (-1, 0)
    lost = answers(missed=(1, 0), label=1)
    assert (lost[CurveSeen].at, lost[CurveSeen].missed_at, lost[PictureSeen].index) == (-1, 0, 1)


def test_reading_that_was_displaced_goes_on_and_a_refusal_is_told_each_time(coco_files, monkeypatch):
    from engines.core.errors import LabError
    from engines.core.protocol import Job, Progress
    from engines.mean_ap import engine as engines
    from engines.mean_ap import files
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import DataShown, MeanApParams

    monkeypatch.setattr(engines, "aside", lambda steps, first: steps)  # piece by piece, so that they can be counted
    monkeypatch.setattr(files, "EACH", 1)
    read, opened = files.read_json, []
    monkeypatch.setattr(files, "read_json", lambda path: opened.append(path.name) or read(path))
    engine, names = Engine(), tuple(map(str, coco_files))

    def ask(most=1000, **fields):
        run = engine.run(Job(MeanApParams(files=names, **fields), lambda: engine, lambda event: None))
        return list(itertools.islice(run, most))

    first = ask(most=4)
    assert all(isinstance(event, Progress) for event in first)
    later = ask(iou=0.6)
    assert isinstance(next(event for event in later if not isinstance(event, Progress)), DataShown)
    assert opened == ["truth.json", "results.json"]
    steps = [(event.done, event.total) for event in (*first, *later) if isinstance(event, Progress)]
    assert steps[:2] == [(0, 0), (coco_files[0].stat().st_size,) * 2]  # the file in one piece
    assert [step for step in steps if 0 < step[1] < 9] == [*((n, 2) for n in (0, 1, 0, 1)), *((n, 3) for n in range(3))]
    coco_files[1].write_text('[{"score": 1}]', encoding="utf-8")
    for _ in range(2):
        with pytest.raises(LabError, match="entry 1: image_id is missing"):
            ask()


def test_names_are_one_line_and_never_empty(tmp_path):
    from engines.mean_ap.files import read_cases

    path, names = tmp_path / "truth.json", ["a\n b", "", None, ["x"], 7]
    truth = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(["x/a\tb.png", "", None])],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
        "annotations": [],
    }
    path.write_text(json.dumps(truth), encoding="utf-8")
    cases = read_cases([path])
    assert cases.classes == ("a b", "1", "2", "3", "7")
    assert [one.name for one in cases.images] == ["a b.png", "1", "2"]


def test_of_new_data_the_first_class_with_something_to_see_is_shown(coco_files):
    from engines.core.protocol import Job
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import FIRST, CurveSeen, MeanApParams, PictureSeen

    truth, results = (json.loads(path.read_text(encoding="utf-8")) for path in coco_files)
    truth["categories"] = [{"id": n, "name": f"{n}"} for n in range(1, 81)]
    engine = Engine()

    def seen(files, **fields):
        events = engine.run(Job(MeanApParams(files=files, label=FIRST, **fields), lambda: engine, lambda event: None))
        found = {type(event): event for event in events}
        return found[CurveSeen], found[PictureSeen].index

    def written(n, content):
        path = coco_files[n].with_name(f"{len(list(coco_files[0].parent.iterdir()))}.json")
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    both = written(0, truth), written(1, results)
    assert (seen(both)[0].label, seen(both)[0].at) == (2, 1)  # objects and detections
    alone, image = seen(both[:1])
    assert (alone.label, alone.at, alone.missed_at, image) == (2, -1, 0, 0)  # objects: the first missed one is shown
    assert seen(both[:1], picture=1)[0].missed_at == -1  # the class has none in this picture
    none = written(0, {**truth, "annotations": []})
    assert seen((none, both[1]))[0].label == 2  # detections
    assert seen((none,))[0].label == 0


def test_what_was_given_up_is_let_go(coco_files, monkeypatch):
    monkeypatch.setattr("engines.mean_ap.engine.aside", lambda steps, first: steps)
    from engines.core.protocol import Job, Progress
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import DataShown, MeanApParams

    engine = Engine()

    def ask(*files):
        params = MeanApParams(files=tuple(map(str, files)))
        return engine.run(Job(params, lambda: engine, lambda event: None))

    assert [event.name for event in ask() if isinstance(event, DataShown)] == ["Toy DETR, 40 scenes"]
    assert isinstance(next(ask(*coco_files)), Progress)
    assert isinstance(next(ask()), DataShown)  # Cancel: back to what was there
    assert next(engine._begun[1], None) is None


# -- as pycocotools reads them
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), texts=st.booleans())
def test_files_measure_as_pycocotools_measures_them(tmp_path_factory, seed, texts):
    """Images in any order, with scores that tie over all of them; ids that are texts."""
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    from engines.blocks.average_precision import measure
    from engines.mean_ap.files import read_cases
    from engines.mean_ap.spec import TWELVE

    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("coco")
    ids = rng.choice(2000, 5, replace=False).tolist()
    ids = [f"{one}" for one in ids] if texts else ids
    boxes = [[0, 0, 20, 20], [0, 0, 40, 30], [50, 0, 32, 32], [50, 0, 96, 96], [60, 0, 96, 96]]

    def some(most):
        return [
            {"image_id": ids[rng.integers(5)], "category_id": int(rng.integers(3, 6)), "bbox": boxes[rng.integers(5)]}
            for _ in range(rng.integers(1, most))
        ]

    objects, said = some(20), some(40)
    for n, entry in enumerate(objects, start=1):
        area = entry["bbox"][2] * entry["bbox"][3]
        entry |= {"id": n, "iscrowd": int(rng.random() < 0.2), "area": area, "segmentation": [[1, 2, 3]]}
    for entry in said:
        entry["score"] = int(rng.integers(1, 4)) / 4
    truth = {"images": [{"id": one} for one in ids], "categories": [{"id": k, "name": f"{k}"} for k in range(7)],
             "annotations": objects}  # fmt: skip
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, said), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO(str(paths[0]))
        scorer = COCOeval(coco, coco.loadRes(str(paths[1])), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    found = measure(read_cases(paths).boxes)
    close([getattr(found, name) for name, _, _ in TWELVE], scorer.stats, FEW)


# -- piece by piece
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=3), inside, max_size=4),
    max_leaves=12,
)


def to_the_end(reading):
    """What a generator makes, and what it yields on the way."""
    places = []
    while True:
        try:
            places.append(next(reading))
        except StopIteration as done:
            return done.value, places


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=JSON,
    blanks=st.sampled_from([None, 0, 3]),
    cut=st.integers(0, 60),
    put=st.sampled_from([*",]1", ""]),
    piece=st.sampled_from([4, 7, 1000]),
)
def test_pieces_make_what_the_whole_makes(tmp_path, content, blanks, cut, put, piece):
    from engines.core import limits
    from engines.core.errors import LabError
    from engines.mean_ap import pieces

    path = tmp_path / "x.json"

    def parsed(text):
        path.write_bytes(text.encode())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "PIECE", piece)
            patch.setattr(pieces, "OUTLINES", ())
            return to_the_end(pieces.read_json(path))[0]

    text = json.dumps(content, indent=blanks)
    assert parsed(f" \n{text}\t") == content
    broken = text[:cut] + put + text[cut + 1 :]
    try:
        wanted = json.loads(broken)
    except json.JSONDecodeError as error:
        with pytest.raises(LabError, match=f"line {error.lineno}: not valid JSON"):
            parsed(broken)
    else:
        assert parsed(broken) == wanted


def test_a_long_file_has_places_to_stop_and_its_outlines_are_not_kept(tmp_path, monkeypatch):
    from engines.core import limits
    from engines.mean_ap import pieces

    monkeypatch.setattr(limits, "PIECE", 100)
    path = tmp_path / "x.json"
    text = json.dumps({"annotations": [{"id": n, "segmentation": [n] * 9} for n in range(50)], "info": {}})
    path.write_text(text, encoding="utf-8-sig")
    content, places = to_the_end(pieces.read_json(path))
    assert content == {"annotations": [{"id": n} for n in range(50)], "info": {}}
    assert len(places) > 10
    assert places == sorted(places)
    assert {total for _, total in places} == {path.stat().st_size}
