"""Session files: all that settings can hold goes there and back; what is no session is refused in words."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from app.session import text, values
from app.session.content import (
    Content,
    Hashes,
    Photo,
    Run,
    Saved,
    as_params,
    check,
    hash_of,
    photo_in,
    told,
    understood,
)
from app.session.file import SETTINGS, as_npy, as_png, filled, picture_of, read
from app.session.photos import Photos
from app.session.trace import Trace
from app.session.values import Parts, known, lasting, unpacked, unpacked_params
from app.topics import topics
from engines.core import limits
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.scoring.spec import ScoringParams
from tests.app.paged import PoolParams

KINDS = {kind.params_type: topic.name for topic in topics() for kind in topic.page_classes()}


def picture(seed: int = 0) -> Picture:
    return Picture("one", np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8))


def named(one: Picture) -> Photo:
    return Photo(one.name, one.source)


def written(said, arrays=(), pngs=None) -> bytes:
    out = io.BytesIO()
    filled(said, Parts(list(arrays)), pngs or {})(out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "one.attnlab"


# ------------------------------------------------------------------ there and back
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{KINDS[kind]}-{kind.__name__}")
def test_every_lasting_field_of_every_page_can_be_kept(kind):
    """What a topic adds either lasts, and its type is known, or is declared to pass."""
    odd = [name for name in lasting(kind) if not known(values.hints(kind)[name])]
    assert not odd, f"{kind.__name__}: {odd} are of no type that a session holds; declare them passing=True"
    plain = kind()
    content = Content("", {}, {f"{KINDS[kind]}.page": plain})
    said, parts = told(content, Hashes(), named)
    said = json.loads(json.dumps(said))
    back = understood(said, parts)
    check(back, list(KINDS.values()))
    found = as_params(back.settings[f"{KINDS[kind]}.page"], plain, "page")
    assert repr(found) == repr(plain)


def there_and_back(params, photo=named):
    """Settings through a file, as another program would read them."""
    place = f"{type(params).__module__.split('.')[1]}.page"
    said, parts = told(Content("", {}, {place: params}), Hashes(), photo)
    with zipfile.ZipFile(io.BytesIO(written(said, parts.arrays))) as made:
        said = json.loads(made.read(SETTINGS))
    content = understood(said, parts)
    check(content, [place.split(".")[0]])
    return as_params(content.settings[place], type(params)(), place)


def test_points_masks_boxes_and_graphs_come_back():
    from engines.attention_pooling.spec import PoolingParams
    from engines.data.drawn_boxes import DrawnBox
    from engines.detr.draw_boxes.spec import DrawBoxesParams
    from engines.detr.nms.spec import NmsParams, RawBoxes
    from engines.gnn import graph
    from engines.gnn.spec import GraphParams
    from engines.scoring.spec import ScoringParams

    boxes = tuple(replace(DrawnBox(**_made_up(DrawnBox)), label=name) for name in ("a", "猫"))
    raw = RawBoxes(((0.5, 0.5, 0.25, 0.125),), (0.75,), (3,), (0,))
    for one in (
        PoolingParams(points=((0.5, 1.5), (2.0, -0.25)), query=1.25),
        ScoringParams(masked=((0, 1), (2, 3)), cell=(1, 1), valid_lens=(1, 2, 3, 4)),
        DrawBoxesParams(boxes=boxes),
        NmsParams(raw=raw),
    ):
        assert there_and_back(one) == one
    own = graph.made("mine", 3, [(0, 1), (1, 2)], directed=True)
    found = there_and_back(replace(GraphParams(), own=own)).own
    for f in fields(own):
        np.testing.assert_array_equal(getattr(found, f.name), getattr(own, f.name))
        assert type(getattr(found, f.name)) is type(getattr(own, f.name))


def _made_up(kind):
    values_of = {float: 0.25, int: 1, str: "x", bool: False}
    return {f.name: values_of[hint] if (hint := values.hints(kind)[f.name]) in values_of else
            tuple(values_of[each] for each in hint.__args__) for f in fields(kind)}  # fmt: skip


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), 0.1, 5e-324, -0.0])
def test_numbers_keep_their_bits(number):
    tree = json.loads(json.dumps(values.packed(number, Parts(), {})))
    assert repr(unpacked(float, tree, Parts(), "x")) == repr(number)


def test_a_picture_keeps_its_pixels(file):
    one = picture()
    sha256 = hash_of(one)
    file.write_bytes(written({"version": 1}, pngs={sha256: as_png(one)}))
    packed = read(file)
    np.testing.assert_array_equal(picture_of(packed.pngs[sha256], sha256, "x").rgb, one.rgb)
    with pytest.raises(LabError, match="not the one"):
        picture_of(as_png(picture(1)), sha256, "x")
    assert hash_of(Picture("", one.rgb.reshape(7, 5, 3))) != sha256  # the same bytes in another shape


def test_arrays_of_what_was_read_keep_their_places_beside_new_ones():
    """Tabs that are not built yet are written as they were read."""
    old = Saved("k:K", {"a": {"#": 0}, "b": [{"#": 1}]}, Parts([np.array([1]), np.array([2])]))
    other = Saved("k:K", {"a": {"#": 0}}, Parts([np.array([3])]))
    said, parts = told(Content(settings={"x.one": old, "x.two": other, "x.three": old}), Hashes(), named)
    numbers = {place: json.dumps(tree) for place, (_, tree) in said["settings"].items()}
    assert numbers["x.one"] == numbers["x.three"] == '{"a": {"#": 0}, "b": [{"#": 1}]}'
    assert numbers["x.two"] == '{"a": {"#": 2}}'
    assert [int(array[0]) for array in parts.arrays] == [1, 2, 3]


def test_a_page_as_text_says_only_what_is_not_as_at_first():
    from engines.scoring.spec import ScoringParams

    now = ScoringParams(temperature=2.0, masked=())
    content = Content("scoring", {"scoring": "compare"}, {"scoring.compare": now})
    made = text.written(content, ScoringParams(), named)
    assert json.loads(made)["settings"]["scoring.compare"][1] == {"masked": [], "temperature": 2.0}
    assert text.is_one(f"\n {made}\n")
    packed = text.read(made)
    back = understood(packed.said, packed.parts)
    assert as_params(back.settings["scoring.compare"], ScoringParams(), "") == now


def test_text_carries_arrays():
    from engines.gnn import graph
    from engines.gnn.spec import GraphParams

    now = replace(GraphParams(), own=graph.made("mine", 2, [(0, 1)]))
    packed = text.read(text.written(Content(settings={"gnn.watch": now}), GraphParams(), named))
    back = as_params(understood(packed.said, packed.parts).settings["gnn.watch"], GraphParams(), "")
    np.testing.assert_array_equal(back.own.edges, now.own.edges)


# ------------------------------------------------------------------ what is none
GOOD = {"version": 1, "tab": "scoring", "pages": {}, "settings": {}, "runs": {}, "photos": {}, "folds": {}, "pins": {}}
SCORING = "engines.scoring.spec:ScoringParams"


def npy(head: bytes, rest: bytes = b"") -> bytes:
    """An array with a head of one's own."""
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + rest


