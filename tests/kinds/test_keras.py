import functools

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails

keras = pytest.importorskip("keras", reason="Keras is not installed in this environment")


def built_model():
    inputs = keras.Input((4,), name="inputs")
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    hidden = keras.layers.BatchNormalization(name="norm")(hidden)
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(hidden), name="net")


@functools.cache
def fitted_model():
    model = built_model()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    model.fit(np.ones((8, 4), "f4"), np.ones((8, 2), "f4"), epochs=1, verbose=0)
    return model


class TestModelsAndLayers(KindSuite):
    kind = "Keras weights"

    def values(self, tf):
        lstm = keras.layers.LSTM(2, name="lstm")
        lstm.build((None, 3, 4))
        embedding = keras.layers.Embedding(5, 2, dtype="bfloat16", name="embedding")
        embedding.build()
        return [built_model(), fitted_model(), lstm, embedding]

    def large(self, tf):
        dense = keras.layers.Dense(1024, name="dense")
        dense.build((None, 1024))
        return dense

    def expected(self, tf, value):
        return {weight.path: np.asarray(weight.numpy()) for weight in value.weights}


class TestOptimizersAndMetrics(TestModelsAndLayers):
    kind = "Keras variables"

    def values(self, tf):
        metric = keras.metrics.MeanSquaredError(name="mse")
        metric.update_state([1.0, 2.0], [1.5, 2.0])
        return [fitted_model().optimizer, metric]

    def large(self, tf):
        dense = super().large(tf)
        optimizer = keras.optimizers.SGD(momentum=0.9)
        optimizer.build(dense.trainable_variables)
        return optimizer

    def expected(self, tf, value):
        return {variable.path: np.asarray(variable.numpy()) for variable in value.variables}


class TestKerasVariable(KindSuite):
    kind = "variable"

    def values(self, tf):
        return [keras.Variable([[1.0, 2.0]], name="v"), keras.Variable(3, dtype="int32"), fitted_model().weights[0]]

    def large(self, tf):
        return keras.Variable(np.ones((1024, 1024), "f4"))

    def expected(self, tf, value):
        return np.asarray(value.numpy())


def test_a_model_goes_through_its_weights(tf):
    model = fitted_model()
    found = t2n.to_numpy(model)
    assert list(found) == [
        *("hidden/kernel", "hidden/bias", "norm/gamma", "norm/beta"),
        *("norm/moving_mean", "norm/moving_variance", "head/kernel", "head/bias"),
    ]
    for array, wanted in zip(found.values(), model.get_weights(), strict=True):
        assert_equal(array, wanted)
    other = built_model()
    other.set_weights(list(found.values()))
    assert_equal(other.predict(np.ones((2, 4)), verbose=0), model.predict(np.ones((2, 4)), verbose=0))


def test_a_snapshot(tf):
    model = built_model()
    before = [w.copy() for w in model.get_weights()]
    view = t2n.to_numpy(model, copy=False)
    for weight in model.weights:
        weight.assign(weight + 1)
    for array, wanted in zip(view.values(), before, strict=True):
        assert_equal(array, wanted)


def test_paths_met_twice_are_numbered(tf):
    layers = [keras.layers.Dense(1, name="same") for _ in range(3)]
    for number, layer in enumerate(layers):
        layer.build((None, 2))
        layer.bias.assign([number])

    class Holder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = layers
            self.built = True

    found = t2n.to_numpy(Holder())
    assert list(found) == ["same/kernel", "same/bias", "same/kernel_1", "same/bias_1", "same/kernel_2", "same/bias_2"]
    assert [found[f"same/bias{end}"].tolist() for end in ("", "_1", "_2")] == [[0.0], [1.0], [2.0]]


def test_a_shared_layer_comes_once(tf):
    shared = keras.layers.Dense(3, name="shared")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, shared(shared(inputs)))
    assert list(t2n.to_numpy(model)) == ["shared/kernel", "shared/bias"]
    assert_equal(t2n.to_numpy([model, shared])[1], t2n.to_numpy(shared))


def test_what_was_never_built(tf):
    remedy = "has no weights yet: it is not built; call it on data once, or build it with the input shape"
    with fails(t2n.UnsupportedKind, f"Dense 'late' {remedy}"):
        t2n.to_numpy(keras.layers.Dense(3, name="late"))
    with fails(t2n.UnsupportedKind, f"at x[0]: Sequential 'seq' {remedy}"):
        t2n.plan([keras.Sequential([keras.layers.Dense(3)], name="seq")])


def test_layers_without_weights(tf):
    layer = keras.layers.ReLU()
    layer(tf.constant([1.0]))
    assert t2n.to_numpy(layer) == {}
    assert t2n.plan(layer).kind == "Keras weights"


def test_casts(tf):
    found = t2n.to_numpy(built_model(), dtype="bfloat16")
    assert {str(array.dtype) for array in found.values()} == {"bfloat16"}


@pytest.mark.parametrize("verb", ["summary", "predict"])
def test_the_model_still_works(tf, verb):
    model = built_model()
    for array in t2n.to_numpy(model).values():
        array.fill(0)
    assert np.abs(model.get_weights()[0]).max() > 0
    if verb == "predict":
        assert model.predict(np.ones((1, 4)), verbose=0).shape == (1, 2)
