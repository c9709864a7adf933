"""`predict` gives what the model gives batch by batch, in memory or in a file, however the inputs come."""

import os

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import assert_equal, fails
from tf2numpy import _resume


@pytest.fixture
def keras(tf):
    return pytest.importorskip("keras", reason="needs Keras")


@pytest.fixture
def model(keras):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="relu")(inputs)
    hidden = keras.layers.Dropout(0.5)(hidden)  # on in training alone
    return keras.Model(inputs, {"a": keras.layers.Dense(3)(hidden), "b": [hidden]})


ROWS = np.random.default_rng(0).normal(size=(70, 5)).astype("f4")


def by_batch(model, rows, size=32):
    """Run the model the plain way."""
    found = [model(rows[i : i + size], training=False) for i in range(0, len(rows), size)]
    return {
        "a": np.concatenate([one["a"].numpy() for one in found]),
        "b": [np.concatenate([one["b"][0].numpy() for one in found])],
    }


def assert_close(found, wanted):
    assert list(found) == list(wanted)
    np.testing.assert_allclose(found["a"], wanted["a"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["b"][0], wanted["b"][0], rtol=1e-5, atol=1e-6)
    assert isinstance(found["b"], list)
    assert found["a"].dtype == np.float32


def test_a_keras_model_over_everything(tf, model, tmp_path):
    wanted = by_batch(model, ROWS)
    rows = tf.data.Dataset.from_tensor_slices(ROWS)
    targets = tf.zeros(len(ROWS))
    with t2n.open(t2n.save(ROWS, tmp_path / "in.npy")) as file:
        for data in (
            ROWS,
            tf.constant(ROWS),
            rows,
            rows.batch(7),
            rows.batch(7, drop_remainder=True),
            tf.data.Dataset.zip((rows, tf.data.Dataset.from_tensor_slices(targets))).batch(16),
            file["data"],
        ):
            assert_close(t2n.predict(model, data), wanted)
            assert_close(t2n.predict(model, data, batch_size=11), wanted)


def test_predictions_of_keras_itself(keras):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()])
    wanted = model.predict(ROWS, verbose=0)
    np.testing.assert_allclose(t2n.predict(model, ROWS), wanted, rtol=1e-5, atol=1e-6)


def test_several_inputs(tf, keras):
    left, right = keras.Input((5,), name="left"), keras.Input((2,), name="right")
    model = keras.Model({"left": left, "right": right}, keras.layers.Concatenate()([left, right]))
    inputs = {"left": ROWS, "right": ROWS[:, :2]}
    wanted = np.concatenate([ROWS, ROWS[:, :2]], 1)
    for data in (inputs, tf.data.Dataset.from_tensor_slices(inputs).batch(9)):
        assert_equal(t2n.predict(model, data), wanted)


def test_callables_of_all_sorts(tf):
    wanted = ROWS.sum(1) * 2
    for call in (
        lambda x: tf.reduce_sum(x, 1) * 2,
        tf.function(lambda x: tf.reduce_sum(x, 1) * 2),
        lambda x: np.asarray(x).sum(1) * 2,  # cannot be traced
    ):
        found = t2n.predict(call, ROWS, batch_size=8)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
        assert found.dtype == np.float32


def test_a_signature_of_a_saved_model(tf, tmp_path):
    class Doubler(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 5])])
        def __call__(self, x):
            return {"twice": 2 * x}

    module = Doubler()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.__call__)
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    for call in (loaded.signatures["serving_default"], loaded):
        assert_equal(t2n.predict(call, ROWS)["twice"], 2 * ROWS)
    assert_equal(t2n.predict(loaded.signatures["serving_default"], {"x": ROWS})["twice"], 2 * ROWS)


@pytest.mark.parametrize("batch_size", [4, 32])
def test_outputs_of_varying_size(tf, batch_size):
    """Each batch gives as many columns as its largest input says."""
    lengths = np.arange(50) % 7

    def call(x):
        return tf.ones([tf.size(x), tf.cast(tf.reduce_max(x), tf.int32)]) * tf.cast(x, tf.float32)[:, None]

    found = t2n.predict(call, lengths, batch_size=batch_size)
    assert type(found) is t2n.RaggedArray
    batches = [lengths[i : i + batch_size] for i in range(0, 50, batch_size)]
    assert found.to_list() == [[float(n)] * max(batch) for batch in batches for n in batch.tolist()]
    padded = t2n.predict(call, lengths, batch_size=batch_size, padded_shape=[6], pad_value=-1)
    assert padded.shape == (50, 6)
    assert padded.tolist() == [row + [-1.0] * (6 - len(row)) for row in found.to_list()]
    with fails(
        t2n.InvalidArgument, "a batch has outputs of shape (6,), larger than padded_shape=(5,); give a larger one"
    ):
        t2n.predict(call, lengths, batch_size=32, padded_shape=[5])
    with fails(
        t2n.InvalidArgument,
        "at output: padded_shape=(5, 5) is for outputs of 2 axes beside the batch's, and one has 1; give a size, or "
        "None, for each",
    ):
        t2n.predict(call, lengths, padded_shape=[5, 5])


