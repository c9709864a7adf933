"""Tables of what TensorFlow writes are what its own parsers give, in every compression, read in every way."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same
from wire.test_records import snappy

VALUES = {
    "float": st.floats(width=32),
    "int64": st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3),
    "bytes": st.binary(max_size=12),
}
DTYPES = {"float": np.dtype("f4"), "int64": np.dtype("i8"), "bytes": np.dtype(object)}
NAMES = ["a", "b/c", "naïve é", "values", "d"]
COMPRESSIONS = ["", "GZIP", "ZLIB", "SNAPPY"]
UNHURRIED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@st.composite
def rows_of(draw, *, lists=False):
    """Give the kind of each feature, and rows: by name values, or steps of them; None where there is no kind.

    A feature is of a fixed length in all rows, or of any, and may be left out of some.
    """
    kinds = {name: draw(st.sampled_from(sorted(VALUES))) for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))}
    columns = {}
    count = draw(st.integers(1, 8))
    for name, kind in sorted(kinds.items()):
        fixed = draw(st.sampled_from([None, None, 0, 1, 3]))
        sizes = st.integers(0, 4) if fixed is None else st.just(fixed)
        one = sizes.flatmap(lambda n, kind=kind: st.lists(VALUES[kind], min_size=n, max_size=n))
        if lists:
            one = draw(st.sampled_from([st.integers(0, 3), st.just(2)])).flatmap(
                lambda n, one=one: st.lists(one, min_size=n, max_size=n)
            )
        absent = draw(st.sampled_from([False, True]))
        columns[name] = draw(st.lists((one | st.just("absent")) if absent else one, min_size=count, max_size=count))
    rows = [{name: column[row] for name, column in columns.items() if column[row] != "absent"} for row in range(count)]
    return kinds, rows


def features(tf, kinds, row):
    return tf.train.Features(feature={name: feature(tf, kinds[name], values) for name, values in row.items()})


def feature(tf, kind, values):
    if kind == "float":
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    if kind == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def steps(tf, kinds, row):
    found = {
        name: tf.train.FeatureList(feature=[feature(tf, kinds[name], one) for one in some])
        for name, some in row.items()
    }
    return tf.train.FeatureLists(feature_list=found)


def write(tf, path, messages, compression):
    """Have TensorFlow write the records; it has no writer of Snappy."""
    with tf.io.TFRecordWriter(str(path), "" if compression == "SNAPPY" else compression) as writer:
        for message in messages:
            writer.write(message.SerializeToString())
    if compression == "SNAPPY":
        path.write_bytes(snappy(path.read_bytes()))
    return path


def ragged_of(found):
    """Give a RaggedTensor or tensor as lists, by the bits of its values."""
    return [found.flat_values.numpy(), *(splits.numpy() for splits in found.nested_row_splits)]


def parts_of(found, axes):
    """Give an array or RaggedArray as what a RaggedTensor of so many ragged axes has: all of one value have an axis."""
    is_ragged = isinstance(found, t2n.RaggedArray)
    inner, splits = (found.flat_values, [*found.nested_row_splits]) if is_ragged else (found, [])
    if len(splits) + inner.ndim - 1 < axes:
        inner = inner[..., None]
    while inner.ndim > 1:
        rows, size, *rest = inner.shape
        splits.append(np.arange(rows + 1) * size)
        inner = inner.reshape(rows * size, *rest)
    return [inner, *splits]


def assert_parts(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert_same(np.asarray(one), other)


def read_in_every_way(path):
    """Read a table whole, by array, by slices and in pieces: always the same; give it whole, and what is missing."""
    with t2n.open(path) as file:
        whole = t2n.to_numpy(file)
        flat = {name: np.asarray(file[name]) for name in file}
        for name, array in flat.items():
            middle = len(array) // 2
            assert_same(np.asarray(file[name][:middle]), array[:middle])
            assert_same(np.asarray(file[name][middle:]), array[middle:])
        done = 0
        for chunk in t2n.iter_chunks(file, max_bytes="64KiB"):
            assert chunk.index[0].start == done
            done = chunk.index[0].stop
            assert chunk.value.keys() == whole.keys()
    for name, array in whole.items():
        if isinstance(array, t2n.RaggedArray):
            assert_same(flat[f"{name}/{'values/' * array.ragged_rank}"[:-1]], array.flat_values)
        else:
            assert_same(flat[name], array)
        assert done == len(array)
    return whole


@settings(max_examples=60, suppress_health_check=UNHURRIED)
@given(table=rows_of(), compression=st.sampled_from(COMPRESSIONS))
def test_examples(tf, tmp_path_factory, table, compression):
    kinds, rows = table
    messages = [tf.train.Example(features=features(tf, kinds, row)) for row in rows]
    assume(any(message.SerializeToString() for message in messages))  # of nothing but empty records nothing is known
    path = write(tf, tmp_path_factory.mktemp("t") / "x.tfrecord", messages, compression)
    found = read_in_every_way(path)
    tensors = {"float": tf.float32, "int64": tf.int64, "bytes": tf.string}
    spec = {name: tf.io.RaggedFeature(tensors[kind], row_splits_dtype=tf.int64) for name, kind in kinds.items()}
    parsed = tf.io.parse_example([message.SerializeToString() for message in messages], spec)
    for name, kind in kinds.items():
        there = [name in row for row in rows]
        if not any(there):
            assert name not in found
            continue
        column = found[name]
        assert column.dtype == DTYPES[kind]
        assert isinstance(column, t2n.RaggedArray) == (not all(there) or len({len(row[name]) for row in rows}) > 1)
        assert_parts(parts_of(column, 1), ragged_of(parsed[name]))
        if all(there):
            assert f"{name}/missing" not in found
        else:
            assert found[f"{name}/missing"].tolist() == [not one for one in there]


@settings(max_examples=60, suppress_health_check=UNHURRIED)
@given(context=rows_of(), table=rows_of(lists=True), compression=st.sampled_from(COMPRESSIONS))
def test_sequence_examples(tf, tmp_path_factory, context, table, compression):
    (context_kinds, contexts), (kinds, rows) = context, table
    contexts = [contexts[i] if i < len(contexts) else {} for i in range(len(rows))]
    messages = [
        tf.train.SequenceExample(context=features(tf, context_kinds, one), feature_lists=steps(tf, kinds, row))
        for one, row in zip(contexts, rows, strict=True)
    ]
    assume(any(row for row in rows))  # else they are Examples, as far as anyone can tell
    path = write(tf, tmp_path_factory.mktemp("t") / "x.tfrecord", messages, compression)
    found = read_in_every_way(path)
    tensors = {"float": tf.float32, "int64": tf.int64, "bytes": tf.string}
    spec = lambda kinds: {  # noqa: E731
        name: tf.io.RaggedFeature(tensors[kind], row_splits_dtype=tf.int64) for name, kind in kinds.items()
    }
    parsed_context, parsed_lists, _ = tf.io.parse_sequence_example(
        [message.SerializeToString() for message in messages], spec(context_kinds), spec(kinds)
    )
    for name in context_kinds:
        if any(name in one for one in contexts):
            assert_parts(parts_of(found[name], 1), ragged_of(parsed_context[name]))
    for name in kinds:
        there = [name in row for row in rows]
        if not any(row.get(name) for row in rows):
            continue  # no step says of which kind it is
        called = f"{name}_1" if any(name in one for one in contexts) else name
        if called not in found:  # where another feature has the name of one of its parts
            continue
        found_parts = parts_of(found[called], 2)
        assert_parts(found_parts, ragged_of(parsed_lists[name]))
        if not all(there):
            assert found[f"{called}/missing"].tolist() == [not one for one in there]


@settings(max_examples=40, suppress_health_check=UNHURRIED)
@given(table=rows_of(), compression=st.sampled_from(COMPRESSIONS), data=st.data())
def test_specifications_of_tensorflow(tf, tmp_path_factory, table, compression, data):
    """The very specifications that tf.io.parse_example takes, as schema=: dense with defaults, and of any length."""
    kinds, rows = table
    messages = [tf.train.Example(features=features(tf, kinds, row)) for row in rows]
    assume(any(message.SerializeToString() for message in messages))
    tensors = {"float": tf.float32, "int64": tf.int64, "bytes": tf.string}
    defaults = {"float": 1.5, "int64": -7, "bytes": b"none"}
    spec = {}
    for name, kind in kinds.items():
        sizes = {len(row[name]) for row in rows if row.get(name)}
        if len(sizes) == 1 and data.draw(st.booleans()):
            default = np.full([*sizes], defaults[kind], DTYPES[kind]).tolist()
            spec[name] = tf.io.FixedLenFeature(list(sizes), tensors[kind], default_value=default)
        else:
            spec[name] = data.draw(st.sampled_from([tf.io.VarLenFeature, tf.io.RaggedFeature]))(tensors[kind])
    empty = {name for name, one in spec.items() if type(one).__name__ == "FixedLenFeature"}
    assume(not any(row.get(name) == [] for row in rows for name in empty))  # TensorFlow takes these for missing
    path = write(tf, tmp_path_factory.mktemp("t") / "x.tfrecord", messages, compression)
    found = t2n.to_numpy(t2n.open(path, schema=spec))
    parsed = tf.io.parse_example([message.SerializeToString() for message in messages], spec)
    assert found.keys() == kinds.keys()
    for name, one in parsed.items():
        if isinstance(one, tf.SparseTensor):
            one = tf.RaggedTensor.from_sparse(one)
        if isinstance(one, tf.RaggedTensor):
            assert_same(found[name].flat_values, one.flat_values.numpy())
            assert found[name].row_splits.tolist() == one.row_splits.numpy().tolist()
        else:
            assert_same(found[name], one.numpy())


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_several_files_that_tensorflow_wrote(tf, tmp_path, compression):
    for number in range(3):
        rows = [{"n": [number * 10 + i], "w": [b"w"] * (i % 3)} for i in range(10)]
        kinds = {"n": "int64", "w": "bytes"}
        messages = [tf.train.Example(features=features(tf, kinds, row)) for row in rows]
        write(tf, tmp_path / f"x-{number:05}-of-00003.tfrecord", messages, compression)
    found = t2n.to_numpy(t2n.open(tmp_path / "x-*.tfrecord"))
    assert found["n"].tolist() == list(range(30))
    assert found["w"].to_list() == [[b"w"] * (i % 3) for _ in range(3) for i in range(10)]
