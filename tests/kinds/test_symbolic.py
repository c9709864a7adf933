import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

keras = pytest.importorskip("keras", reason="Keras is not installed in this environment")

IN_FUNCTION = (
    "inside the tf.function {!r}; return it and convert the result outside, wrap the NumPy code in "
    "tf.numpy_function, or, to debug, tf.config.run_functions_eagerly(True)"
)
IN_DATASET = (
    "inside Dataset.{}; convert the dataset itself, to_numpy(dataset), outside, "
    "or wrap the NumPy code in tf.numpy_function there"
)
IN_KERAS_STEP = (
    "inside {!r}, the step that Keras compiled of the model; convert what predict returns, wrap the NumPy code in "
    "tf.numpy_function, or, to debug, compile(run_eagerly=True)"
)
IN_LAYER = (
    "in a Keras functional graph, inside a layer's call; convert what the built model returns, "
    "or write the layer with keras.ops"
)
IN_GRAPH = (
    "in a TensorFlow 1 graph; run it, tf.compat.v1.Session().run(tensor), "
    "or leave graph mode (no tf.Graph().as_default(), no disable_eager_execution())"
)


def refused(run, sentence):
    """Expect the error with this whole sentence; AutoGraph and Keras write around it where it was raised."""
    with pytest.raises(t2n.SymbolicTensorError) as caught:
        run()
    assert isinstance(caught.value, TypeError)
    lines = str(caught.value).replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert sentence in {line.strip().removeprefix("SymbolicTensorError: ") for line in lines}, str(caught.value)


def no_value(name, place):
    return f"{name!r} has no value yet: it stands {place}"


def not_here(what, place):
    return f"{what} cannot be read here: this code runs {place}"


@pytest.mark.parametrize("verb", [t2n.to_numpy, t2n.iter_chunks, t2n.plan])
def test_in_a_tf_function(tf, verb):
    @tf.function
    def step(x):
        return verb(x)

    refused(lambda: step(tf.constant([1.0])), no_value("x:0", IN_FUNCTION.format("step")))
    refused(lambda: step(tf.constant([1.0])), no_value("x:0", IN_FUNCTION.format("step")))


def test_the_remedies_for_a_tf_function(tf):
    @tf.function
    def step(x):
        return t2n.to_numpy(x)

    tf.config.run_functions_eagerly(True)
    try:
        assert step(tf.constant([1.0, 2.0])).tolist() == [1.0, 2.0]
    finally:
        tf.config.run_functions_eagerly(False)
    wrapped = tf.function(lambda x: tf.numpy_function(lambda a: a * 2, [x], tf.float32))
    assert t2n.to_numpy(wrapped(tf.constant([1.0]))).tolist() == [2.0]


def test_in_branches_and_loops_of_a_tf_function(tf):
    @tf.function
    def branch(x):
        if tf.reduce_sum(x) > 0:
            x = x + t2n.to_numpy(x * 2)
        return x

    @tf.function
    def loop(x):
        while tf.reduce_sum(x) < 10:
            x = x + t2n.to_numpy(x * 2)
        return x

    @tf.function
    def outer(x):
        inner = tf.function(lambda y: tf.cond(y[0] > 0, lambda: t2n.to_numpy(y + 1), lambda: y))
        return inner(x)

    one = tf.constant([1.0])
    refused(lambda: branch(one), no_value("cond/mul:0", IN_FUNCTION.format("branch")))
    refused(lambda: loop(one), no_value("while/mul:0", IN_FUNCTION.format("loop")))
    refused(lambda: outer(one), no_value("cond/add:0", IN_FUNCTION.format("outer")))


def test_other_kinds_in_a_tf_function(tf):
    variable = tf.Variable(1.0, name="weight")
    module = tf.Module()
    module.w = variable
    dataset = tf.data.Dataset.range(3)
    ragged = tf.ragged.constant([[1.0], [2.0, 3.0]])
    place = IN_FUNCTION.format("convert")

    def convert(x, make):
        t2n.to_numpy(make(x))
        return x

    for make, sentence in (
        (lambda x: variable, not_here("the variable 'weight:0'", place)),
        (lambda x: {"m": module}, "at x['m']['w']: " + not_here("the variable 'weight:0'", place)),
        (lambda x: dataset, not_here("a dataset", place)),
        (lambda x: tf.data.Dataset.range(2), not_here("a dataset", place)),
        (lambda x: tf.experimental.Optional.from_value(x), not_here("an Optional", place)),
        (lambda x: ragged * x, no_value("Mul:0", place)),
        (lambda x: [x, {"k": x}], f"at x[0]: {no_value('x:0', place)}"),
    ):
        refused(lambda make=make: tf.function(convert)(tf.constant(1.0), make), sentence)
    for make in (
        lambda x: tf.sparse.from_dense([x]),
        lambda x: tf.IndexedSlices(tf.stack([x]), tf.constant([0])),
        lambda x: tf.TensorArray(tf.float32, 1).unstack([x]),
    ):
        with pytest.raises(t2n.SymbolicTensorError, match=r"has no value yet: it stands inside the tf\.function 'conv"):
            tf.function(convert)(tf.constant(1.0), make)


