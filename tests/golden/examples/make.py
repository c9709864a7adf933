"""Write Examples and SequenceExamples with TensorFlow, and what went into them as plain arrays. Needs TensorFlow 2.21.

python tests/golden/examples/make.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent
ROWS = 50


def feature(values):
    if values is None:
        return tf.train.Feature()
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if values and isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def features(found):
    return tf.train.Features(feature={name: feature(values) for name, values in found.items()})


def splits(rows):
    return np.cumsum([0, *map(len, rows)])


def examples():
    """Give rows of features: None has no kind, and a name that is not there is missing too."""
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        found = {
            "one": [int(rng.integers(-(2**62), 2**62))],
            "vector": [float(x) for x in rng.normal(size=3).astype(np.float32)],
            "text": [bytes(rng.integers(0, 3, int(rng.integers(0, 6)), np.uint8))],
            "ragged": [float(x) for x in range(row % 4)],
            "words": [b"w%d" % i for i in range(1 + row % 3)],
        }
        if row % 5:
            found["missing"] = [row]
        elif row % 2:
            found["missing"] = None
        yield found


def sequences():
    """Give rows of context features, and of feature lists."""
    rng = np.random.default_rng(1)
    for row in range(ROWS):
        context = {"id": [row], "some": [b"c"]} if row % 7 else {"id": [row]}
        lists = {
            "table": [[1.0 * row, 2.0], [3.0, 4.0]],
            "steps": [[int(rng.integers(100))] for _ in range(row % 4)],
            "both": [[b"x" * i for i in range(1, 2 + int(rng.integers(3)))] for _ in range(row % 3)],
        }
        yield context, lists


def flat(name, rows, dtype, missing=False):
    values = [value for row in rows for value in row or ()]
    found = {f"{name}/values": np.array(values, dtype), f"{name}/row_splits": splits([row or () for row in rows])}
    return found | ({f"{name}/missing": np.array([row is None for row in rows])} if missing else {})


def expected_examples():
    rows = list(examples())
    column = lambda name: [row.get(name) for row in rows]  # noqa: E731
    return {
        "one": np.array(column("one"))[:, 0],
        "vector": np.array(column("vector"), np.float32),
        "text": np.array([text.hex() for (text,) in column("text")]),
        **flat("ragged", column("ragged"), np.float32),
        **flat("words", [[word.hex() for word in row] for row in column("words")], str),
        **flat("missing", column("missing"), np.int64, missing=True),
    }


def expected_sequences():
    rows = list(sequences())
    both = [lists["both"] for _, lists in rows]
    steps = [step for row in both for step in row]
    some = [[one.hex() for one in context["some"]] if "some" in context else None for context, _ in rows]
    return {
        "id": np.array([context["id"][0] for context, _ in rows]),
        **flat("some", some, str, missing=True),
        "table": np.array([lists["table"] for _, lists in rows], np.float32),
        **flat("steps", [[value for (value,) in lists["steps"]] for _, lists in rows], np.int64),
        "both/row_splits": splits(both),
        "both/values/row_splits": splits(steps),
        "both/values/values": np.array([value.hex() for step in steps for value in step]),
    }


def write(name, messages):
    for compression in ("", "GZIP", "ZLIB"):
        path = FOLDER / f"{name}-{compression.lower() or 'none'}.tfrecord"
        with tf.io.TFRecordWriter(str(path), compression) as writer:
            for message in messages:
                writer.write(message.SerializeToString())


if __name__ == "__main__":
    write("examples", [tf.train.Example(features=features(found)) for found in examples()])
    write(
        "sequences",
        [
            tf.train.SequenceExample(
                context=features(context),
                feature_lists=tf.train.FeatureLists(
                    feature_list={
                        name: tf.train.FeatureList(feature=[feature(step) for step in steps])
                        for name, steps in lists.items()
                    }
                ),
            )
            for context, lists in sequences()
        ],
    )
    np.savez_compressed(FOLDER / "examples.npz", **expected_examples())
    np.savez_compressed(FOLDER / "sequences.npz", **expected_sequences())
