"""The scale study: equal networks, equal pictures, the same curve for the same seed, and a stop that loses nothing."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from engines.core.errors import LabError
from engines.core.protocol import Job, Progress
from engines.core.reading import finish
from engines.core.training import Finished, Kept
from engines.vit.scale_study import data, drawn, models, store, training
from engines.vit.scale_study.spec import (
    CIFAR,
    CNN,
    FOLDER,
    KINDS,
    SAME,
    SIZES,
    TEXTURE,
    VIT,
    Cell,
    Point,
    ScaleParams,
    StudyBegan,
    StudyPoint,
    StudyStep,
    Table,
    crossing,
)
from tests.closeness import FEW, close

CPU = torch.device("cpu")


@pytest.fixture
def short(monkeypatch):
    """Trainings of a few steps, looked at with a few pictures."""
    shorten(monkeypatch)


def shorten(patch):
    patch.setattr(models, "STEPS", 0.4)  # 3 steps on 50 pictures
    patch.setattr(training, "QUICK", 60)


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def told(params, until=10_000):
    job = Job(replace(params, until=until), lambda: None, lambda event: None)
    return list(training.Trainer().run(job))


@cache
def study(seeds):
    """What a short study of digits tells; it is the same each time, so that it is made once."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        return told(ScaleParams(largest=50, seeds=seeds))


# ------------------------------------------------------------------ networks
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("side", "classes"), [(8, 10), (32, 10), (32, 3)])
def test_both_networks_have_as_many_parameters(size, side, classes):
    vit = models.parameters(models.vit_of(size, side, classes))
    cnn = models.parameters(models.cnn_of(size, side, classes))
    assert abs(cnn / vit - 1) < 0.02


def test_sizes_grow():
    counts = [models.parameters(models.vit_of(size, 32, 10)) for size in SIZES]
    assert counts[1] > 3 * counts[0]
    assert counts[2] > 3 * counts[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_learns_what_it_is_shown(digits, kind):
    trial = models.Trial(Cell(0, 50, "S", kind), digits, CPU)
    first = [trial.advance()[0] for _ in range(5)]
    while not trial.done:
        last = trial.advance()[0]
    assert last < 0.75 * np.mean(first)
    right, _ = trial.right(digits.ready(digits.test), torch.from_numpy(digits.test_labels))
    assert right / len(digits.test) > 0.3  # chance is 0.1


def test_building_a_network_draws_nothing_from_others(digits):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    models.Trial(Cell(0, 50, "S", VIT), digits, CPU).advance()
    assert torch.equal(torch.rand(3), expected)


# ------------------------------------------------------------------ pictures
def test_fewer_pictures_are_the_first_of_more_and_classes_are_even(digits):
    few = digits.chosen(50, torch.Generator().manual_seed(3))
    many = digits.chosen(500, torch.Generator().manual_seed(3))
    assert set(few) < set(many)
    assert np.bincount(digits.labels[few]).tolist() == [5] * 10


def test_test_pictures_are_never_learned_from(digits):
    learned = {row.tobytes() for row in digits.images}
    same = sum(row.tobytes() in learned for row in digits.test)
    assert len(digits.test) == 360
    assert len(digits.images) == 1437
    assert same <= 2  # two people may write the same 64 pixels


def test_batches_are_shifted_but_digits_not_mirrored(digits):
    pixels, labels = next(digits.batches(50, 64, torch.Generator().manual_seed(0)))
    assert pixels.shape == (64, 3, 8, 8)
    assert labels.shape == (64,)
    again, _ = next(digits.batches(50, 64, torch.Generator().manual_seed(0)))
    assert torch.equal(pixels, again)
    chosen = digits.chosen(50, torch.Generator().manual_seed(0))
    whole = torch.nn.functional.pad(digits.ready(digits.images[chosen]), (1,) * 4, mode="reflect")
    views = whole.unfold(2, 8, 1).unfold(3, 8, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * 64)
    assert all((views == one.flatten()).all(1).any() for one in pixels[:8])


def cifar_rows(count=20):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 3072), np.uint8), rng.integers(0, 10, count).tolist()