def test_outputs_that_vary_where_nothing_said_so(tf):
    with fails(
        t2n.DatasetError,
        "output has shape (4, 6) here, and (None, 3) before, from which its kind was taken; give padded_shape=, or a "
        "model that TensorFlow can trace, whose outputs of varying size become ragged",
    ):
        t2n.predict(lambda x: np.zeros((len(x), int(np.asarray(x).max()))), np.arange(50) % 7, batch_size=4)


def test_ragged_outputs(tf):
    found = t2n.predict(lambda x: tf.ragged.range(x), np.arange(20) % 4, batch_size=6)
    assert found.to_list() == [list(range(i % 4)) for i in range(20)]


@pytest.mark.parametrize("suffix", [".npy", ".h5", ".zarr"])
def test_into_a_file_and_on_after_an_interruption(tf, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    path, runs = tmp_path / f"y{suffix}", []

    def call(x):
        x = np.asarray(x)
        runs.append(int(x[0, 0]))
        if len(runs) == 12:
            raise KeyboardInterrupt
        return x * 2

    rows = np.arange(200.0).reshape(100, 2)
    with pytest.raises(KeyboardInterrupt):
        t2n.predict(call, rows, path, batch_size=5, verify=True)
    assert os.listdir(tmp_path) == [f".y{suffix}.partial"]
    done = len(runs)
    assert t2n.predict(call, rows, path, batch_size=5, verify=True, resume=True) == path
    # One batch says what the outputs are, the first and the last written one are compared: the others never run again.
    assert not set(runs[done:]) & {20, 30, 40, 50, 60}
    with t2n.open(path) as file:
        assert_equal(file["data"][...], rows * 2)


def test_outputs_larger_than_max_bytes_stream(tf, tmp_path):
    path = tmp_path / "y.npy"
    t2n.predict(lambda x: tf.repeat(x, 100, axis=1), ROWS, path, max_bytes=4096, batch_size=4)
    assert_equal(np.load(path), np.repeat(ROWS, 100, axis=1))


def test_no_rows(tf):
    found = t2n.predict(lambda x: x * 2, np.zeros((0, 3), "f4"))
    assert (found.shape, found.dtype) == ((0, 3), np.float32)
    with fails(
        t2n.DatasetError,
        "there is no batch to predict, and this callable cannot be traced to say what it would give; give at least one "
        "row",
    ):
        t2n.predict(lambda x: np.asarray(x), np.zeros((0, 3), "f4"))


def test_a_model_that_fails_in_the_middle(tf):
    def call(x):
        if np.asarray(x)[0] == 20:
            raise RuntimeError("boom")
        return np.asarray(x)

    with pytest.raises(RuntimeError, match="boom") as caught:
        t2n.predict(call, np.arange(50.0), batch_size=10)
    assert caught.value.__notes__ == ["while predicting, after 1 batches"]


def test_what_cannot_be_predicted(tf, tmp_path):
    rows = np.zeros((4, 2), "f4")
    with fails(
        t2n.DatasetError, "at output: an output without a batch axis cannot be stacked; return one value for each row"
    ):
        t2n.predict(lambda x: tf.reduce_sum(x), rows)
    with fails(t2n.InvalidArgument, "the arrays of data have [4, 3] rows; give equally many of each"):
        t2n.predict(lambda x: x["a"], {"a": rows, "b": rows[:3]})
    with fails(t2n.InvalidArgument, "data must have rows: give a dataset, or arrays of at least one axis"):
        t2n.predict(lambda x: x, np.float32(3))
    with fails(t2n.InvalidArgument, "batch_size=0 is no number of rows; give 1 or more"):
        t2n.predict(lambda x: x, rows, batch_size=0)
    with fails(t2n.InvalidArgument, "resume, verify, format, compression and chunks concern a file; give a path too"):
        t2n.predict(lambda x: x, rows, resume=True)
    with fails(
        t2n.UnsupportedKind,
        "a builtins.int cannot be called; give a Keras model, a signature of a SavedModel, or a function of one batch",
    ):
        t2n.predict(3, rows)
    with pytest.raises(t2n.DatasetError, match="never ends"):
        t2n.predict(lambda x: x, tf.data.Dataset.range(3).repeat())


def test_the_result_is_preallocated_or_refused(tf, monkeypatch):
    from tf2numpy import _memory

    monkeypatch.setattr(_memory, "free_bytes", lambda: 100 << 20)
    ran = []

    def call(x):
        ran.append(1)
        return tf.zeros([tf.shape(x)[0], 1 << 20])

    with pytest.raises(t2n.HostMemoryError):
        t2n.predict(tf.function(call), np.zeros((200, 1), "f4"))
    assert len(ran) == 1  # traced, never run