def test_eager_values_inside_a_tf_function_are_converted(tf):
    values = [tf.constant([1.0, 2.0]), tf.constant(["a"]), tf.ragged.constant([[1], [2, 3]]), np.arange(2)]
    seen = []

    @tf.function
    def function():
        seen.append(t2n.to_numpy(values))
        seen.append([chunk.value for chunk in t2n.iter_chunks(values[1])])

    function()
    assert seen[0][0].tolist() == [1.0, 2.0]
    assert seen[0][1].tolist() == seen[1][0].tolist() == [b"a"]
    assert seen[0][2].to_list() == [[1], [2, 3]]


DATASETS = {
    "map": lambda d: d.map(t2n.to_numpy),
    "filter": lambda d: d.filter(lambda x: t2n.to_numpy(x) > 1),
    "flat_map": lambda d: d.flat_map(lambda x: t2n.to_numpy(x)),
    "interleave": lambda d: d.interleave(lambda x: t2n.to_numpy(x)),
    "take_while": lambda d: d.take_while(lambda x: t2n.to_numpy(x) > 1),
    "group_by_window": lambda d: d.group_by_window(lambda x: t2n.to_numpy(x), lambda k, w: w, 2),
}


@pytest.mark.parametrize("method", DATASETS)
def test_in_a_dataset_transformation(tf, method):
    refused(lambda: DATASETS[method](tf.data.Dataset.range(3)), no_value("args_0:0", IN_DATASET.format(method)))


def test_in_a_named_function_of_a_parallel_map(tf):
    def by_ten(x):
        return tf.cond(x > 0, lambda: t2n.to_numpy(x) * 10, lambda: x)

    refused(
        lambda: tf.data.Dataset.range(3).map(by_ten, num_parallel_calls=2),
        no_value("args_0:0", IN_DATASET.format("map")),
    )


def test_in_a_tensorflow_1_graph(tf):
    variable, dataset = tf.Variable(1.0, name="w"), tf.data.Dataset.range(2)
    with tf.Graph().as_default():
        with fails(t2n.SymbolicTensorError, no_value("c:0", IN_GRAPH)):
            t2n.to_numpy(tf.constant(1.0, name="c"))
        with fails(t2n.SymbolicTensorError, not_here("the variable 'w:0'", IN_GRAPH)):
            t2n.to_numpy(variable)
        with fails(t2n.SymbolicTensorError, not_here("a dataset", IN_GRAPH)):
            t2n.to_numpy(dataset)


class Converts(keras.layers.Layer):
    def call(self, x):
        t2n.to_numpy(x)
        return x


class ConvertsItsWeight(keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(3,), name="w")

    def call(self, x):
        t2n.to_numpy(self.w)
        return x


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        t2n.to_numpy(x)
        return self.dense(x)


def test_a_keras_tensor(tf):
    sentence = (
        "'pixels' has no value yet: it stands in a Keras functional graph, a KerasTensor of shape (None, 3); "
        "build the model, keras.Model(inputs, outputs), and convert what it returns for real data"
    )
    inputs = keras.Input((3,), name="pixels")
    for verb in (t2n.to_numpy, t2n.plan, t2n.iter_chunks):
        with fails(t2n.SymbolicTensorError, sentence):
            verb(inputs)
    with fails(t2n.SymbolicTensorError, f"at x['in']: {sentence}"):
        t2n.to_numpy({"in": inputs})


def test_in_a_layers_call_while_a_functional_model_is_built(tf):
    for _ in range(2):  # Keras numbers its scratch graphs
        refused(lambda: Converts()(keras.Input((3,))), no_value("Placeholder:0", IN_LAYER))
        refused(
            lambda: ConvertsItsWeight(name="scale")(keras.Input((3,))),
            not_here("the variable 'scale/w:0'", IN_LAYER),
        )
    assert Converts()(tf.constant([1.0])).numpy().tolist() == [1.0]  # outside any graph it works


@pytest.mark.parametrize("verb", ["fit", "predict"])
def test_in_fit_and_predict(tf, verb):
    model, x = Model(), np.ones((4, 3), "f4")
    model.compile(loss="mse")
    with pytest.raises(t2n.SymbolicTensorError) as caught:
        model.fit(x, x[:, :1], verbose=0) if verb == "fit" else model.predict(x, verbose=0)
    function = {"fit": "multi_step_on_iterator", "predict": "one_step_on_data_distributed"}[verb]
    assert no_value("data:0", IN_KERAS_STEP.format(function)) in str(caught.value)
    model.compile(loss="mse", run_eagerly=True)
    assert model.predict(x, verbose=0).shape == (4, 1)