@pytest.mark.parametrize("version", ["py", "bin"])
def test_cifar_is_read_in_both_usual_forms(tmp_path, version):
    pixels, labels = cifar_rows()
    inner = tmp_path / f"cifar-10-batches-{version}"
    inner.mkdir()
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        if version == "py":
            (inner / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": labels}, protocol=2))
        else:
            rows = np.concatenate([np.array(labels, np.uint8)[:, None], pixels], 1)
            (inner / f"{name}.bin").write_bytes(rows.tobytes())
    found = finish(data.cifar10(str(tmp_path)))
    assert found.images.shape == (100, 32, 32, 3)
    np.testing.assert_array_equal(found.test[3], pixels[3].reshape(3, 32, 32).transpose(1, 2, 0))
    assert found.test_labels.tolist() == labels


def test_a_file_that_would_run_something_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    for n in range(1, 6):
        (tmp_path / f"data_batch_{n}").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(LabError, match="data_batch_1: not a file of CIFAR-10"):
        finish(data.cifar10(str(tmp_path)))


def test_a_folder_without_cifar_says_so(tmp_path):
    with pytest.raises(LabError, match="CIFAR-10 is not here"):
        told(ScaleParams(study_data=CIFAR, study_folder=str(tmp_path)))


def write_folder(place):
    """Thirty pictures of noise in each of two classes, the second one lighter."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (place / name).mkdir(parents=True)
        for n in range(30):
            rgb = rng.integers(0, 60, (20, 24, 3)) + 190 * label
            Image.fromarray(rgb.astype(np.uint8)).save(place / name / f"{n}.png")


def test_class_folders_are_read_bad_pictures_counted(tmp_path, short, monkeypatch):
    monkeypatch.setattr(
        "engines.vit.scale_study.training.aside", lambda steps, first: steps
    )  # piece by piece, to count them
    write_folder(tmp_path / "set")
    (tmp_path / "set" / "dark" / "broken.png").write_bytes(b"\x89PNG no")
    events = told(ScaleParams(study_data=FOLDER, study_folder=str(tmp_path / "set"), largest=50, seeds=1))
    assert sum(isinstance(e, Progress) and e.total == 61 for e in events) == 61  # the broken one, too
    began = next(e for e in events if isinstance(e, StudyBegan))
    assert (began.table.classes, began.table.tested, began.table.counts) == (2, 12, (48,))
    assert "can't be read: 1" in str(began.notes[0].text.format(**began.notes[0].values))
    assert sum(isinstance(e, StudyPoint) for e in events) == 6


def mark_of(place):
    reading = data.class_folders(str(place))
    while True:
        try:
            next(reading)
        except StopIteration as done:
            return done.value.mark


def test_pictures_are_known_by_their_files(tmp_path):
    write_folder(tmp_path / "set")
    mark = mark_of(tmp_path / "set")
    assert mark == mark_of(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    assert mark == mark_of(tmp_path / "elsewhere")
    file = tmp_path / "elsewhere" / "dark" / "3.png"
    os.utime(file, (1, 1))
    touched = mark_of(tmp_path / "elsewhere")
    file.rename(file.with_name("31.png"))
    renamed = mark_of(tmp_path / "elsewhere")
    file.with_name("31.png").unlink()
    assert len({mark, touched, renamed, mark_of(tmp_path / "elsewhere")}) == 4
    assert data.digits().mark == "Digits"


def test_one_class_is_not_enough(tmp_path):
    (tmp_path / "only").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "only" / "a.png")
    with pytest.raises(LabError, match="one class"):
        told(ScaleParams(study_data=FOLDER, study_folder=str(tmp_path)))


# ------------------------------------------------------------------ drawn pictures
def test_a_grain_is_told_by_neighbors_along_it():
    images, labels = drawn.drawn(TEXTURE, 7, 600)
    gray = images.astype(np.float64).mean(-1)
    gray -= gray.mean((1, 2), keepdims=True)
    inner = slice(1, -1)
    told = []
    for dy, dx in drawn.GRAIN:
        other = gray[:, 1 + dy : gray.shape[1] - 1 + dy, 1 + dx : gray.shape[2] - 1 + dx]
        told.append((gray[:, inner, inner] * other).mean((1, 2)))  # (600,)
    told = np.stack(told, 1)
    assert (told.argmax(1) == labels).mean() > 0.95
    for label in range(4):
        others = np.delete(told[labels == label].mean(0), label)
        assert np.abs(others).max() < 0.1 * told[labels == label].mean(0)[label]


def test_two_of_a_kind_is_a_matter_of_the_marked_cells_and_of_nothing_else():
    images, labels = drawn.drawn(SAME, 7, 200)
    pixels, right = images.astype(np.float64), 0
    for one, label in zip(pixels, labels, strict=True):
        white = one.min(-1) > 140
        blocks = sum(np.roll(white, (-r, -c), (0, 1)).astype(int) for r in range(4) for c in range(4))
        places = np.argwhere(blocks == 16)  # dots of 4 × 4, around the edge, too
        assert len(places) == 2
        colors = []
        for r, c in places:  # the cell around a dot has the color
            cell = np.roll(one, (2 - r, 2 - c), (0, 1))[:8, :8]
            ring = np.ones((8, 8), bool)
            ring[2:6, 2:6] = False
            colors.append(int(np.abs(drawn.COLORS - cell[ring].mean(0)).sum(1).argmin()))
        right += (colors[0] == colors[1]) == label
        apart = np.abs(places[0] - places[1])
        assert np.minimum(apart, 32 - apart).max() == 16  # they never touch
    assert right == len(labels)
    assert abs(labels.mean() - 0.5) < 0.15


def test_fewer_drawn_pictures_are_the_first_of_more_and_each_is_seen_once():
    task = replace(drawn.pictures(SAME), sees=600)
    few, _ = task.learned(100, 2000, torch.Generator().manual_seed(1003))
    many, labels = task.learned(600, 2000, torch.Generator().manual_seed(1003))
    np.testing.assert_array_equal(few, many[:100])
    batches = task.batches(600, 60, torch.Generator().manual_seed(1003))
    seen, named = zip(*(next(batches) for _ in range(10)), strict=True)
    assert torch.equal(torch.cat(seen), task.ready(many))
    assert torch.cat(named).tolist() == labels.tolist()
    again, _ = next(batches)  # a second time round: the same pictures, mixed
    assert not torch.equal(again, seen[0])
    assert all((task.ready(many) == one).flatten(1).all(1).any() for one in again[:3])
    test = {one.tobytes() for one in task.test}
    assert not test & {one.tobytes() for one in many}


def test_steps_of_drawn_pictures_end_with_each_seen_once():
    assert models.steps_for(100_000, 100_000) == 100_000 // models.BATCH
    assert models.steps_for(1000, 100_000) == models.EPOCHS * 1000 // models.BATCH


@pytest.mark.parametrize("data_", [SAME, TEXTURE])
def test_a_study_of_drawn_pictures_has_one_size(data_, monkeypatch):
    monkeypatch.setattr(models, "EPOCHS", 0.2)
    began, *rest = told(ScaleParams(study_data=data_, largest=1000, seeds=1))
    points = [e.point for e in rest if isinstance(e, StudyPoint)]
    assert {p.cell for p in points} == {Cell(0, 1000, "S", k) for k in KINDS}
    assert began.table.sizes == ("S",)
    sizes = began.table.parameters
    assert abs(sizes[CNN, "S"] / sizes[VIT, "S"] - 1) < 0.03


# ------------------------------------------------------------------ study
def test_a_study_tells_everything_and_the_same_again(short):
    began, *rest = study(2)
    assert began.cells == 12
    assert began.table.counts == (50,)
    steps = [e for e in rest if isinstance(e, StudyStep)]
    assert [e.step for e in steps] == list(range(1, began.steps + 1))
    points = [e.point for e in rest if isinstance(e, StudyPoint)]
    assert {p.cell for p in points} == {Cell(s, 50, z, k) for s in (0, 1) for z in SIZES for k in KINDS}
    kept = [e.weights for e in rest if isinstance(e, Kept)]
    assert {w.made_of[0].kind for w in kept} == {VIT}
    assert kept[0].arrays["maps"].shape == (2, 2, 4, 4)
    close(np.diag(kept[0].arrays["similarity"]), 1)
    assert isinstance(rest[-1], Finished)
    torch.rand(7)  # somebody else draws
    again = told(ScaleParams(largest=50, seeds=2))
    assert [e.point for e in again if isinstance(e, StudyPoint)] == points
    assert [(e.loss, e.accuracy) for e in again if isinstance(e, StudyStep)] == [(e.loss, e.accuracy) for e in steps]


def test_a_study_goes_on_where_it_was_paused(short):
    whole = [e for e in study(1) if isinstance(e, StudyStep)]
    trainer, params, parts = training.Trainer(), ScaleParams(largest=50, seeds=1), []
    for until in (4, 5, 10_000):
        parts += trainer.run(Job(replace(params, until=until), lambda: None, lambda event: None))
    assert [e for e in parts if isinstance(e, StudyStep)] == whole
    assert sum(isinstance(e, StudyBegan) for e in parts) == 1


def test_what_is_done_is_not_made_again(short):
    first = [e.point for e in study(1) if isinstance(e, StudyPoint)]
    events = told(ScaleParams(largest=50, seeds=2, done=tuple(first), done_mark="Digits"))
    fresh = [e.point for e in events if isinstance(e, StudyPoint)]
    assert {p.cell.seed for p in fresh} == {1}
    whole = [e.point for e in study(2) if isinstance(e, StudyPoint)]
    assert first + fresh == whole


def test_what_is_done_with_other_pictures_is_made_again(short):
    first = tuple(e.point for e in study(1) if isinstance(e, StudyPoint))
    events = told(ScaleParams(largest=50, seeds=1, done=first, done_mark="others"))
    began = next(e for e in events if isinstance(e, StudyBegan))
    assert (began.table.mark, began.table.points) == ("Digits", ())
    assert sum(isinstance(e, StudyPoint) for e in events) == 6
    kept = next(e for e in told(ScaleParams(largest=50, seeds=1, done=first, done_mark="Digits"))
                if isinstance(e, StudyBegan))  # fmt: skip
    assert kept.table.points == first


# ------------------------------------------------------------------ table
def test_the_crossing_lies_straight_between_points_over_log_n():
    assert crossing([100, 1000], [0.2, 0.6], [0.4, 0.4]) == pytest.approx(np.sqrt(100_000))
    assert crossing([100, 1000], [0.2, 0.3], [0.4, 0.4]) is None
    assert crossing([100, 1000], [0.5, 0.6], [0.4, 0.4]) is None
    assert crossing([10, 100, 1000], [0.5, 0.3, 0.5], [0.4, 0.4, 0.4]) == pytest.approx(np.sqrt(100_000))
    assert crossing([], [], []) is None
    assert crossing([100, 1000], [0.41, 0.6], [0.4, 0.4], 0.02) is not None  # what is within the margin is not ahead
    assert crossing([100, 1000], [0.41, 0.6], [0.4, 0.4]) is None
    wide = [0.02, 0.02, 0.2]  # seeds that differ: what lies within says neither ahead nor behind
    assert crossing([10, 100, 1000], [0.4, 0.6, 0.35], [0.4, 0.4, 0.4], wide) < 100
    assert crossing([10, 100, 1000], [0.4, 0.6, 0.35], [0.4, 0.4, 0.4], 0.02) is None


def table():
    points = [Point(Cell(s, n, "M", k), a + 0.1 * s, 1.0, 0.5) for s in (0, 1) for n, k, a in
              ((50, VIT, 0.2), (50, CNN, 0.4), (500, VIT, 0.6), (500, CNN, 0.5))]  # fmt: skip
    return Table("Digits", (50, 500), {(k, z): 7 for k in KINDS for z in SIZES}, 10, 360, tuple(points))


def test_means_and_deviations_are_over_seeds():
    n, mean, spread, many = table().line(VIT, "M")
    assert n.tolist() == [50, 500]
    close(mean, [0.25, 0.65], FEW)
    close(spread, np.std([0.2, 0.3], ddof=1), FEW)
    assert many.tolist() == [2, 2]
    assert len(table().line(VIT, "S")[0]) == 0
    assert 50 < table().crossing("M") < 500
    assert table().crossing("S") is None


def test_a_table_is_read_as_it_was_written(tmp_path):
    store.write(tmp_path / "t.json", table(), {"about": "x"})
    assert store.read(tmp_path / "t.json") == table()
    store.write(tmp_path / "t.json", replace(table(), mark="abc"))
    assert store.read(tmp_path / "t.json").mark == "abc"
    assert store.read(tmp_path / "none.json") is None
    (tmp_path / "bad.json").write_text('{"points": 3}')
    assert store.read(tmp_path / "bad.json") is None
