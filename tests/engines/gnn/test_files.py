"""Graphs from files: what is read, and what is said of faults, by line."""

from __future__ import annotations

import json
import pickle

import networkx
import numpy as np
import pytest

from engines.core.errors import LabError
from engines.gnn import files
from engines.gnn.names import is_pickle


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path):
    with pytest.raises(LabError) as caught:
        files.read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nb,c,2.5\n",
        "source,target,weight\na,b,1\nb,c,2.5\n",
        "# edges\na b\n\nb c 2.5\n",
        "a;b\nb;c;2.5",
        "a\tb\nb\tc\t2.5\n",
        "id_1,id_2\na,b\nb,c,2.5\n",
    ],
)
def test_lists_of_edges(tmp_path, text):
    graph = files.read(written(tmp_path, "g.csv", text))
    assert graph.names == ("a", "b", "c")
    assert graph.edges.T.tolist() == [[0, 1], [1, 2]]
    assert graph.weights.tolist() == [1, 2.5]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("g.csv", "a,b\nb\n", "g.csv, line 2: 1 column, where source, target"),
        ("g.csv", "a,b\n\n# x\nb,c,heavy\n", "g.csv, line 4: the weight 'heavy' is not a number."),
        ("g.csv", "a,b,-1\n", "g.csv, line 1: the weight '-1' is negative"),
        ("g.csv", "a,b,nan\n", "g.csv, line 1: the weight 'nan' is negative or not finite"),
        ("g.csv", "", "g.csv: holds no edge"),
        ("g.json", '{"nodes": [{"id": 1}],\n "links": [\n{"source": 1, "target": 2}]}', "line 3: edge 1 ends at 2"),
        ("g.json", '{"nodes": [{"id": 1},\n{"name": 2}], "links": []}', "g.json, line 2: node 2 has no id."),
        ("g.json", '{"nodes":\n[}', "g.json, line 2: not JSON."),
        ("g.json", "[1]", "g.json: JSON without the lists"),
        ("g.json", "[" * 100_000, "g.json: not a graph, but JSON that is nested too deeply."),
        ("g.graphml", "<graphml>\n<graph>\n</oops>", "g.graphml, line 3: not XML."),
        ("g.graphml", '<graphml><graph>\n<node id="a"/>\n<edge source="a" target="b"/></graph></graphml>',
         "g.graphml, line 3: an edge ends at 'b'"),
        ("g.graphml", "<graphml/>", "g.graphml: holds no graph."),
        ("g.graphml", '<!DOCTYPE g [<!ENTITY a "b">]>\n<graphml/>', "g.graphml, line 1: entities are not read."),
        ("g.csv", "a,b,1e39\n", "g.csv, line 1: the weight '1e39' is negative or not finite"),
        ("g.json", '{"nodes": [{"id": 1},\n{"id": "1"}], "links": []}', "g.json, line 2: 1 stands there twice."),
        ("g.json", '{"nodes": [{"id": "a\\\\"},\n{"no": 1}], "links": []}', "g.json, line 2: node 2 has no id."),
        ("g.json", '{"nodes": [{"id": ' + "9" * 5000 + "}]}", "g.json: holds a number of too many digits."),
        ("a.content", "1 0 1 x\n2 0 y\n", "a.content: a.cites does not lie beside it."),
    ],
)  # fmt: skip
def test_faults_are_named_by_line(tmp_path, name, text, said):
    assert said in refused(written(tmp_path, name, text))


def test_cora(tmp_path):
    written(tmp_path, "c.content", "31 0 1 Theory\n7 1 1 Cases\n9 0 0 Theory\n")
    cites = written(tmp_path, "c.cites", "31 7\n7 9\n")
    for path in (cites, tmp_path / "c.content"):
        graph = files.read(path)
        assert graph.names == ("31", "7", "9")
        assert graph.classes == ("Cases", "Theory")
        assert graph.labels.tolist() == [1, 0, 1]
        assert graph.features.tolist() == [[0, 1], [1, 1], [0, 0]]
        assert graph.edges.T.tolist() == [[1, 0], [2, 1]]  # from the one that cites
    written(tmp_path, "c.cites", "31 7\n31 8\n")
    assert refused(cites) == "c.cites, line 2: 8 is not in c.content."
    written(tmp_path, "c.content", "31 0 1 Theory\n7 1 Cases\n")
    assert "c.content, line 2: 3 columns" in refused(cites)
    written(tmp_path, "c.content", "31 0 nan Theory\n")
    assert refused(cites) == "c.content, line 1: a word is not a finite number."


