"""SavedModels against TensorFlow's own reading: one that others wrote, and one that TensorFlow writes now."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same
from real_files import real
from wire.messages import tensor

ONE = tensor(content=b"\0\0\x80\x3f")


@pytest.mark.real
def test_a_real_model_by_its_names():
    folder = real("saved_model/penguin_keras")
    layers = {f"dense{n}/{weight}" for n in ("", "_1", "_2") for weight in ("kernel", "bias")}
    assert set(t2n.open(folder)) == layers
    file = t2n.open(folder, slots=True)
    assert {name for name in file if name.startswith("Adam/")} == {
        *(f"Adam/{layer}/{slot}" for layer in layers for slot in "mv"),
        *(f"Adam/{name}" for name in ("iter", "beta_1", "beta_2", "decay", "learning_rate")),
    }
    assert "layer-5/kernel" in file.aliases["dense/kernel"]


@pytest.mark.real
@pytest.mark.tf
def test_a_real_model_as_tensorflow_reads_it(tf):
    from tensorflow.core.protobuf import saved_model_pb2

    folder = real("saved_model/penguin_keras")
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    file = t2n.open(folder, names="key", slots=True, constants=True)
    keys = reader.get_variable_to_shape_map()
    assert {name for name in file if not name.startswith("constants/")} == set(keys)
    for key in keys:
        value = reader.get_tensor(key)
        whole = np.asarray(file[key])
        assert whole[()] == value if isinstance(value, bytes) else np.array_equal(whole, value)
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    nodes = [("constants", node) for node in graph.node]
    nodes += [(f"constants/{f.signature.name}", node) for f in graph.library.function for node in f.node_def]
    constants = {f"{where}/{node.name}": node.attr["value"].tensor for where, node in nodes if node.op == "Const"}
    assert {name for name in file if name.startswith("constants/")} == set(constants)
    for name, proto in constants.items():
        assert_same(np.asarray(file[name]), np.asarray(tf.make_ndarray(proto)))


@pytest.mark.tf
def test_a_model_that_tensorflow_writes_now(tf, tmp_path):
    """Its names are those that to_numpy gives of the live module."""
    module = tf.Module()
    module.layers = [tf.Module(), tf.Module()]
    for n, layer in enumerate(module.layers):
        layer.w = tf.Variable(np.full((2, 3), n, "float32"))
        layer._hidden = tf.Variable(tf.cast([n, 1.5], tf.float16))
    module.call = tf.function(lambda x: x * module.layers[0].w, input_signature=[tf.TensorSpec([2, 3])])
    tf.saved_model.save(module, str(tmp_path / "model"))
    live = t2n.to_numpy(module)
    file = t2n.open(tmp_path / "model")
    assert set(file) == set(live)
    for name, array in live.items():
        assert_same(np.asarray(file[name]), array)
