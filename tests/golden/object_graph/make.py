"""Write CASE.pb, the object graph of a checkpoint, and names.json: the keys and what the live object calls each.

Needs TensorFlow 2.21, Keras 3.15, and tf_keras 2.21 for Keras 2. A tensor is told by its value: every weight
gets one of its own. null: nothing live names it, as the optimizer's variables and bookkeeping.

python tests/golden/object_graph/make.py
"""

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import tf2numpy as t2n

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
NUMBERS = iter(range(10_000, 100_000))
HERE = Path(__file__).parent


def numbered(variables):
    for variable in variables:
        variable.assign(np.full(variable.shape, next(NUMBERS), "float32"))


def names(keys, read, live):
    """Find for each key the live name of the array with the same values."""
    found = {}
    for key in sorted(keys):
        value = read(key) if not key.endswith(("ITERATOR_STATE", GRAPH)) else None
        same = [name for name, array in live.items() if value is not None and np.array_equal(array, value)]
        found[key] = same[0] if same else None
    return found


def case(name, prefix, live):
    reader = tf.train.load_checkpoint(str(prefix))
    (HERE / f"{name}.pb").write_bytes(reader.get_tensor(GRAPH))
    return {name: names(reader.get_variable_to_shape_map(), reader.get_tensor, live)}


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([1.0, 2.0])
        self.same = self.w
        self._hidden = tf.Variable(3.0)
        self.parts = [tf.Variable(4), tf.Variable(5, name="named")]
        self.by_name = {"a/b": tf.Variable(6.0), "c.d": tf.Variable(b"text")}
        self.child = tf.Module()
        self.child.parent = self
        self.child.v = tf.Variable([[1, 2]], dtype=tf.bfloat16)
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.table.insert(["q"], [7])


class Sub(keras.Model):
    """Two layers whose weights Keras calls the same."""

    def __init__(self):
        super().__init__()
        self.first, self.rnn = keras.layers.Dense(2), keras.layers.GRU(3)

    def call(self, x):
        return self.rnn(self.first(x)[:, None, :])


def fitted(model, outputs):
    model.fit(np.zeros((8, 3)), np.zeros((8, outputs)), verbose=0)
    return model


def keras_3(folder):
    layers = [keras.Input((3,)), keras.layers.Dense(4, name="first"), keras.layers.BatchNormalization()]
    model = keras.Sequential([*layers, keras.layers.Dense(2)])
    model.compile("adam", "mse")
    numbered(fitted(model, 2).weights)
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f"{folder}/model")
    model.export(f"{folder}/export", verbose=False)
    live = t2n.to_numpy(model)
    yield case("keras_3", f"{folder}/model", live)
    yield case("keras_3_export", f"{folder}/export/variables/variables", live)
    sub = Sub()
    sub.compile(keras.optimizers.SGD(momentum=0.9), "mse", metrics=["mae"])
    numbered(fitted(sub, 3).weights)
    live = {"first/kernel": sub.first.kernel, "first/bias": sub.first.bias, "rnn/cell/bias": sub.rnn.cell.bias}
    live |= {f"rnn/cell/{name}": getattr(sub.rnn.cell, name) for name in ("kernel", "recurrent_kernel")}
    tf.train.Checkpoint(sub).write(f"{folder}/sub")
    yield case("keras_3_subclass", f"{folder}/sub", live)


def keras_2(folder):
    for name, adam in (("keras_2", tf_keras.optimizers.Adam()), ("keras_2_slots", tf_keras.optimizers.legacy.Adam())):
        tf_keras.backend.clear_session()
        layers = [tf_keras.layers.Dense(2, input_shape=(3,), name="first"), tf_keras.layers.BatchNormalization()]
        model = tf_keras.Sequential(layers)
        model.compile(adam, "mse", metrics=["mae"])
        numbered(fitted(model, 2).weights)
        model.save(f"{folder}/{name}", save_format="tf")
        live = {weight.name.partition(":")[0]: weight.numpy() for weight in model.weights}
        yield case(name, f"{folder}/{name}/variables/variables", live)


def modules(folder):
    iterator = iter(tf.data.Dataset.range(5))
    whole = tf.train.Checkpoint(net=Net(), step=tf.Variable(8), iterator=iterator)
    path = whole.save(f"{folder}/net")
    del whole.iterator
    yield case("module", path, {k: v for k, v in t2n.to_numpy(whole).items() if k != "save_counter"})
    v, optimizer = tf.Variable([1.0, 2.0], name="v"), tf.compat.v1.train.AdamOptimizer()
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), v)])
    path = tf.train.Checkpoint(net=tf.train.Checkpoint(v=v), opt=optimizer).write(f"{folder}/slots")
    yield case("slots_1", path, {"net/v": v.numpy()})
    path = tf.train.Checkpoint(root=tf.Variable(9, name="alone")).write(f"{folder}/root")
    yield case("root", path, {"alone": 9})


if __name__ == "__main__":
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for cases in (keras_3, keras_2, modules):
            for one in cases(folder):
                found |= one
    (HERE / "names.json").write_text(json.dumps(found, indent=1) + "\n")