def test_what_networkx_writes_is_read(tmp_path):
    made = networkx.DiGraph()
    made.add_node("a", label="x")
    made.add_edge("a", "b", weight=0.5)
    networkx.write_graphml(made, tmp_path / "g.graphml")
    (tmp_path / "g.json").write_text(json.dumps(networkx.node_link_data(made)))
    for name in ("g.graphml", "g.json"):
        graph = files.read(tmp_path / name)
        assert graph.directed
        assert graph.names == ("a", "b")
        assert graph.classes == ("x",)
        assert graph.labels.tolist() == [0, -1]
        assert graph.weights.tolist() == [0.5]


def test_lines_of_json_are_sought_for_faults_only(tmp_path, monkeypatch):
    sought = []
    monkeypatch.setattr(files, "line_of", lambda *where: sought.append(where) or 7)
    made = json.dumps(networkx.node_link_data(networkx.path_graph(50)))
    assert files.read(written(tmp_path, "g.json", made)).nodes == 50
    assert not sought
    assert "g.json, line 7: " in refused(written(tmp_path, "g.json", made.replace('"target": 1', '"target": 99', 1)))
    assert len(sought) == 1


def test_odd_ids_of_json(tmp_path):
    grid = json.dumps(networkx.node_link_data(networkx.grid_2d_graph(2, 2)))
    graph = files.read(written(tmp_path, "g.json", grid))
    assert graph.names == ("0, 0", "0, 1", "1, 0", "1, 1")
    assert graph.edges.shape == (2, 4)
    half = files.read(written(tmp_path, "h.json", '{"nodes": [{"id": "\\ud800"}], "links": []}'))
    assert half.names == ("?",)


def test_labels_that_all_differ_are_names(tmp_path):
    rows = "".join(f'<node id="n{n}"><data key="label">Node {n}</data></node>\n' for n in range(8))
    graph = files.read(written(tmp_path, "g.graphml", f"<graphml><graph>\n{rows}</graph></graphml>"))
    assert graph.names[:2] == ("Node 0", "Node 1")
    assert graph.classes == ()


def test_graphml_is_taken_at_its_elements(tmp_path):
    text = ('<?xml version="1.0" encoding="latin-1"?><graphml><graph><node id="é"/>'
            '<data key="label">of the graph</data></graph></graphml>')  # fmt: skip
    graph = files.read(written(tmp_path, "g.graphml", text))  # written as UTF-8
    assert graph.names == ("é",)
    assert graph.classes == ()


def test_pickles_are_refused_in_words(tmp_path):
    for name in ("ind.cora.allx", "graph.pkl"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps([1]))
        assert is_pickle(path)
        assert "a pickle, which may run any program" in refused(path)
    path = tmp_path / "g.csv"
    path.write_bytes(pickle.dumps(np.zeros(3)))
    assert "not a text file" in refused(path)
    path.write_bytes(b"a,b\n\xff,c\n")
    assert refused(path) == "g.csv, line 2: not UTF-8."
    assert "g.csv" in refused(tmp_path / "none" / "g.csv")


def test_too_large_graphs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("engines.gnn.building.MOST_NODES", 3)
    monkeypatch.setattr("engines.gnn.building.MOST_EDGES", 4)
    assert refused(written(tmp_path, "g.csv", "1,2\n3,4\n")) == "g.csv, line 2: more than 3 nodes."
    assert refused(written(tmp_path, "g.csv", "1,2\n" * 5)) == "g.csv, line 5: more than 4 edges."
