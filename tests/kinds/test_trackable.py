import numpy as np

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails


def make_module(tf):
    module = tf.Module(name="net")
    module.w = tf.Variable([[1.0, 2.0]], name="kernel")
    module.layers = [tf.Variable(3), {"scale": tf.Variable([4.0])}]
    module.child = tf.Module()
    module.child.b = tf.Variable(tf.cast([5, 6], tf.bfloat16))
    module.child.parent = module
    module.again = module.w
    module.name_only, module.count = "text", 7
    return module


class TestModule(KindSuite):
    kind = "module variables"

    def values(self, tf):
        return [make_module(tf), tf.train.Checkpoint(step=tf.Variable(3, dtype=tf.int64), net=make_module(tf))]

    def large(self, tf):
        module = tf.Module()
        module.v = [tf.Variable(tf.random.uniform([512, 1024])) for _ in range(2)]
        return module

    def expected(self, tf, value):
        module = value if isinstance(value, tf.Module) else value.net
        prefix = "" if module is value else "net/"
        wanted = {
            f"{prefix}w": module.w,
            f"{prefix}layers/0": module.layers[0],
            f"{prefix}layers/1/scale": module.layers[1]["scale"],
            f"{prefix}child/b": module.child.b,
        }
        wanted = {name: np.asarray(v.numpy()) for name, v in wanted.items()}
        return wanted if module is value else {"step": np.asarray(value.step.numpy()), **wanted}

    def test_equals(self, cases):
        for value, wanted in cases:
            for copy in (True, None):
                found = t2n.to_numpy(value, copy=copy)
                assert set(found) == set(wanted)
                assert_equal({name: found[name] for name in wanted}, wanted)

    def test_a_copy_is_independent_and_writable(self, cases):
        super().test_a_copy_is_independent_and_writable(ordered(cases))

    def test_none_never_gives_a_writable_alias(self, cases):
        super().test_none_never_gives_a_writable_alias(ordered(cases))

    def test_false_gives_a_read_only_view_or_says_why_not(self, cases):
        super().test_false_gives_a_read_only_view_or_says_why_not(ordered(cases))

    def test_chunks_reassemble(self, cases):
        super().test_chunks_reassemble(ordered(cases))


def ordered(cases):
    """Put what is expected in the order in which the variables are met: the nearest first, then as TensorFlow lists."""
    return [(value, {name: wanted[name] for name in t2n.plan(value).arrays}) for value, wanted in cases]


def test_the_names_are_those_of_a_checkpoint(tf, tmp_path):
    module = make_module(tf)
    path = tf.train.Checkpoint(net=module).write(str(tmp_path / "ckpt"))
    reader = tf.train.load_checkpoint(path)
    names = {n.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for n in reader.get_variable_to_shape_map()}
    found = t2n.to_numpy(tf.train.Checkpoint(net=module))
    assert set(found) <= names
    for name, array in found.items():
        assert_equal(array, np.asarray(reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")))


def test_a_saved_model(tf, tmp_path):
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable([[1.0, 2.0]])
            self.parts = [tf.Variable(3), tf.Variable(["a", "b"])]

        @tf.function(input_signature=[tf.TensorSpec([None, 1])])
        def __call__(self, x):
            return x @ self.w

    net = Net()
    tf.saved_model.save(net, str(tmp_path / "net"))
    loaded = tf.saved_model.load(str(tmp_path / "net"))
    found = t2n.to_numpy(loaded)
    assert set(found) == {"w", "parts/0", "parts/1"}
    assert_equal(found["w"], net.w.numpy())
    assert_equal(found["parts/0"], np.array(3, "i4"))
    assert found["parts/1"].tolist() == [b"a", b"b"]
    assert_equal(t2n.to_numpy(loaded(tf.constant([[2.0]]))), np.array([[2, 4]], "f4"))


def test_a_variable_shared_by_two_ways_comes_once_under_the_shortest(tf):
    module = tf.Module()
    module.deep = tf.Module()
    module.deep.v = module.z = tf.Variable(1.0)
    assert list(t2n.to_numpy(module)) == ["z"]


def test_no_variables(tf):
    module = tf.Module()
    module.self = module
    module.constant = tf.constant(1)
    with fails(
        t2n.UnsupportedKind,
        "Module holds no variables; to convert its result, call it and give to_numpy the output",
    ):
        t2n.to_numpy(module)


def test_a_variable_that_cannot_be_read_is_named(tf):
    from tensorflow.python.ops.resource_variable_ops import UninitializedVariable

    module = tf.Module()
    module.part = [UninitializedVariable(shape=[2], dtype=tf.float32, name="u")]
    with fails(
        t2n.UnsupportedKind,
        "at x['part/0']: the variable 'u:0' has no value: it is not initialised; assign to it, or run its initializer",
    ):
        t2n.to_numpy(module)
