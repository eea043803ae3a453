"""The benchmark's machinery on tiny cases. What it measures is not judged here: a test is never timed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from app.topics import topics
from engines.detr import load_checkpoint as load_detr
from tests.benchmarks import __main__ as bench
from tests.benchmarks import engine_rows, foundation_rows, models
from tests.benchmarks.brought import modules
from tests.benchmarks.table import Measured, Row, as_data, interleaved, quantile, versus, written

TINY = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 32, "patch_size": 8,
        "intermediate_size": 40, "num_labels": 5}  # fmt: skip


@pytest.fixture(autouse=True)
def same_threads():
    """The rows set the number of threads that they speak of."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return models.make_vit(tmp_path_factory.mktemp("vit"), **TINY)


def test_works_take_turns():
    order = []
    spent = interleaved(lambda: order.append("a"), lambda: order.append("b"), repeats=3, warm_up=1)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert [len(one) for one in spent] == [3, 3]


def test_quantiles_are_values_that_were_seen():
    values = list(range(1, 101))
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99)) == (50, 99, 7)


@pytest.mark.parametrize(
    ("goal", "found", "reached", "said"),
    [
        ({"most": 25}, Measured(24.0, "ms"), True, "≤ 25 ms"),
        ({"most": 25}, Measured(26.0, "ms"), False, "≤ 25 ms"),
        ({"least": 150}, Measured(151.0, "per s"), True, "≥ 150 per s"),
        ({"least": 150}, Measured(149.0, "per s"), False, "≥ 150 per s"),
        ({"most_ratio": 0.65}, Measured(6.0, "ms", 10.0), True, "≤ 0.65 ×"),
        ({"most_ratio": 0.65}, Measured(7.0, "ms", 10.0), False, "≤ 0.65 ×"),
        ({"most_ratio": 0.65}, Measured(1.0, "ms", 10.0, sound=False), False, "≤ 0.65 ×"),
    ],
)
def test_a_row_says_what_it_reached(goal, found, reached, said):
    row = Row("one", "a thing", lambda: found, **goal)
    assert row.reached(found) is reached
    head, rule, line = written([(row, row.measure())]).splitlines()
    assert head.split() == ["what", "ours", "reference", "ratio", "reach", "reached"]
    assert set(rule) == {"-", " "}
    assert said in line
    assert line.endswith("yes" if reached else "NO")


def test_a_row_whose_means_are_lacking_says_so():
    row = Row("one", "a thing", lambda: Measured(9.0, "ms", 10.0, here=False), most_ratio=0.5)
    assert written([(row, row.measure())]).splitlines()[2].endswith("not here")


def test_figures_become_json():
    found = versus([0.001, 0.003, 0.002], [0.004], note="by hand")
    row = Row("one", "a thing", lambda: found, most_ratio=0.5)
    (data,) = json.loads(json.dumps(as_data([(row, found)])))
    assert (data["ours"], data["reference"], data["ratio"], data["reached"]) == (2.0, 4.0, 0.5, True)
    assert data["details"] == {"ours_ms": [1.0, 3.0, 2.0], "reference_ms": [4.0]}
    assert written([(row, found)]).endswith("one: by hand")


def test_every_row_has_a_name_of_its_own_and_one_goal(capsys):
    rows = bench.rows()
    assert len({row.name for row in rows}) == len(rows) >= 7
    assert all(sum(goal is not None for goal in (row.most, row.least, row.most_ratio)) == 1 for row in rows)
    assert bench.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [row.name for row in rows]
    with pytest.raises(SystemExit):
        bench.main(["nothing"])
    assert "no row 'nothing'" in capsys.readouterr().err


def test_a_chosen_row_is_printed_and_written(monkeypatch, capsys, tmp_path):
    rows = [Row(name, name, lambda: Measured(1.0, "s"), most=2) for name in ("one", "two")]
    monkeypatch.setattr(bench, "rows", lambda: rows)
    assert bench.main(["two", "--json", str(tmp_path / "bench.json")]) == 0
    figures = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert [row["row"] for row in figures["rows"]] == ["two"]
    assert figures["machine"]["torch"] == torch.__version__
    assert "two" in capsys.readouterr().out


def test_the_vit_row_compares_the_same_computation(vit):
    found = engine_rows.vit_forward(vit, repeats=1)
    assert found.sound
    assert found.ours > 0
    with torch.no_grad():
        vit.net.classifier.bias.add_(1)  # the saved model is another one now
    assert not engine_rows.vit_forward(vit, repeats=1).sound
    with torch.no_grad():
        vit.net.classifier.bias.sub_(1)


def test_the_detr_row_compares_the_same_computation(tmp_path):
    reference = models.make_detr(
        tmp_path,
        {"embedding_size": 8, "hidden_sizes": [16, 32, 48, 64], "depths": [2, 1, 3, 1], "out_features": ["stage4"]},
        d_model=32, num_queries=7, num_labels=5, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=32, decoder_ffn_dim=32,
    )  # fmt: skip
    found = engine_rows.detr_forward(reference, 64, 96, repeats=1)
    assert found.sound, found.note
    assert load_detr(tmp_path).config.num_queries == 7


def test_the_memory_row_counts_each_block_once(tmp_path):
    sharp = models.make_vit(tmp_path, **{**TINY, "image_size": 224})
    found = engine_rows.attention_memory(sharp, 224)
    tokens, heads, layers = 1 + 28**2, 3, 3
    one_layer = 4 * heads * tokens**2
    assert found.reference == pytest.approx(layers * one_layer / 1e6)
    assert one_layer / 1e6 < found.ours < 2 * one_layer / 1e6


def test_memory_behind_views_is_found():
    whole = torch.zeros(10, 10)
    part, array = whole[3:5], whole.numpy()[2:]
    assert engine_rows._block(part) == engine_rows._block(array) == engine_rows._block(whole) == (whole.data_ptr(), 400)
    own = np.zeros(8)
    assert engine_rows._block(own[2:]) == engine_rows._block(own)
    held = {name for name, _ in engine_rows._reachable(type("Holder", (), {})(), {"kept": [whole, (own,)]})}
    assert held == {""}


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_each_topic_brings_a_row(topic):
    brought = {module.__name__.split(".")[-1] for name in ("rows", "DRAGGED") for module in modules(name)}
    assert any(name.startswith(f"{topic.name}_") for name in brought), f"tests/benchmarks: no {topic.name}_rows.py"


def test_each_small_topic_is_dragged():
    found = foundation_rows.slider_work(changes=2, warm_up=1)
    assert {"attention_pooling", "scoring", "multi_head", "self_attention"} <= set(found.details)
    assert found.ours > 0
