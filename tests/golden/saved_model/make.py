"""Write SavedModels, a frozen graph, and beside each MODEL.npz: what it holds, as it was put in or TensorFlow reads it.

In the .npz are the variables by the names of the live object, and under "constants/..." each Const node of the graph
and of its functions as tf.make_ndarray reads it. Needs TensorFlow 2.21 and Keras 3.15.

python tests/golden/saved_model/make.py
"""

import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import tf2numpy as t2n

HERE = Path(__file__).parent


class Net(tf.Module):
    """Variables in lists and dicts, a lookup table, constants in a function and in a branch of it."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable([1.0, 2.0])
        self.same = self.w
        self.parts = [tf.Variable(4), tf.Variable(5, name="named")]
        self.by_name = {"a/b": tf.Variable(6.0), "c.d": tf.Variable([b"text", b"\0"])}
        self.child = tf.Module()
        self.child.v = tf.Variable([[1, 2]], dtype=tf.bfloat16)
        self.mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.mutable.insert(["q"], [7])
        rows = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
        self.table = tf.lookup.StaticHashTable(rows, -1)
        self.captured = tf.constant([1.5, 2.5, 3.5])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x):
        left = tf.cond(x[0] > 0, lambda: x * [[2.0, 3.0]], lambda: x + self.captured[:2] * tf.fill([1, 2], 7.0))
        return left + self.w + tf.cast(tf.constant([[1, -2]], tf.int8), tf.float32)


def constants(graph):
    nodes = {(): graph.node} | {(function.signature.name,): function.node_def for function in graph.library.function}
    return {
        "/".join(("constants", *function, node.name)): tf.make_ndarray(node.attr["value"].tensor)
        for function, those in nodes.items()
        for node in those
        if node.op == "Const"
    }


def expected(name, variables):
    read = saved_model_pb2.SavedModel.FromString((HERE / name / "saved_model.pb").read_bytes())
    arrays = variables | constants(read.meta_graphs[0].graph_def)
    store(name, arrays)


def store(name, arrays):
    """Strings as bytes of one width beside their lengths, extended dtypes as their bits: neither needs pickle."""
    plain = {}
    for key, array in arrays.items():
        array = np.asarray(array)
        if array.dtype == object:
            plain[f"{key}|lengths"] = np.vectorize(len, otypes=[int])(array)
            array = array.astype("S")
        elif array.dtype.name == "bfloat16":
            key, array = f"{key}|bfloat16", array.view("u2")
        plain[key] = array
    np.savez_compressed(HERE / f"{name}.npz", **plain)


def module():
    net = Net()
    tf.saved_model.save(net, str(HERE / "module"))
    live = t2n.to_numpy(net)
    expected("module", {name: array for name, array in live.items() if not name.startswith("table/")})


def keras_export():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="first"), keras.layers.Dense(2)])
    model.export(str(HERE / "keras_export"), verbose=False)
    expected("keras_export", t2n.to_numpy(model))


def without_variables():
    net = tf.Module()
    net.call = tf.function(lambda x: x * [1.0, 2.0], input_signature=[tf.TensorSpec([2])])
    tf.saved_model.save(net, str(HERE / "without_variables"))
    expected("without_variables", {})


def frozen():
    """A graph with a function, a constant that is one value for all elements, and strings."""
    with tf.Graph().as_default() as graph:
        tf.constant(np.arange(6, dtype="float32").reshape(2, 3), name="weights")
        tf.constant(3.0, shape=[4, 5], name="scope/filled")
        tf.constant([b"", b"a\0"], name="names")

        @tf.function
        def inner(x):
            return x + tf.constant([10, 20])

        inner(tf.compat.v1.placeholder(tf.int32, [2], name="x"))
    made = graph.as_graph_def()
    (HERE / "frozen.pb").write_bytes(made.SerializeToString(deterministic=True))
    store("frozen", {name.removeprefix("constants/"): array for name, array in constants(made).items()})


if __name__ == "__main__":
    for make in (module, keras_export, without_variables):
        shutil.rmtree(HERE / make.__name__, ignore_errors=True)
        make()
        for unused in ("fingerprint.pb", "assets"):
            path = HERE / make.__name__ / unused
            path.unlink() if path.is_file() else path.rmdir()
    frozen()
