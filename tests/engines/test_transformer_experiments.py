"""The experiments measure what they say."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from engines.core.protocol import Job, Progress
from engines.data.sequences import task
from engines.data.vocabulary import BOS
from engines.transformer import proofs
from engines.transformer.decode.engine import Engine as Decoder
from engines.transformer.decode.spec import Answer, DecodingParams
from engines.transformer.decoding import greedy
from engines.transformer.experiments import crossing, norm_results
from engines.transformer.experiments.ablation import Ablation
from engines.transformer.experiments.engine import Engine, padded_batch
from engines.transformer.experiments.norm_comparison import NormComparison, begun, norms_of
from engines.transformer.experiments.norm_comparison_spec import ComparisonMeasured, ComparisonSettings, ComparisonStep
from engines.transformer.experiments.norm_results import Case, Outcome
from engines.transformer.experiments.spec import (
    MOVES,
    NORMS,
    RANDOM,
    RESIDUALS,
    RESTS,
    RUNNING,
    SAME,
    Ablated,
    AblationParams,
    Causality,
    Convolved,
    Crossed,
    Examined,
    Gradients,
    LabParams,
    Normalized,
    Placed,
)
from engines.transformer.model import FeedForward, Transformer
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.recipe import BATCH_NORM, Recipe
from engines.transformer.subject import Collection, Specimen, held_out
from engines.transformer.switches import CROSS, DECODER_FFN, ENCODER, ENCODER_FFN, Switches
from engines.transformer.training.trainer import Run
from tests.closeness import FEW, MANY, about, close


def small(**other) -> Transformer:
    kind = task("Reverse")
    return Transformer(len(kind.source), len(kind.target), 16, 4, 2, 2, 24, 16, **other).eval()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def answers(engine, params: LabParams) -> dict[type, object]:
    events = list(engine.run(Job(params, lambda: engine, lambda event: None)))
    for event in events:
        pickle.loads(pickle.dumps(event))
    return {type(e): e for e in events if not isinstance(e, Progress)}


def test_all_proofs_at_the_default(engine):
    seen = answers(engine, LabParams())
    assert set(seen) == {Examined, Causality, Crossed, Gradients, Normalized, Placed, Convolved}
    causal = seen[Causality]
    assert causal.earlier[0] > MOVES
    assert causal.earlier[1] < RESTS
    assert (np.tril(causal.moved[1], -1) < RESTS).all()
    assert (causal.moved[1].diagonal() > MOVES).all()
    normalized = seen[Normalized]
    assert normalized.moved[0] < RESTS
    assert normalized.moved[1] > MOVES
    assert normalized.gap[0] < RESTS < normalized.gap[1]
    placed = seen[Placed]
    assert placed.shuffled[0] < RESTS
    assert placed.shuffled[1] > MOVES
    close(placed.maps.sum(-1), 1)
    assert seen[Convolved].apart < SAME
    np.testing.assert_allclose(seen[Convolved].hidden[0], seen[Convolved].hidden[1], atol=SAME)


@torch.no_grad()
@pytest.mark.parametrize("norm_first", [False, True])
def test_what_a_changed_token_moves_is_what_goes_in_and_out_of_the_projections(norm_first):
    """Each changed token by itself, read at the projections and not from the tape."""
    model, random = small(norm_first=norm_first).double(), torch.Generator().manual_seed(3)
    source, target = (torch.randint(3, 20, (n,), generator=random) for n in (5, 4))
    seen = {}
    for i, layer in enumerate(model.decoder):
        for name in "qkv":
            hook = lambda _module, given, out, at=(i, name): seen.update({at: (given[0], out)})  # noqa: E731
            getattr(layer.cross_attention, f"{name}_proj").register_forward_hook(hook)

    def parts(source, target):
        logits = model(source[None], target[None])
        return [(seen[i, "k"][0], *(seen[i, name][1] for name in "qkv"), logits) for i in range(len(model.decoder))]

    plain = parts(source, target)
    for of_source, read in ((True, source), (False, target)):
        moved, changed = crossing.moved(model, source, target, of_source)
        assert (changed != read).all()
        for at in range(len(read)):
            other = read.clone()
            other[at] = changed[at]
            now = parts(other, target) if of_source else parts(source, other)
            for layer, both in enumerate(zip(now, plain, strict=True)):
                wanted = [float((a - b).abs().max()) for a, b in zip(*both, strict=True)]
                close(moved[layer, [0, 1, 2, 3, 5], at], torch.tensor(wanted, dtype=torch.float64))


def test_queries_are_of_the_decoder_keys_and_values_of_the_encoder(engine):
    seen = answers(engine, LabParams())[Crossed]
    assert seen.by_source[0, 1].max() < RESTS < MOVES < seen.by_source[0, [0, 2, 3, 4, 5]].min()
    assert seen.by_source[1, 1].min() > MOVES  # by way of the first layer
    assert seen.by_target[:, [0, 2, 3]].max() < RESTS < MOVES < seen.by_target[:, [1, 4, 5]].min()
    assert "".join(seen.other[:-1]) == "".join(seen.answers[0]) == "noitnetta"
    assert "".join(seen.answers[1]) == "attention"
    assert seen.answers[2] not in seen.answers[:2]
    assert seen.uneven < RESTS
    palindrome = answers(engine, LabParams(read="abba"))[Crossed]
    assert palindrome.other != palindrome.source


@torch.no_grad()
def test_an_answer_to_its_own_memory_is_what_greedy_decoding_says():
    model, source = small(), torch.tensor([5, 9, 4, 2])
    said = crossing.answer(model, model.encode(source[None]), 8)
    assert said == [token for token in greedy(model, source[None], 8) if token != 2]
    assert crossing.unevenness(model, torch.tensor([1, 5]), model.encode(source[None])) > MOVES


def test_the_experiment_looked_at_comes_first_and_nothing_is_computed_twice(engine):
    answers(engine, LabParams())
    params = LabParams(experiment=NORMS)
    first, second = (list(engine.run(Job(params, lambda: engine, lambda event: None))) for _ in range(2))
    assert isinstance(first[1], Normalized)
    assert [id(e) for e in first] == [id(e) for e in second]
    other = list(engine.run(Job(LabParams(lab_batch=3), lambda: engine, lambda event: None)))
    assert next(e for e in other if isinstance(e, Causality)) is next(e for e in first if isinstance(e, Causality))
    assert next(e for e in other if isinstance(e, Normalized)) is not next(
        e for e in first if isinstance(e, Normalized)
    )


def test_normalization_settings(engine):
    one = answers(engine, LabParams(lab_batch=1))[Normalized]
    assert one.positions == len(one.tokens)
    assert one.moved == (0.0, 0.0)
    padded = answers(engine, LabParams(lab_batch=1, lab_padding=5))[Normalized]
    assert padded.positions == len(one.tokens)
    assert max(padded.moved) < RESTS
    careless = answers(engine, LabParams(lab_batch=1, lab_padding=5, lab_count_padding=True))[Normalized]
    assert careless.positions == len(one.tokens) + 5
    assert careless.moved[0] < RESTS < MOVES < careless.moved[1]
    running = answers(engine, LabParams(lab_mode=RUNNING, lab_batch=9, lab_padding=2))[Normalized]
    assert max(running.moved) < RESTS
    mates = [answers(engine, LabParams(lab_mates=n))[Normalized] for n in (1, 2)]
    assert np.abs(mates[0].among[0] - mates[1].among[0]).max() < RESTS
    assert np.abs(mates[0].among[1] - mates[1].among[1]).max() > MOVES
    assert len(mates[0].means[0]) == len(one.tokens)
    assert len(mates[0].means[1]) == one.alone.shape[-1]


def test_the_statistics_told_give_the_output(engine):
    seen = answers(engine, LabParams(lab_batch=5, lab_padding=3))[Normalized]
    layer = seen.among[0]  # gain 1, bias 0 in a fresh model: each token has mean 0 and deviation 1
    if not answers(engine, LabParams())[Examined].trained:
        close(layer.mean(-1), 0, MANY)
        np.testing.assert_allclose(layer.std(-1), 1, atol=1e-2)
    # undoing batch normalization with its own numbers gives what undoing layer normalization gives, up to the gain
    assert all(np.isfinite(a).all() and (a >= 0).all() for a in seen.deviations)


def test_statistics_of_a_twin_are_the_mean_over_its_batches():
    model = small()
    twin = proofs.batch_twin(model)
    batches = [held_out(task("Reverse"), 6, seed) for seed in range(3)]
    sums = []
    for n, batch in enumerate(batches):
        proofs.take_statistics(twin, batch, n)
        go = model.begin()
        go.tape = {}
        model.encode(batch[0], batch[1], go)
        valid = torch.arange(batch[0].shape[1]) < batch[1][:, None]
        sums.append(go.tape["encoder.0.sum"][valid].mean(0))
    found = twin.encoder[0].self_norm.running_mean
    close(found, torch.stack(sums).mean(0))
    before = found.clone()
    proofs.first_normed(proofs.exact(twin), *batches[0][:2], live=True)
    assert torch.equal(before, twin.encoder[0].self_norm.running_mean)
    assert torch.equal(proofs.layer_twin(twin).unembed.weight, model.unembed.weight)


def test_gradients_are_autograds():
    model = small()
    batch = held_out(task("Reverse"), 4)
    off = Switches(residuals_off=frozenset({(ENCODER, 0), (DECODER_FFN, 1)}))
    norms, loss = proofs.gradient_norms(model, *batch, off)
    source, lens, target = batch
    logits = model(source, target[:, :-1], lens, switches=off)
    expected = nn.CrossEntropyLoss(ignore_index=0)(logits.transpose(1, 2), target[:, 1:])
    expected.backward()
    assert loss == about(float(expected.detach()), FEW)
    for norm, place in zip(norms, proofs.places(model), strict=True):
        values = torch.cat([p.grad.flatten() for p in proofs.part(model, place)[0].parameters()])
        assert norm == pytest.approx(float(values.norm()), rel=1e-4)


def test_residuals_of_a_fresh_model_of_any_depth(engine):
    off = ((ENCODER, 0), (ENCODER, 2), (CROSS, 77))
    params = LabParams(experiment=RESIDUALS, lab_from=RANDOM, lab_depth=3, lab_norm_first=True, lab_residuals_off=off)
    seen = answers(engine, params)[Gradients]
    assert len(seen.places) == 5 * 3
    assert seen.off == off[:2]
    assert not seen.trained
    assert (seen.kept > 0).all()
    assert not np.allclose(seen.kept, seen.cut)


def test_convolutions_are_torchs():
    ffn = FeedForward(8, 20)
    x = torch.randn(2, 5, 8)
    one, two = nn.Conv1d(8, 20, 1), nn.Conv1d(20, 8, 1)
    with torch.no_grad():
        one.weight.copy_(ffn.fc1.weight[..., None]), one.bias.copy_(ffn.fc1.bias)
        two.weight.copy_(ffn.fc2.weight[..., None]), two.bias.copy_(ffn.fc2.bias)
        expected = two(torch.relu(one(x.transpose(1, 2)))).transpose(1, 2)
        close(proofs.as_convolutions(ffn, x)[1], expected, FEW)
        assert (proofs.as_convolutions(ffn, x)[1] - ffn(x)).abs().max() < SAME


def test_every_ffn_can_be_looked_at(engine):
    for place, count in (((ENCODER_FFN, 1), "source"), ((DECODER_FFN, 0), "target")):
        seen = answers(engine, LabParams(lab_ffn=place))
        assert seen[Convolved].place == place
        assert seen[Convolved].tokens == getattr(seen[Examined], count)
    assert answers(engine, LabParams(lab_ffn=(DECODER_FFN, 9)))[Convolved].place == (DECODER_FFN, 1)


def test_a_right_sequence_is_what_greedy_decoding_answers():
    """The accuracy of whole sequences, measured in one pass, is that of decoding step by step."""
    model, kind = small(), task("Copy")
    with torch.no_grad():
        model.unembed.bias[2] = 5.0  # a model that likes to end at once
    pairs = [("", ""), ("abc", "abc")]
    batch = kind.encode([("a", ""), pairs[1]])
    source, lens, target = map(torch.from_numpy, (batch.source, batch.source_lens, batch.target))
    _, sequences = proofs.accuracy(model, source, lens, target)
    decoded = [greedy(model, source[i : i + 1, : lens[i]], 13) for i in range(2)]
    wanted = [[t for t in row[1:] if t] for row in target.tolist()]
    assert sequences == np.mean([a == b for a, b in zip(decoded, wanted, strict=True)])


def test_ablation_fills_the_map_bit_by_bit_and_can_be_left():
    engine = Ablation()
    told = engine.run(Job(AblationParams(lab_examples=32), lambda: engine, lambda event: None))
    steps = (event for event in told if isinstance(event, Ablated))
    first = next(steps)
    assert isinstance(first, Ablated)
    assert (first.heads == -1).all()
    assert first.done == 0
    seen = [first, *(next(steps) for _ in range(3))]
    assert [e.done for e in seen] == [0, 1, 2, 3]
    assert (seen[-1].heads >= 0).sum() == 3
    told.close()
    last = list(engine.run(Job(AblationParams(lab_examples=32), lambda: engine, lambda event: None)))[-1]
    assert last.done == last.total
    assert (last.heads >= 0).all()
    assert (last.whole >= 0).all()
    assert (last.layers >= 0).sum() == 4
    np.testing.assert_array_equal(last.heads.ravel()[:3], seen[-1].heads.ravel()[:3])


def test_ablation_is_the_model_without_the_head():
    engine = Ablation()
    params = AblationParams(lab_examples=32)
    last = list(engine.run(Job(params, lambda: engine, lambda event: None)))[-1]
    specimen = Collection().specimen(params.task, "", None)
    model = specimen.model
    with torch.no_grad():
        width = model.embed_dim // model.num_heads
        model.decoder[1].cross_attention.out_proj.weight[:, 2 * width : 3 * width] = 0
    right, _ = proofs.accuracy(model, *held_out(specimen.task, 32))
    assert last.heads[last.rows.index((CROSS, 1)), 2] == about(right, FEW)


def test_a_batch_is_the_sample_and_its_mates():
    kind = task("Reverse")
    specimen = Specimen(kind, small(), torch.tensor([3, 4, 2]), torch.tensor([BOS]), False)
    source, lens = padded_batch(specimen, 4, 2, 0)
    assert source.shape[0] == 4
    assert source[0, :3].tolist() == [3, 4, 2]
    assert not source[0, 3:].any()
    assert source.shape[1] == int(lens.max()) + 2
    assert padded_batch(specimen, 1, 0, 0)[0].tolist() == [[3, 4, 2]]


def test_the_race_runs_both_on_the_same_batches_and_goes_on():
    engine = NormComparison()

    def told(until: int) -> list:
        return list(
            engine.run(Job(ComparisonSettings(run=1, until=until, batch=4), lambda: engine, lambda event: None))
        )

    first = told(2)
    steps = [e for e in first if isinstance(e, ComparisonStep)]
    assert [e.step for e in steps] == [1, 2]
    one, two = engine._runs
    assert one.random.bit_generator.state == two.random.bit_generator.state
    assert [p.shape for p in one.model.parameters()] == [p.shape for p in two.model.parameters()]
    measured = [e for e in first if isinstance(e, ComparisonMeasured)][-1]
    assert measured.evaluation[0] == measured.training[0]  # layer normalization has one mode
    again = [e for e in told(3) if isinstance(e, ComparisonStep)]
    assert [e.step for e in again] == [3]
    other = NormComparison()
    params = ComparisonSettings(run=5, until=3, batch=4)
    fresh = [e.loss for e in other.run(Job(params, lambda: other, lambda event: None)) if isinstance(e, ComparisonStep)]
    assert fresh == [e.loss for e in (*steps, *again)]


def first_measured(**settings) -> ComparisonMeasured:
    engine = NormComparison()
    job = Job(ComparisonSettings(run=1, until=0, batch=4, **settings), lambda: engine, lambda event: None)
    return next(event for event in engine.run(job) if isinstance(event, ComparisonMeasured))


def test_padding_reaches_the_training_and_counts_only_where_it_should():
    plain, padded = first_measured(), first_measured(padding=7)
    for name in ("evaluation", "training", "alone", "longest"):  # left out of the attention and of the statistics
        np.testing.assert_allclose(getattr(padded, name), getattr(plain, name), atol=0.01)  # a tie or two apart
    counted = first_measured(padding=7, count_padding=True)
    assert counted.evaluation == plain.evaluation  # nothing was learned from it yet
    assert counted.training[0] == plain.training[0]
    run = begun(ComparisonSettings(batch=4, padding=7, count_padding=True), BATCH_NORM)
    lens = run.held_out.source_lens
    assert run.held_out.source.shape[1] == lens.max() + 7
    assert all(norm.counts_padding for norm in norms_of(run))
    assert len(norms_of(run)) > 0
    run.advance()  # the model has positions for it


def test_one_at_a_time_is_a_batch_of_one():
    norm = SequenceBatchNorm(5)
    torch.manual_seed(0)
    x, valid = torch.randn(3, 6, 5), torch.arange(6) < torch.tensor([[6], [4], [1]])
    norm.alone = True
    together = norm(x, valid)
    norm.alone, norm.momentum = False, 0.0
    for i in range(3):
        n = int(valid[i].sum())
        close(together[i : i + 1, :n].detach(), norm(x[i : i + 1, :n]).detach())


def test_outcomes_are_read_as_they_were_written(tmp_path, monkeypatch):
    monkeypatch.setattr(norm_results, "BUNDLED", tmp_path / "norms.json")
    found = [Outcome(Case(2), s, (0.5, 0.1 + s / 5), (0.5, 0.2), (0.5, 0.3), (0.4, 0.1)) for s in (0, 1)]
    norm_results.write(found, {"about": "x"})
    assert norm_results.read(tmp_path / "norms.json") == found
    mean, spread, seeds = norm_results.summary(found, Case(2), "evaluation")
    close(mean, [0.5, 0.2])
    close(spread, [0.0, np.std([0.1, 0.3], ddof=1)])
    assert seeds == 2
    (tmp_path / "norms.json").write_text("{")
    assert norm_results.read(tmp_path / "norms.json") == []


@pytest.mark.parametrize("positions", [True, False])
def test_the_pages_look_at_the_answer_that_decode_gives(positions):
    """To its last token, and without what the model was trained without."""
    run = Run(Recipe(width="32", heads="2", layers=1, batch=8, positions=positions))
    for _ in range(3):
        run.advance()
    engine = Decoder()
    for weights in (None, run.kept()):
        for text in ("abcdefghijkl", "a", "level"):
            asked_ = DecodingParams(read=text, weights=weights)
            events = engine.run(Job(asked_, lambda: engine, lambda event: None))
            answer = next(event for event in events if isinstance(event, Answer))
            seen = Collection().specimen("Reverse", text, weights)
            assert tuple(seen.task.target.tokens[i] for i in seen.target.tolist()) == answer.target
            assert seen.plain.positions == (positions or weights is None)


def test_a_model_without_positions_is_taken_apart_without_them():
    run = Run(Recipe(width="32", heads="2", layers=1, batch=8, positions=False))
    seen = answers(Engine(), LabParams(read="level", weights=run.kept()))
    twice = [i for i, token in enumerate(seen[Convolved].tokens) if token == "e"]
    close(*(seen[Convolved].hidden[0, i] for i in twice))  # the same token anywhere
    close(*(seen[Normalized].alone[0, i] for i in twice))
    assert seen[Causality].earlier[1] < RESTS


def test_gradients_of_parts_add_up():
    model, batch = small(), held_out(task("Reverse"), 6)
    whole = proofs.gradient_norms(model, *batch)
    work = proofs.gradients_in_parts(model, *batch, Switches(), 2)
    pauses = 0
    while True:
        try:
            next(work)
            pauses += 1
        except StopIteration as stop:
            norms, loss = stop.value
            break
    assert pauses == 3
    assert norms == pytest.approx(whole[0], rel=1e-4)
    assert loss == pytest.approx(whole[1], rel=1e-5)


def test_there_is_a_place_to_stop_between_all_the_work():
    """However large the model: what is done between two yields is a few passes over a few examples."""
    passes = 0

    def count(module, *_):
        nonlocal passes
        passes += isinstance(module, FeedForward)

    handle = nn.modules.module.register_module_forward_hook(count)
    try:
        engine, worst = Engine(), 0
        for _ in engine.run(Job(LabParams(lab_depth=2), lambda: engine, lambda event: None)):
            worst, passes = max(worst, passes), 0
    finally:
        handle.remove()
    assert worst <= 40  # an answer, token by token, is 2 + 10 × 2 blocks; then a pass or two
