"""MoCo: the queue, the momentum update and InfoNCE against plain references; runs, their rivals, saving."""

from __future__ import annotations

import errno
import hashlib
import math
import os
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engines.checkpoints.catalog import WEIGHTS
from engines.core.claim import taken
from engines.core.errors import LabError
from engines.core.keeping import SavedRun
from engines.core.params import for_engine, same_steps
from engines.core.protocol import Job
from engines.core.training import NotSaved, Stopped
from engines.moco import Encoder, MoCo, info_nce, saved
from engines.moco.augment import Recipe, blurred, color_maps, views
from engines.moco.load import load_encoder
from engines.moco.measures import Probe, alignment, knn_accuracy, uniformity
from engines.moco.methods import KINDS
from engines.moco.pictures import PictureSet, folder
from engines.moco.run import Run
from engines.moco.saved import bundled, run_file, saved_run
from engines.moco.settings import BANK, END_TO_END, FOLDER, IN_BATCH, METHODS, MOCO, preset_of
from engines.moco.snapshots import staleness
from engines.moco.spec import (
    BUNDLED,
    RANDOM,
    THIS_RUN,
    Collapsed,
    KeptRun,
    Measured,
    MocoParams,
    MocoStep,
    QueueFrame,
    RunBegan,
    RunParams,
    learning_from,
)
from engines.moco.test.spec import Tuned, TuneParams
from engines.moco.test.tuning import Tuner
from engines.moco.training import Trainer, save
from engines.moco.two_views.engine import Engine
from engines.moco.two_views.spec import NotThere, ViewsFrame
from tests.closeness import FEW, MANY, about, close

DIM = 8


def flat(dim: int = DIM) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, dim))


