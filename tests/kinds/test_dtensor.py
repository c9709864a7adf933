import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite

# protobuf says this inside TensorFlow 2.16's DTensor layouts.
pytestmark = pytest.mark.filterwarnings("ignore:MessageFactory class is deprecated:UserWarning")


def on_mesh(tf, value, axes, spec):
    dtensor = tf.experimental.dtensor
    mesh = dtensor.create_mesh(axes, devices=["CPU:0", "CPU:1"])
    copied = dtensor.copy_to_mesh(value, dtensor.Layout.replicated(mesh, len(spec)))
    return dtensor.relayout(copied, dtensor.Layout(spec, mesh))


class TestDTensor(KindSuite):
    kind = "DTensor"
    device = "CPU:0, CPU:1"
    views = False

    def values(self, tf):
        values = tf.reshape(tf.range(24.0), [4, 6])
        return [
            on_mesh(tf, values, [("x", 2)], ["x", "unsharded"]),
            on_mesh(tf, values, [("x", 2)], ["unsharded", "x"]),
            on_mesh(tf, values, [("x", 1), ("y", 2)], ["x", "y"]),
            on_mesh(tf, values, [("x", 1), ("y", 2)], ["y", "x"]),
            on_mesh(tf, tf.range(8.0), [("x", 2), ("y", 1)], ["x"]),
        ]

    def large(self, tf):
        return on_mesh(tf, tf.random.uniform([512, 2048]), [("x", 2)], ["x", "unsharded"])

    def expected(self, tf, value):
        dtensor = tf.experimental.dtensor
        layout = dtensor.fetch_layout(value)
        return np.asarray(dtensor.relayout(value, dtensor.Layout.replicated(layout.mesh, layout.rank)).numpy())


class TestReplicatedDTensor(TestDTensor):
    device = "CPU:0"
    views = True

    def values(self, tf):
        return [
            on_mesh(tf, tf.reshape(tf.range(24.0), [4, 6]), [("x", 1), ("y", 2)], ["unsharded", "unsharded"]),
            on_mesh(tf, tf.constant(3.0), [("x", 2)], []),
        ]

    def large(self, tf):
        return on_mesh(tf, tf.random.uniform([512, 2048]), [("x", 2)], ["unsharded", "unsharded"])


class TestDVariable(TestDTensor):
    def values(self, tf):
        return [tf.experimental.dtensor.DVariable(value) for value in super().values(tf)[:2]]

    def large(self, tf):
        return tf.experimental.dtensor.DVariable(super().large(tf))

    def expected(self, tf, value):
        return super().expected(tf, value.read_value())


def test_strings_on_a_mesh(tf):
    value = on_mesh(tf, tf.constant(["a\x00", "b", "", "d"]), [("x", 2)], ["x"])
    assert t2n.to_numpy(value).tolist() == [b"a\x00", b"b", b"", b"d"]
