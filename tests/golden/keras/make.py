"""Write the Keras files of this folder, and what their weights are, with the Keras at hand.

Run with TensorFlow 2.21: `python make.py`; for the files of old with TensorFlow 2.13 (Keras 2): `python make.py old`.
What is expected is taken from the models' own weights, and bfloat16 is stored as its bits.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers
FOLDER = Path(__file__).parent


def filled(model):
    """Give every variable values of its own."""
    for number, weight in enumerate(model.weights):
        values = np.arange(np.prod(weight.shape, dtype=int)).reshape(weight.shape) / 8 + number
        weight.assign(tf.cast(values, weight.dtype))
    return model


def model(dtype="bfloat16"):
    """Make a model with a shared layer, a nested model, and random numbers."""
    inputs = keras.Input((2,), name="inputs")
    shared = layers.Dense(2, name="shared")
    inner = keras.Sequential(
        [keras.Input((2,)), layers.Dense(3, name="a"), layers.Dense(2, name="b", dtype=dtype, use_bias=False)],
        name="inner",
    )
    hidden = layers.Dropout(0.5, name="dropped")(shared(shared(inputs)))
    outputs = layers.BatchNormalization(name="norm")(inner(hidden))
    return filled(keras.Model(inputs, outputs, name="net"))


def trained():
    """Make the model with an optimizer that has slots."""
    found = model()
    found.compile("adam", "mse", metrics=["mae"])
    found.fit(np.ones((2, 2), "f4"), np.ones((2, 2), "f4"), verbose=0)
    return filled(found)


def expect(name, variables):
    """Store the values of variables by their names."""
    arrays = {}
    for variable in variables:
        array = np.asarray(variable)
        key = getattr(variable, "path", variable.name)
        if array.dtype.name == "bfloat16":
            key, array = f"bfloat16 {key}", array.view(np.uint16)
        arrays[key] = array
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)


def new():
    """Write what Keras 3 writes."""
    import h5py
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
    from keras.src.saving import saving_lib

    whole = trained()
    whole.save(FOLDER / "whole.keras")
    whole.save(FOLDER / "legacy.h5")
    expect("whole", [*whole.weights, *whole.optimizer.variables])
    plain = model()
    plain.save_weights(FOLDER / "plain.weights.h5")
    with h5py.File(FOLDER / "legacy_weights.h5", "w") as file:
        save_weights_to_hdf5_group(file, plain)
    expect("plain", plain.weights)
    small = filled(
        keras.Sequential(
            [keras.Input((2,)), layers.Dense(2, name="d"), layers.BatchNormalization(name="norm")], name="small"
        )
    )
    small.save_weights(FOLDER / "sharded.weights.json", max_shard_size=24 / 2**30)
    expect("sharded", small.weights)
    with open(FOLDER / "pickled.keras", "wb") as file:
        saving_lib.save_model(small, file, weights_format="npz")


def old():
    """Write what Keras 2.13 writes."""
    whole = model("float32")
    whole.compile("sgd", "mse", metrics=["mae"])
    whole.fit(np.ones((2, 2), "f4"), np.ones((2, 2), "f4"), verbose=0)
    filled(whole)
    whole.save(FOLDER / "old.keras")
    whole.save(FOLDER / "old.h5")
    expect("old", [*whole.weights, *whole.optimizer.variables])


if __name__ == "__main__":
    old() if sys.argv[1:] == ["old"] else new()