def directions(count: int, dim: int = DIM, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def toys() -> PictureSet:
    """Pictures of two kinds, light stripes across or down, in any color."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 120)
    pixels = rng.integers(0, 60, (120, 32, 32, 3))
    for picture, label in zip(pixels, labels, strict=True):
        at = rng.integers(0, 4)
        stripes = picture[at::4] if label else picture[:, at::4]
        stripes += rng.integers(90, 190, 3)
    pixels = pixels.astype(np.uint8)
    return PictureSet("toys", pixels[:96], pixels[96:], labels[:96], labels[96:], ("down", "across"))


@pytest.fixture
def on_toys(monkeypatch, toys):
    """Trainer, engine and tuner get the toys whatever they ask for."""
    monkeypatch.setattr("engines.moco.pictures.load", lambda wanted: _nothing_but(toys))


def _nothing_but(found):
    return found
    yield


def small(**fields) -> RunParams:
    return RunParams(**{"run": 1, "batch": 16, "queue_size": 32, **fields})


def drive(trainer, params):
    job = Job(params, lambda: trainer, lambda event: None)
    return list(trainer.run(job))


# ------------------------------------------------------------------ queue, momentum, loss
def test_the_queue_is_a_fifo_for_a_thousand_batches_of_any_size():
    size = 37
    moco = MoCo(flat(), DIM, queue_size=size)
    start = moco.queue.t().clone()
    expected: deque[tuple[torch.Tensor, int]] = deque(((key, -1) for key in start), maxlen=size)  # key, born at
    rng = np.random.default_rng(1)
    for turn in range(1000):
        count = int(rng.integers(0, 2 * size + 3)) if turn % 5 == 0 else int(rng.integers(0, 9))
        keys = directions(count, seed=turn) if count else torch.zeros(0, DIM)
        moco.enqueue(keys, torch.full((count,), turn))
        if count:
            expected.extend((key, turn) for key in keys)
        pointer = int(moco.pointer)
        order = [(pointer + i) % size for i in range(size)]  # oldest first
        assert torch.equal(moco.queue.t()[order], torch.stack([key for key, _ in expected]))
        assert moco.queue_picture[order].tolist() == [born for _, born in expected]


def test_ages_count_enqueues_and_noise_stays_noise():
    moco = MoCo(flat(), DIM, queue_size=10)
    assert moco.queue_age.tolist() == [-1] * 10
    moco.enqueue(directions(4))
    moco.enqueue(directions(3))
    assert moco.queue_age.tolist() == [1] * 4 + [0] * 3 + [-1] * 3
    moco.enqueue(directions(25))
    assert moco.queue_age.tolist() == [0] * 10
    close(moco.queue.norm(dim=0), torch.ones(10), FEW)


@pytest.mark.parametrize("m", [0.0, 0.5, 0.99, 0.999, 1.0])
def test_the_key_encoder_follows_by_the_formula(m):
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, DIM))
    moco = MoCo(encoder, DIM, momentum=m)
    before = {k: v.clone() for k, v in moco.encoder_k.state_dict().items()}
    with torch.no_grad():
        for value in moco.encoder_q.parameters():
            value.add_(torch.randn_like(value))
    moco.encoder_q(torch.randn(4, 3, 6, 6))
    moco.momentum_update()
    fast = moco.encoder_q.state_dict()
    for name, value in moco.encoder_k.state_dict().items():
        if value.is_floating_point():
            wanted = m * before[name].double() + (1 - m) * fast[name].double()
            close(value, wanted, FEW)
        else:
            assert torch.equal(value, fast[name])


def test_no_gradient_reaches_the_key_encoder_or_the_queue():
    moco = MoCo(flat(), DIM, queue_size=20)
    logits, _, k = moco(torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2))
    assert not k.requires_grad
    assert not any(p.requires_grad for p in moco.encoder_k.parameters())
    F.cross_entropy(logits, torch.zeros(5, dtype=torch.int64)).backward()
    assert all(p.grad is None for p in moco.encoder_k.parameters())
    assert moco.queue.grad is None
    assert all(float(p.grad.abs().sum()) > 0 for p in moco.encoder_q.parameters())


def test_looking_changes_nothing():
    moco = MoCo(Encoder((4, 8), (0, 0), 8, DIM), DIM, queue_size=20)
    moco.train()
    before = {k: v.clone() for k, v in moco.state_dict().items()}
    logits, q, k = moco(torch.randn(6, 3, 16, 16), torch.randn(6, 3, 16, 16))
    assert logits.shape == (6, 21)
    for unit in (q, k):
        torch.testing.assert_close(unit.norm(dim=1), torch.ones(6))
    for name, value in moco.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_logits_are_those_of_the_paper():
    moco = MoCo(flat(), DIM, queue_size=20, temperature=0.07)
    logits, q, k = moco(torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2))
    positive = torch.einsum("nc,nc->n", q, k)[:, None]
    negative = torch.einsum("nc,ck->nk", q, moco.queue)
    close(logits, torch.cat([positive, negative], 1) / 0.07)


def test_info_nce_is_equation_one():
    q, k, queue = directions(6), directions(6, seed=1), directions(30, seed=2).t()
    found = info_nce(q, k, queue, 0.2)
    total = 0.0
    for i in range(6):
        own = math.exp(float(q[i].double() @ k[i].double()) / 0.2)
        others = sum(math.exp(float(q[i].double() @ queue[:, j].double()) / 0.2) for j in range(30))
        total -= math.log(own / (own + others)) / 6
    assert float(found) == about(total, FEW)
    assert float(info_nce(q, q, torch.zeros(DIM, 0), 0.2)) == about(0.0, FEW)  # no negatives


def test_a_saved_step_survives_an_enqueue_before_backward():
    moco = MoCo(flat(), DIM, queue_size=8)
    logits, _, k = moco(torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2))
    moco.enqueue(k)
    logits.sum().backward()


# ------------------------------------------------------------------ views
def test_views_without_strength_are_the_picture():
    pixels = torch.rand(3, 3, 32, 32)
    plain = Recipe(crop=1, flip=0, color=0, gray=0, blur=0)
    close(views(pixels, plain, torch.Generator()), pixels)
    flipped = views(pixels, replace(plain, flip=1), torch.Generator())
    close(flipped, pixels.flip(3))
    gray = views(pixels, replace(plain, gray=1), torch.Generator())
    close(gray[:, 0], gray[:, 2])


def test_views_come_from_their_own_generator():
    pixels, recipe = torch.rand(4, 3, 16, 16), Recipe(blur=0.5)
    first = views(pixels, recipe, torch.Generator().manual_seed(5))
    torch.manual_seed(99)
    assert torch.equal(first, views(pixels, recipe, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, views(pixels, recipe, torch.Generator().manual_seed(6)))
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1


def test_a_blur_keeps_the_mean_and_takes_contrast():
    pixels = torch.rand(2, 3, 24, 24)
    soft = blurred(pixels, torch.tensor([1.2, 0.0]))
    torch.testing.assert_close(soft[1], pixels[1])
    assert float(soft[0].std()) < 0.6 * float(pixels[0].std())
    assert float(soft[0].mean()) == pytest.approx(float(pixels[0].mean()), abs=0.02)


def test_contrast_leaves_the_mean_gray():
    pixels = torch.rand(200, 3, 4, 4)
    matrix, offset = color_maps(Recipe(color=1, gray=1), pixels, torch.Generator().manual_seed(0))
    out = torch.baddbmm(offset, matrix, pixels.flatten(2))
    close(out[:, 0], out[:, 1], MANY)  # gray at the end, whatever came before


# ------------------------------------------------------------------ measures
def test_measures_against_plain_loops():
    x, y = directions(12), directions(12, seed=3)
    assert alignment(x, y) == pytest.approx(float(np.mean([(a - b).square().sum() for a, b in zip(x, y, strict=True)])))
    pairs = [math.exp(-2 * float((x[i] - x[j]).square().sum())) for i in range(12) for j in range(i)]
    assert uniformity(x) == about(math.log(float(np.mean(pairs))))


def test_neighbors_and_probe_find_what_is_separable():
    labels = np.arange(120) % 3
    centers = 4 * torch.eye(3, 10)
    features = centers[labels] + torch.randn(120, 10)
    train, test = features[:90], features[90:]
    assert knn_accuracy(train, labels[:90], test, labels[90:]) > 0.9
    probe = Probe(train, labels[:90], 100)
    probe.advance(100)
    assert probe.accuracy(test, labels[90:]) > 0.9
    before = [v.clone() for v in probe.values]
    probe.advance(5)  # it is done
    assert all(torch.equal(a, b) for a, b in zip(before, probe.values, strict=True))


# ------------------------------------------------------------------ runs
@pytest.mark.parametrize("method", METHODS)
def test_every_dictionary_learns_to_find_its_key(toys, method):
    run = Run(small(method=method, queue_size=48, learning_rate=5e-3), toys)
    first = run.dictionary.chance
    told = [run.advance(run.params) for _ in range(12)]
    assert all(t is not None and math.isfinite(t.loss) for t in told)
    choices = {MOCO: 49, BANK: 49, END_TO_END: 16, IN_BATCH: 31}[method]
    assert first == pytest.approx(math.log(choices))
    close(run.dictionary.keys.norm(dim=1), torch.ones(len(run.dictionary.keys)))
    if method != MOCO:
        assert told[-1].distance == 0.0


def test_simclr_is_the_loss_of_its_paper(toys):
    moco = MoCo(flat(), DIM, temperature=0.5)
    held = KINDS[IN_BATCH](moco, 10, 5, torch.Generator())
    one, two = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    found = held.contrast(one, two, torch.arange(5))
    z = torch.cat([found.q, found.k]).detach().double()
    total = 0.0
    for i in range(10):
        j = (i + 5) % 10
        rest = sum(math.exp(float(z[i] @ z[n]) / 0.5) for n in range(10) if n != i)
        total -= math.log(math.exp(float(z[i] @ z[j]) / 0.5) / rest) / 10
    assert float(found.loss.detach()) == about(total)


def test_the_same_seed_gives_the_same_curve(toys):
    def curve(seed):
        run = Run(small(seed=seed), toys)
        return [run.advance(run.params).loss for _ in range(3)]

    first = curve(1)
    torch.rand(7)  # whatever else draws
    assert curve(1) == first
    assert curve(2) != first


def test_keys_grow_old_by_the_step_and_the_oldest_is_k_over_b(toys):
    run = Run(small(batch=16, queue_size=40), toys)  # 40 is no multiple of 16
    for _ in range(6):
        run.advance(run.params)
    ages = run.dictionary.ages.numpy()
    assert sorted(np.bincount(ages).tolist()) == [8, 16, 16]
    assert ages.max() == math.ceil(40 / 16) - 1


def test_fresh_keys_are_those_of_now_and_without_momentum_old_ones_are_not(toys):
    def spread(momentum):
        run = Run(small(queue_size=64, learning_rate=0.1, momentum=momentum), toys)  # it rises over the first 50 steps
        for _ in range(6):
            run.advance(run.params)
        return staleness(run)

    ages, slow = spread(0.999)
    _, fast = spread(0.0)
    assert slow[ages == 0] == about(1, MANY)
    assert fast[ages == ages.max()].mean() < slow[ages == ages.max()].mean() - 1e-3


def test_a_queue_larger_than_the_pictures_counts_its_own(toys):
    run = Run(small(queue_size=256), toys)
    assert any("own negative" in note.text for note in run.notes)
    for _ in range(8):
        told = run.advance(run.params)
    assert told.own > 0


def test_pictures_that_teach_nothing_are_named(toys):
    few = replace(toys, pixels=toys.pixels[:10])
    with pytest.raises(LabError, match="fewer than the batch"):
        Run(small(), few)
    with pytest.raises(LabError, match="identical"):
        Run(small(), replace(toys, pixels=np.repeat(toys.pixels[:1], 40, 0)))
    twice = replace(toys, pixels=np.concatenate([toys.pixels[:48]] * 2))
    assert any("Copies" in note.text for note in Run(small(), twice).notes)


def test_a_run_tells_what_it_does_and_goes_on(on_toys):
    trainer = Trainer()
    first = drive(trainer, small(until=4))
    assert isinstance(first[0], RunBegan)
    assert first[0].labeled
    assert [e.step for e in first if isinstance(e, MocoStep)] == [1, 2, 3, 4]
    kinds = {type(e) for e in first}
    assert {QueueFrame, KeptRun, Measured} <= kinds
    kept = [e for e in first if isinstance(e, KeptRun)]
    assert kept[0].weights.step == 0
    assert kept[-1].weights.step == 4
    again = drive(trainer, small(until=6))
    assert [e.step for e in again if isinstance(e, MocoStep)] == [5, 6]
    anew = drive(trainer, small(run=2, until=1))
    assert isinstance(anew[0], RunBegan)


def test_numbers_that_leave_the_finite_stop_the_run(on_toys, monkeypatch):
    trainer = Trainer()
    drive(trainer, small(until=2))
    with torch.no_grad():
        trainer.current.values[0].fill_(math.nan)
    told = drive(trainer, small(until=5))
    stopped = [e for e in told if isinstance(e, Stopped)]
    assert len(stopped) == 1
    assert stopped[0].step == 2
    assert "NaN at step 3" in str(stopped[0].reason)
    assert not [e for e in drive(trainer, small(until=9)) if isinstance(e, MocoStep)]


def test_a_collapse_is_noticed_and_said_once(on_toys):
    trainer = Trainer()
    drive(trainer, small(until=19, momentum=0.0))
    with torch.no_grad():  # a head whose bias drowns everything
        head = trainer.current.moco.encoder_q.head[-1]
        head.weight.mul_(1e-4)
        head.bias.fill_(1.0)
    told = drive(trainer, small(until=23, momentum=0.0, learning_rate=1e-5))
    assert len([e for e in told if isinstance(e, Collapsed)]) == 1


def test_a_killed_run_goes_on_as_if_nothing_had_been(on_toys, tmp_path):
    file = run_file(tmp_path / "run", small())
    whole = Trainer()
    straight = [e.loss for e in drive(whole, small(until=8)) if isinstance(e, MocoStep)]
    drive(Trainer(), small(until=5, folder=str(file.parent)))
    assert saved_run(file).step == 5
    assert not list(file.parent.glob("*.part"))
    resumed = drive(Trainer(), small(run=9, until=8, folder=str(file.parent), resume=True))
    assert resumed[0].step == 5
    steps = [e for e in resumed if isinstance(e, MocoStep)]
    assert [e.step for e in steps] == list(range(1, 9))  # the curve so far, then what is new
    assert [e.loss for e in steps[-3:]] == about(straight[-3:], FEW)


def test_a_save_that_breaks_off_leaves_the_old_one_and_a_new_run_puts_it_aside(on_toys, tmp_path, monkeypatch):
    file = run_file(tmp_path, small())
    trainer = Trainer()
    drive(trainer, small(until=2, folder=str(tmp_path)))
    whole = file.read_bytes()

    room = [50_000]

    def limited(handle, data):
        room[0] -= (some := min(room[0], len(data)))
        if not some:
            raise OSError(errno.ENOSPC, "full")
        return os.pwrite(handle, bytes(data[:some]), os.fstat(handle).st_size)

    with monkeypatch.context() as full:
        full.setattr("engines.core.files.os.write", limited)
        told = drive(trainer, small(until=3, folder=str(tmp_path)))
    (refused,) = (e for e in told if isinstance(e, NotSaved))
    assert str(refused.reason) == "The run can't be saved (the disk is full). It continues."
    assert file.read_bytes() == whole
    left = {file.with_suffix(".json").name, file.name, f"{file.name}.lock"}
    assert {each.name for each in tmp_path.iterdir()} == left
    assert saved_run(file).step == 2
    trainer.close()
    drive(Trainer(), small(run=5, until=1, folder=str(tmp_path)))
    assert saved_run(file).step == 1
    assert file.with_name(f"{file.stem}-before.pt").read_bytes() == whole
    assert saved_run(file.with_name(f"{file.stem}-before.pt")).step == 2  # with what it is, so that it can be opened
    for run in range(6, 12):
        drive(Trainer(), small(run=run, until=1, folder=str(tmp_path)))
    assert len(saved.earlier(file)) == saved.MOST_ASIDE
    oldest = saved.saved_runs(file)[-1]
    content = oldest.file.read_bytes()
    saved.bring_first(oldest, file)  # and the one that was there is put aside
    assert file.read_bytes() == content
    assert len([each for each in tmp_path.iterdir() if each.suffix != ".lock"]) == 2 * (1 + saved.MOST_ASIDE)
    resumed = drive(Trainer(), small(run=20, until=2, folder=str(tmp_path), resume=True))
    assert resumed[0].step == 1


def test_two_windows_do_not_fight_over_a_run(on_toys, tmp_path):
    one, two = Trainer(), Trainer()
    file = run_file(tmp_path, small())
    drive(one, small(until=3, folder=str(tmp_path)))
    content = file.read_bytes()
    assert saved.saved_runs(file) == []  # it is not for the other window to go on with
    with pytest.raises(LabError, match="Another window is continuing this run"):
        saved.bring_first(SavedRun(file, 3, {}), file)
    with pytest.raises(LabError, match="Another window is continuing this run"):
        drive(two, small(run=2, until=4, folder=str(tmp_path), resume=True))
    told = [e for until in (1, 2) for e in drive(two, small(run=3, until=until, folder=str(tmp_path)))]
    (said,) = [e for e in told if isinstance(e, NotSaved)]  # once: it goes on
    assert str(said.reason) == "The run can't be saved (another window saves its run there). It continues."
    assert [e.step for e in told if isinstance(e, MocoStep)] == [1, 2]
    assert file.read_bytes() == content
    one.close()
    assert saved.saved_runs(file)[0].step == 3
    drive(two, small(run=3, until=3, folder=str(tmp_path)))  # now there is room, and the other's is put aside
    two.close()
    assert [run.file.name for run in saved.saved_runs(file)] == [file.name, f"{file.stem}-before.pt"]
    assert saved.earlier(file)[0].read_bytes() == content


def test_a_run_that_could_not_be_gone_on_with_claims_no_file(on_toys, tmp_path):
    file = run_file(tmp_path, small())
    drive(Trainer(), small(until=1, folder=str(tmp_path)))
    file.write_bytes(b"hello")
    made = Trainer()
    with pytest.raises(LabError, match="can't be read"):
        drive(made, small(run=2, until=2, folder=str(tmp_path), resume=True))
    assert not taken(file)
    drive(made, small(run=3, until=1, folder=str(tmp_path)))
    assert taken(file)
    drive(made, small(run=4, until=0))  # its person began anew, and keeps nothing
    assert not taken(file)


@pytest.mark.parametrize("moment", ["engines.core.files.write", "pathlib.Path.unlink"])
def test_a_kill_while_a_run_is_brought_back_loses_none(tmp_path, monkeypatch, moment):
    """It strikes before the run has moved, or after."""
    file = tmp_path / "run.pt"
    for name in ("run-before", "run"):
        (tmp_path / f"{name}.pt").write_text(name)
        (tmp_path / f"{name}.json").write_text(f"what {name} is")

    def kill(*_, missing_ok=False):
        if not missing_ok:  # a draft that is already in its place
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moment, kill)
        with pytest.raises(KeyboardInterrupt):
            saved.bring_first(SavedRun(tmp_path / "run-before.pt", 1, {}), file)
    found = [file, *saved.earlier(file)]
    whole = {each.read_text(): each.with_suffix(".json").read_text() for each in found if each.exists()}
    assert whole == {name: f"what {name} is" for name in ("run-before", "run")}


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", "cut", "other"])
def test_a_broken_saved_run_is_put_aside_with_a_sentence(on_toys, tmp_path, content):
    file = run_file(tmp_path, small())
    drive(Trainer(), small(until=1, folder=str(tmp_path)))
    if content == "cut":
        file.write_bytes(file.read_bytes()[:-5000])
    elif content == "other":
        torch.save({"mark": 1}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(LabError, match=r"can't be read .* kept as .*-broken\.pt|not the pictures"):
        drive(Trainer(), small(run=2, until=2, folder=str(tmp_path), resume=True))
    assert run_file(tmp_path, small(method=BANK)) != file


@pytest.mark.parametrize("method", METHODS)
def test_every_dictionary_can_be_saved(toys, method, tmp_path):
    run = Run(small(method=method), toys)
    for _ in range(3):
        run.advance(run.params)
    save(run, tmp_path / "a.pt")
    other = Run(small(method=method), toys)
    other.load(torch.load(tmp_path / "a.pt", weights_only=True))
    assert run.advance(run.params).loss == about(other.advance(other.params).loss, FEW)


def test_a_saved_run_of_other_pictures_is_refused(toys, tmp_path):
    run = Run(small(), toys)
    save(run, tmp_path / "a.pt")
    other = Run(small(), replace(toys, pixels=255 - toys.pixels))
    with pytest.raises(LabError, match="not the pictures"):
        other.load(torch.load(tmp_path / "a.pt", weights_only=True))
    (tmp_path / "a.json").write_text("{")
    assert saved_run(tmp_path / "a.pt") is None


# ------------------------------------------------------------------ settings
def test_what_only_a_run_is_made_of_is_not_asked():
    of_a_run = MocoParams(method=BANK, batch=4, momentum=0.5, learning_rate=0.1, supervised=False, shots=3)
    assert for_engine(of_a_run) == MocoParams()
    assert for_engine(MocoParams(queue_size=32, mlp=False, seed=3)) != MocoParams()
    assert of_a_run.changes() == 0
    assert MocoParams(crop_1=0.3, blur_2=0.2, temperature=0.1).changes() == 3
    assert same_steps(MocoParams(encoder=RANDOM), MocoParams())


def test_without_a_folder_the_shapes_are_learned_from():
    dropped = replace(MocoParams(), **learning_from(FOLDER) | {"paths": ("/a",)})
    assert preset_of(dropped) == "MoCo v2"
    assert dropped.following(dropped) == dropped
    left = replace(dropped, paths=())
    assert left.following(left) == MocoParams()


# ------------------------------------------------------------------ the page, fine-tuning, folders
def frame(engine, params):
    found = [e for e in engine.run(Job(params, lambda: engine, lambda e: None)) if isinstance(e, ViewsFrame | NotThere)]
    assert len(found) == 1
    return found[0]


def test_the_page_shows_the_loss_of_the_formula(on_toys):
    engine = Engine()
    shown = frame(engine, MocoParams(encoder=RANDOM, temperature=0.1))
    logits = np.concatenate([[shown.similarity], shown.cosines]).astype(np.float64) / 0.1
    assert shown.loss == about(float(np.log(np.exp(logits).sum()) - logits[0]), MANY)
    assert float(shown.weights.sum()) == about(1)
    other = frame(engine, MocoParams(encoder=RANDOM, temperature=0.1, color_2=0.0))
    assert np.array_equal(shown.view_q, other.view_q)  # T₂'s sliders leave T₁ alone
    assert not np.array_equal(shown.view_k, other.view_k)
    assert not np.array_equal(frame(engine, MocoParams(encoder=RANDOM, draw=1)).view_q, shown.view_q)


def test_a_run_s_state_answers_with_its_own_queue(on_toys, monkeypatch):
    trainer, engine = Trainer(), Engine()
    kept = [e for e in drive(trainer, small(until=3)) if isinstance(e, KeptRun)][-1]
    shown = frame(engine, MocoParams(encoder=THIS_RUN, weights=kept.weights))
    assert shown.step == 3
    assert len(shown.cosines) in (31, 32)  # its own picture is no negative
    monkeypatch.setattr("engines.moco.two_views.engine.bundled", lambda: False)
    assert isinstance(frame(engine, MocoParams(encoder=BUNDLED)), NotThere)


def test_fine_tuning_compares_with_a_random_start(on_toys):
    kept = [e for e in drive(Trainer(), small(until=2)) if isinstance(e, KeptRun)][-1]
    tuner = Tuner()
    told = [
        e
        for e in tuner.run(Job(TuneParams(kept.weights, shots=5), lambda: tuner, lambda e: None))
        if isinstance(e, Tuned)
    ]
    assert [t.step for t in told] == list(range(0, told[0].last + 1, 6))
    assert max(told[-1].pretrained, told[-1].scratch) > 0.6
    with pytest.raises(LabError, match="Pre-train"):
        list(tuner.run(Job(TuneParams(), lambda: tuner, lambda e: None)))


def test_a_folder_with_and_without_classes(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "both" / name).mkdir(parents=True)
        for i in range(5):
            Image.fromarray(rng.integers(0, 255, (40, 50, 3), np.uint8)).save(tmp_path / "both" / name / f"{i}.png")
    (tmp_path / "both" / "cats" / "broken.png").write_bytes(b"no picture")
    found = finished(folder((str(tmp_path / "both"),)))
    assert found.names == ("cats", "dogs")
    assert len(found.pixels) + len(found.test_pixels) == 10
    assert any("can't be read" in note.text for note in found.notes)
    plain = finished(folder((str(tmp_path / "both" / "dogs"),)))
    assert plain.labels is None
    params = RunParams(run=1, batch=4, queue_size=16, data="Folder", paths=(str(tmp_path / "both" / "dogs"),), until=2)
    told = drive(Trainer(), params)
    assert [e.step for e in told if isinstance(e, MocoStep)] == [1, 2]
    assert not [e for e in told if isinstance(e, Measured)]
    with pytest.raises(LabError):
        finished(folder((str(tmp_path / "none"),)))


def finished(steps):
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


# ------------------------------------------------------------------ the bundled encoder
def test_the_bundled_encoder_is_what_its_card_says():
    if not bundled():
        pytest.skip("no weights in this copy")
    encoder = load_encoder()
    weights = WEIGHTS / "moco-cifar10.safetensors"
    assert encoder.card["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert encoder.card["metrics"]["knn"] > encoder.card["metrics"]["random_init"]["knn"] + 0.1
    assert encoder.card["training"]["finished"]
    assert not encoder.training
    assert not any(p.requires_grad for p in encoder.parameters())
    pixels = torch.randint(0, 256, (3, 3, 50, 40), dtype=torch.uint8)
    prepared = encoder.prepare(pixels)
    assert prepared.shape == (3, 3, 32, 32)
    assert encoder.features(prepared).shape == (3, encoder.out_features)
    assert sum(p.numel() for p in encoder.parameters()) == encoder.card["parameters"]
