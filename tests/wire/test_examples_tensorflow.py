"""What TensorFlow writes and parses is what comes out here: through files, and in the shapes of its own parsers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy.wire.examples import Decoder, is_example, is_sequence_example
from tf2numpy.wire.records import blocks

from .test_examples_reference import joined, values_of

FLOATS = st.lists(st.floats(width=32, allow_nan=False), max_size=5)
INTS = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300), max_size=20)
STRINGS = st.lists(st.binary(max_size=20), max_size=3)
FIXED = st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3)
ROWS = st.lists(
    st.tuples(FIXED, st.none() | FLOATS, st.none() | INTS, st.none() | STRINGS, st.lists(INTS, max_size=3)),
    min_size=1,
    max_size=8,
)


def features_of(tf, row):
    """The Features of a row; None is left out."""
    fixed, floats, ints, strings, _ = row
    found = {"fixed": tf.train.Feature(float_list=tf.train.FloatList(value=fixed))}
    if floats is not None:
        found["float"] = tf.train.Feature(float_list=tf.train.FloatList(value=floats))
    if ints is not None:
        found["int64"] = tf.train.Feature(int64_list=tf.train.Int64List(value=ints))
    if strings is not None:
        found["bytes"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=strings))
    return tf.train.Features(feature=found)


def decoded(contents, **options):
    decoder = Decoder(**options)
    decoder.decode(*joined(contents))
    return decoder.take()


def assert_ragged(column, expected):
    """Hold a column to a RaggedTensor of the same rows."""
    lengths = column.of_rows(column.lengths)
    assert np.array_equal(np.cumsum([0, *lengths]), expected.row_splits.numpy())
    values = expected.flat_values.numpy()
    if column.kind == "bytes":
        assert values_of(column, 0, len(values)) == values.tolist()
    elif column.kind is not None:
        assert np.array_equal(column.values, values)


@settings(max_examples=40)
@given(rows=ROWS)
def test_what_tensorflow_parses(tf, rows):
    contents = [tf.train.Example(features=features_of(tf, row)).SerializeToString() for row in rows]
    columns = decoded(contents, select=[b"fixed", b"float", b"int64", b"bytes"]).features
    ragged = {"float": tf.float32, "int64": tf.int64, "bytes": tf.string}
    specs = {name: tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64) for name, dtype in ragged.items()}
    parsed = tf.io.parse_example(contents, specs | {"fixed": tf.io.FixedLenFeature([3], tf.float32)})
    assert columns[b"fixed"].fixed == 3
    assert np.array_equal(columns[b"fixed"].values.reshape(-1, 3), parsed["fixed"].numpy())
    for name in ragged:
        assert_ragged(columns[name.encode()], parsed[name])
    assert all(map(is_example, contents))
    missing = np.array([[one is None for one in row] for row in rows])
    for at, name in ((1, b"float"), (2, b"int64"), (3, b"bytes")):
        assert np.array_equal(columns[name].missing(), missing[:, at])


@settings(max_examples=40)
@given(rows=ROWS)
def test_what_tensorflow_parses_of_sequences(tf, rows):
    contents = []
    for row in rows:
        steps = [tf.train.Feature(int64_list=tf.train.Int64List(value=one)) for one in row[4]]
        lists = tf.train.FeatureLists(feature_list={"steps": tf.train.FeatureList(feature=steps)})
        message = tf.train.SequenceExample(context=features_of(tf, row), feature_lists=lists)
        contents.append(message.SerializeToString())
    columns = decoded(contents, sequence=True, select=[b"int64"], lists={b"steps": "int64"})
    spec = tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    context, lists, _ = tf.io.parse_sequence_example(contents, {"int64": spec}, {"steps": spec})
    assert_ragged(columns.features[b"int64"], context["int64"])
    steps = columns.lists[b"steps"]
    assert steps.missing().sum() == 0
    assert np.array_equal(np.cumsum([0, *steps.of_rows(steps.steps)]), lists["steps"].row_splits.numpy())
    lengths = np.broadcast_to(steps.lengths, sum(len(row[4]) for row in rows))
    assert np.array_equal(np.cumsum([0, *lengths]), lists["steps"].values.row_splits.numpy())
    assert np.array_equal(steps.values, lists["steps"].flat_values.numpy())
    assert all(map(is_sequence_example, contents))


def test_files_that_tensorflow_writes(tf, tmp_path):
    rng = np.random.default_rng(0)
    matrix, numbers = rng.random((5000, 16), np.float32), rng.integers(-(2**63), 2**63 - 1, 5000)
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        for row, number in zip(matrix, numbers.tolist(), strict=True):
            features = {
                "row": tf.train.Feature(float_list=tf.train.FloatList(value=row)),
                "number": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    data = np.fromfile(tmp_path / "a", np.uint8)
    decoder = Decoder()
    for block in blocks(lambda start, stop: data[start:stop], data.size):
        block.check()
        decoder.decode(block.data, block.starts, block.stops, block.numbers)
    columns = decoder.take().features
    assert np.array_equal(columns[b"row"].values.reshape(-1, columns[b"row"].fixed), matrix)
    assert np.array_equal(columns[b"number"].values, numbers)
    assert columns[b"number"].fixed == 1