def pickled() -> bytes:
    out = io.BytesIO()
    np.save(out, np.array([{"run": pickle.dumps(print)}], object), allow_pickle=True)
    return out.getvalue()


def zipped(*entries: tuple[str, bytes], most: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", most) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


def session(**parts: object) -> bytes:
    return json.dumps({**GOOD, **parts}).encode()


HOSTILE = {  # those that take long to pack are packed when their turn comes
    "no zip": (b"PK\x03\x04 and nothing more", "damaged"),
    "empty": (b"", "damaged"),
    "another zip": (zipped(("word/document.xml", b"<x/>")), "holds word/document.xml"),
    "a way out": (zipped((SETTINGS, session()), ("../../.bashrc", b"x")), "holds ../../.bashrc"),
    "a way out in a picture's name": (zipped((SETTINGS, session()), ("pictures/../a.png", b"")), "no session has"),
    "a bomb": (
        lambda: zipped((SETTINGS, b" " * (limits.SESSION_SETTINGS + 1))), "would unpack to 17 MB, the limit is 16"
    ),
    "many bombs": (
        lambda: zipped((SETTINGS, session()), *((f"arrays/{i}.npy", b"\0" * 2**25) for i in range(9))),
        "would unpack to 289 MB",
    ),
    "many entries": (
        lambda: zipped(*((f"arrays/{i}.npy", b"") for i in range(limits.SESSION_ENTRIES + 1))),
        "entries, the limit is 9000",
    ),
    "pickle": (zipped((SETTINGS, session()), ("arrays/0.npy", pickled())), "holds no numbers"),
    "texts": (
        zipped((SETTINGS, session()),
               ("arrays/0.npy", npy(b"{'descr': '<U9', 'fortran_order': False, 'shape': (1,)}"))),
        "holds no numbers",
    ),
    "an absurd shape": (
        zipped((SETTINGS, session()), ("arrays/0.npy", npy(
            b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999)}", b"\0" * 8))),
        "not as large as it says",
    ),
    "a shape below nothing": (
        zipped((SETTINGS, session()), ("arrays/0.npy", npy(
            b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", b"\0" * 8))),
        "not as large as it says",
    ),
    "a head that runs": (
        zipped((SETTINGS, session()), ("arrays/0.npy", npy(b"{'descr': __import__('os').getcwd(), 'shape': ()}"))),
        "damaged",
    ),
    "a missing array": (
        zipped((SETTINGS, session()), ("arrays/1.npy", as_npy(np.zeros(1)))), "arrays are missing"
    ),
    "no settings": (zipped(("arrays/0.npy", as_npy(np.zeros(1)))), "session.json is missing"),
    "no JSON": (zipped((SETTINGS, b"{")), "damaged"),
    "no text": (zipped((SETTINGS, b"\xff\xfe")), "damaged"),
    "deep JSON": (zipped((SETTINGS, b"[" * 200_000)), "nested too deep|damaged"),
    "a number that is none": (zipped((SETTINGS, b'{"version": NaN}')), "damaged"),
    "a huge number": (zipped((SETTINGS, b'{"version": ' + b"9" * 9999 + b"}")), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_what_is_wrong_with_it(name, file):
    content, why = HOSTILE[name]
    file.write_bytes(content() if callable(content) else content)
    with pytest.raises(LabError, match=why) as refused:
        read(file)
    assert str(refused.value).startswith("one.attnlab: not a session that can be opened: ")


def test_photos_that_are_too_many_for_a_file_are_left_out(monkeypatch):
    """Else the file that was saved could not be opened."""
    monkeypatch.setattr(limits, "SESSION_FILE", 700)
    shown = [picture(seed) for seed in range(5)]
    named_ = {hash_of(one): one for one in shown}
    packed = Photos(None).packed({sha256: named(one) for sha256, one in named_.items()}, named_)
    assert 0 < len(packed) < 5
    assert sum(map(len, packed.values())) <= 350


def test_two_entries_of_one_name_are_refused(file):
    with pytest.warns(UserWarning, match="Duplicate"):
        file.write_bytes(zipped((SETTINGS, session()), (SETTINGS, session(tab="vit"))))
    with pytest.raises(LabError, match="two entries"):
        read(file)


def test_a_file_that_lies_about_its_size_is_refused(file):
    content = bytearray(zipped((SETTINGS, session() + b" " * 5000)))
    at = content.rindex(b"PK\x01\x02") + 24  # in the directory at the end
    content[at : at + 4] = (100).to_bytes(4, "little")
    file.write_bytes(content)
    with pytest.raises(LabError, match="damaged"):
        read(file)


def run_with(curves):
    """A session of a run with such curves."""
    run = {"step": 1, "at": None, "settings": [SCORING, {}], "curves": curves}
    return {**GOOD, "runs": {"scoring.compare": run}}


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((2, 2), np.float32),
        np.zeros((3, 2)),
        np.zeros(2),
        np.zeros((2, 10_000)),
        np.array([[0.0, 1.0], [0.0, np.nan]]),
        np.array([[0.0, 1.0], [0.0, 1e200]]),
        np.array([[1.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_points_that_no_plot_could_draw_are_refused(points):
    said = run_with([[{"name": "a", "token": "cat0", "points": {"#": 0}}]])
    with pytest.raises(LabError, match=r"scoring.compare: no curves"):
        understood(said, Parts([points]))


def test_a_long_curve_is_kept_with_its_peak_and_in_little_room():
    y = np.random.default_rng(0).normal(size=100_000)
    y[777] = 50.0
    run = Run(100_000, None, ScoringParams(), ((Trace("loss", "cat0", np.arange(100_000.0), y),),))
    said, parts = told(Content(runs={"scoring.compare": run}), Hashes(), lambda _: Photo(""))
    assert sum(array.nbytes for array in parts.arrays) < 10_000
    back = understood(json.loads(json.dumps(said)), parts).runs["scoring.compare"]
    ((curve,),) = back.curves
    assert (curve.name, curve.token, curve.y.max(), curve.x[0], curve.x[-1]) == ("loss", "cat0", 50.0, 0, 99_999)


ODD = {
    "no object": ([], "this is no session"),
    "no version": ({}, "this is no session"),
    "a later version": ({"version": 2}, "it is of version 2, this program reads 1"),
    "nothing in it": ({"version": 1}, "settings is missing"),
    "an unknown tab": ({**GOOD, "tab": "elsewhere"}, "there is no tab elsewhere"),
    "a page of an unknown tab": ({**GOOD, "pages": {"nowhere": "x"}}, "there is no tab nowhere"),
    "settings of an unknown tab": ({**GOOD, "settings": {"a.b": [SCORING, {}]}}, "there is no tab a"),
    "a number for a page": ({**GOOD, "pages": {"scoring": 3}}, "scoring: no page"),
    "settings that are none": ({**GOOD, "settings": {"scoring.compare": 4}}, "scoring.compare: no settings"),
    "settings of another tab": (
        {**GOOD, "settings": {"scoring.compare": ["engines.vit.watch.spec:ViTParams", {}]}}, "no settings of that tab"
    ),
    "settings of no engine": ({**GOOD, "settings": {"scoring.compare": ["os:system", {}]}}, "no settings of that tab"),
    "no settings at all": (
        {**GOOD, "settings": {"scoring.compare": ["engines.scoring.spec:np", {}]}}, "no settings of that tab"
    ),
    "a missing module": (
        {**GOOD, "settings": {"scoring.compare": ["engines.scoring.nothing:X", {}]}}, "no settings of that tab"
    ),
    "a negative step": (
        {**GOOD, "runs": {"scoring.compare": {"step": -1, "at": None, "settings": [SCORING, {}]}}}, "no run"
    ),
    "curves that are none": (run_with(3), "no curves"),
    "curves without points": (run_with([[{"name": "a", "token": "cat0", "points": {"#": 0}}]]), "no curves"),
    "more plots than a page has": (run_with([[]] * 99), "no curves"),
    "a picture without a name": ({**GOOD, "photos": {"0": {"file": "x"}}}, "0: no picture"),
    "a picture whose name is a way out": (
        {**GOOD, "photos": {"../../mine": {"name": "", "file": "", "sample": ""}}}, "../../mine: no picture"
    ),
    "settings with such a picture": (
        {**GOOD, "settings": {"vit.watch": ["engines.vit.spec:ViTParams", {"picture": {"picture": "../a"}}]}},
        "vit.watch, picture: dict where picture belongs",
    ),
    "a pin that is none": ({**GOOD, "pins": {"x": {"caption": "", "shown": {"#": 0}, "arrays": {}}}}, "x: no pin"),
    "folds that are none": ({**GOOD, "folds": {"scoring.compare": {"1": 2}}}, "no sections"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_session_is_refused_by_its_place(name):
    said, why = ODD[name]
    with pytest.raises(LabError, match=why):
        check(understood(said, Parts()), ["scoring", "vit"])


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("temperature", "hot", "scoring.compare, temperature: 'hot' where float belongs"),
        ("temperature", 1e9, "outside"),
        ("temperature", True, "True where float belongs"),
        ("temperature", [1.0], "list where float belongs"),
        ("temperature", {"number": "1e5"}, "dict where float belongs"),
        ("dim", 2.5, "2.5 where int belongs"),
        ("function", "magic", "none of"),
        ("masked", [[1]], "list where list of 2 belongs"),
        ("masked", [[1, "2"]], "'2' where int belongs"),
        ("masked", "ab", "'ab' where list belongs"),
        ("own_values", 1, "1 where bool belongs"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_by_its_field(field, value, why):
    said = {**GOOD, "settings": {"scoring.compare": [SCORING, {field: value}]}}
    content = understood(said, Parts())
    with pytest.raises(LabError, match=why):
        check(content, ["scoring"])
    from engines.scoring.spec import ScoringParams

    kept = as_params(content.settings["scoring.compare"], ScoringParams(), "x")  # of the last time: passed over alone
    assert kept == ScoringParams()


@pytest.mark.parametrize(
    ("tree", "why"),
    [({"#": 1}, "array of int64"), ({"#": -1}, "array"), ({"#": True}, "array"), ({"#": 0, "x": 1}, "array"), (3, "3")],
)
def test_an_array_that_is_not_there_is_refused(tree, why):
    from engines.gnn.graph import Graph

    parts = Parts([np.zeros((2, 1), np.float32)])
    with pytest.raises(LabError, match=why):
        unpacked(Graph, {"title": "x", "names": [], "edges": tree, "weights": {"#": 0}, "labels": {"#": 0}}, parts, "x")


def test_fields_of_another_version_are_passed_over_and_renamed_ones_found():
    plain = PoolParams()
    found = unpacked_params(plain, {"gone": 4, "temperature": 2.0, "token": 5}, Parts(), "x", strict=True)
    assert found == replace(plain, temperature=2.0, token=5)


def test_what_passes_is_not_taken_from_a_file():
    from engines.scoring.spec import ScoringParams
    from engines.transformer.spec import TransformerParams

    assert "run" not in lasting(TransformerParams)
    assert unpacked_params(TransformerParams(), {"run": 7}, Parts(), "x", strict=True).run == 0
    assert "cell" in lasting(ScoringParams)


def test_only_a_kind_that_shows_photos_names_one():
    one = Saved("", {"gone": {"picture": "0" * 64}, "picture": 3}, Parts())
    assert photo_in(one, PoolParams()) == ""
    assert photo_in(replace(one, tree={"gone": 1, "picture": {"picture": "1" * 64}}), PoolParams()) == "1" * 64


def test_a_file_whose_name_no_utf8_has_is_kept(file):
    """As Linux may call it; else nothing would be kept from then on."""
    file.write_bytes(written({**GOOD, "photos": {"0" * 64: vars(Photo("caf\udce9", "/caf\udce9.png"))}}))
    assert understood(read(file).said, Parts()).photos["0" * 64].file == "/caf\udce9.png"


def test_a_photo_is_named_by_its_hash():
    one = picture()
    said, parts = told(Content(settings={"x.y": PoolParams(picture=one)}), Hashes(), named)
    assert list(said["photos"]) == [hash_of(one)]
    assert parts.pictures == {hash_of(one): one}
    back = understood({**GOOD, "settings": said["settings"]}, Parts()).settings["x.y"]
    assert photo_in(back, PoolParams()) == hash_of(one)
    assert as_params(back, PoolParams(), "x").picture is None  # it comes later
    assert Run(3, None, back).params is back


@pytest.mark.parametrize(
    ("written_", "why"),
    [
        (f'{text.BEGINS}"settings"', "damaged"),
        (f'{text.BEGINS}"settings", "arrays": ["!"]}}', "damaged"),
        (f'{text.BEGINS}"settings", "arrays": 3}}', "damaged"),
        (f'{text.BEGINS}"settings", "arrays": ["{base64.b64encode(pickled()).decode()}"]}}', "holds no numbers"),
        (text.BEGINS + "[" * 100_000, "nested too deep|damaged"),
        (text.BEGINS + " " * limits.SESSION_TEXT, "too long"),
    ],
    ids=range(6),
)
def test_a_text_that_only_begins_like_one_is_refused(written_, why):
    assert text.is_one(written_)
    with pytest.raises(LabError, match=why):
        text.read(written_)
