"""Write checkpoints of every sort with TensorFlow 2.21, and what was saved in them, by NumPy and JSON alone.

python tests/golden/checkpoint/make.py

expected.npz: "<checkpoint>|<key>|<dtype>" -> the values, of dtypes that NumPy lacks their bits; strings are in
expected.json, in hexadecimal.
"""

import json
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
V1 = tf.compat.v1
PLAIN = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "uint16"]
PLAIN += ["complex128", "float16", "uint32", "uint64"]
EXTENDED = ["bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4"]
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
numbers, strings = {}, {}


def sample(dtype, shape):
    """Values that differ, the extreme ones of the dtype among them."""
    rng = np.random.default_rng(sum(map(ord, dtype)) + sum(shape))
    if dtype in EXTENDED:
        bits = rng.integers(0, 100, shape).astype("uint16" if dtype == "bfloat16" else "uint8")
        return (bits % 16 if dtype.endswith("int4") else bits).view(getattr(ml_dtypes, dtype))
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("complex"):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    if dtype.startswith("float"):
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def texts(shape):
    rng = np.random.default_rng(7)
    values = np.empty(shape, object)
    for index in np.ndindex(shape):
        values[index] = rng.bytes(int(rng.integers(0, 20))) + b"\0" * int(rng.integers(0, 2))
    return values


def expect(checkpoint, key, values):
    if values.dtype == object:
        strings.setdefault(checkpoint, {})[key] = [list(values.shape), [text.hex() for text in values.flat]]
        return values
    name = values.dtype.name
    bits = values.view("uint16" if name == "bfloat16" else "uint8") if name in EXTENDED else values
    numbers[f"{checkpoint}|{key}|{name}"] = bits
    return values


def of_objects():
    """Checkpoint.save, twice, with every dtype; the second differs in one value."""
    variables = {}
    for dtype in PLAIN + EXTENDED:
        variables[dtype] = tf.Variable(expect("objects", f"{dtype}{VALUE}", sample(dtype, (3, 2))))
    variables["string"] = tf.Variable(expect("objects", f"string{VALUE}", texts((2, 3))), dtype=tf.string)
    variables["scalar"] = tf.Variable(expect("objects", f"scalar{VALUE}", np.array(-1.5, np.float32)))
    variables["empty"] = tf.Variable(expect("objects", f"empty{VALUE}", np.zeros((0, 3), np.int16)))
    no_texts = expect("objects", f"no_strings{VALUE}", np.empty((0,), object))
    variables["no_strings"] = tf.Variable(no_texts, dtype=tf.string, shape=[0])
    variables["a.b/c"] = tf.Variable(expect("objects", f"a..b.Sc{VALUE}", np.arange(3)))
    iterator = iter(tf.data.Dataset.range(5))
    next(iterator)
    made = tf.train.Checkpoint(**variables, iterator=iterator)
    made.save(HERE / "objects" / "ck")
    variables["scalar"].assign(2.5)
    made.save(HERE / "objects" / "ck")


def in_shards():
    """One variable of each dtype cut over data files, some of which TensorFlow itself cannot read back."""
    variables = {}
    for dtype in (*PLAIN, "bfloat16"):
        variables[dtype] = tf.Variable(expect("shards", f"{dtype}{VALUE}", sample(dtype, (10, 3))))
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=100)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    tf.train.Checkpoint(**variables).write(HERE / "shards" / "ck", options=options)


def of_names(version, folder):
    """A Saver of TensorFlow 1, with partitioned variables."""
    with tf.Graph().as_default(), V1.Session() as session:
        values = {"w": sample("float32", (5, 4)), "n": np.arange(3, dtype=np.int64), "flag": np.array(True)}
        values |= {"c": sample("complex64", (2,)), "u": sample("uint8", (3,)), "half": sample("float16", (4,))}
        values |= {"text": texts((3,))}
        for name, value in values.items():
            V1.get_variable(name, initializer=tf.constant(value, tf.string if value.dtype == object else None))
        V1.get_variable("w/Adam", initializer=tf.zeros([5, 4]))
        rows, columns = sample("float32", (7, 3)), sample("float64", (3, 9))
        parts = V1.fixed_size_partitioner
        V1.get_variable("rows", shape=(7, 3), initializer=rows_of(rows), partitioner=parts(3))
        V1.get_variable(
            "columns", shape=(3, 9), dtype=tf.float64, initializer=rows_of(columns), partitioner=parts(2, axis=1)
        )
        session.run(V1.global_variables_initializer())
        V1.train.Saver(write_version=version).save(session, str(HERE / folder / "model.ckpt"), global_step=3)
        for name, value in {**values, "rows": rows, "columns": columns, "w/Adam": np.zeros((5, 4), "f4")}.items():
            expect(folder, name, value)


def rows_of(whole):
    """Initialise each part of a partitioned variable with its part of these values."""

    def initializer(shape, dtype=None, partition_info=None):
        offset = partition_info.var_offset
        return tf.constant(whole[tuple(slice(o, o + n) for o, n in zip(offset, shape, strict=True))], dtype)

    return initializer


def of_keras():
    """A model that was compiled and trained, with the slots of its optimizer."""
    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(3, name="head")])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    tf.train.Checkpoint(model=model).save(HERE / "keras" / "ck")
    for variable in model.weights:
        expect("keras", variable.path, variable.numpy())


if __name__ == "__main__":
    for folder in ("objects", "shards", "names_v1", "names_v2", "keras"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    of_objects()
    in_shards()
    of_names(V1.train.SaverDef.V1, "names_v1")
    of_names(V1.train.SaverDef.V2, "names_v2")
    of_keras()
    for meta in HERE.glob("*/*.meta"):
        meta.unlink()
    for state in HERE.glob("names_*/checkpoint"):  # where a Saver was told an absolute path, it writes one
        state.write_text(state.read_text().replace(str(HERE), "/home/someone"))
    np.savez_compressed(HERE / "expected.npz", **numbers)
    (HERE / "expected.json").write_text(json.dumps(strings, indent=1) + "\n")
