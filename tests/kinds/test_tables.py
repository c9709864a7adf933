"""Lookup tables held by a module, a checkpoint or a loaded SavedModel: their keys and values."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import assert_equal, fails

IN_FUNCTION = (
    "a lookup table cannot be read here: this code runs inside the tf.function 'convert'; return it and convert the "
    "result outside, wrap the NumPy code in tf.numpy_function, or, to debug, tf.config.run_functions_eagerly(True)"
)


def mutable(tf):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    table.insert(["a", "b"], [[1.0, 2.0], [3.0, 4.0]])
    return table


def static(tf):
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["x", "y"], [1, 2]), -1)


def dense(tf):
    table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, 0.0, empty_key=-1, deleted_key=-2, initial_num_buckets=8
    )
    table.insert([7, 8, 9], [0.7, 0.8, 0.9])
    table.remove(tf.constant([8], tf.int64))
    return table


def dense_vectors(tf):
    table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, [0.0, 0.0, 0.0], empty_key=[-1, -1], deleted_key=[-2, -2], initial_num_buckets=8
    )
    table.insert([[1, 2], [-1, 2], [3, 4]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    table.remove(tf.constant([[3, 4]], tf.int64))
    return table


def vocabulary(tf):
    words = tf.lookup.KeyValueTensorInitializer([5, 6], [0, 1], tf.int64, tf.int64)
    return tf.lookup.StaticVocabularyTable(words, 2, lookup_key_dtype=tf.int32)


# name -> how to make the table, the dtypes of its keys and values, its entries
TABLES = {
    "mutable": (mutable, ("O", "f4"), {b"a": [1.0, 2.0], b"b": [3.0, 4.0]}),
    "static": (static, ("O", "i4"), {b"x": 1, b"y": 2}),
    "dense": (dense, ("i8", "f4"), {7: 0.7, 9: 0.9}),
    "dense_vectors": (dense_vectors, ("i8", "f4"), {(1, 2): [1.0, 2.0, 3.0], (-1, 2): [4.0, 5.0, 6.0]}),
    "vocabulary": (vocabulary, ("i8", "i8"), {5: 0, 6: 1}),
}


def holding(tf, **parts):
    module = tf.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def check(arrays, path, dtypes, entries):
    """Compare a table with its entries; TensorFlow gives them in no order of their own."""
    keys, values = arrays[f"{path}/keys"], arrays[f"{path}/values"]
    places = [tuple(key) if isinstance(key, list) else key for key in keys.tolist()]
    order = [places.index(key) for key in entries]
    assert len(places) == len(entries)
    assert_equal(keys[order], np.array(list(entries), dtypes[0]))
    assert_equal(values[order], np.array(list(entries.values()), dtypes[1]))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_gives_its_keys_and_values(tf, name):
    make, dtypes, entries = TABLES[name]
    for module in (holding(tf, part=[make(tf)]), tf.train.Checkpoint(part=holding(tf, **{"0": make(tf)}))):
        found = t2n.to_numpy(module)
        assert set(found) == {"part/0/keys", "part/0/values"}
        check(found, "part/0", dtypes, entries)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_a_loaded_saved_model(tf, tmp_path, name):
    make, dtypes, entries = TABLES[name]
    tf.saved_model.save(holding(tf, table=make(tf), w=tf.Variable(1.0)), str(tmp_path))
    found = t2n.to_numpy(tf.saved_model.load(str(tmp_path)))
    assert set(found) == {"w", "table/keys", "table/values"}
    check(found, "table", dtypes, entries)


def test_a_table_from_a_text_file(tf, tmp_path):
    (tmp_path / "words").write_text("alpha\nbeta\n")
    lines = tf.lookup.TextFileInitializer(
        str(tmp_path / "words"),
        *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
    )
    module = holding(tf, words=tf.lookup.StaticHashTable(lines, -1), ids=tf.lookup.StaticVocabularyTable(lines, 3))
    found = t2n.to_numpy(module)
    assert set(found) == {"words/keys", "words/values", "ids/keys", "ids/values"}
    for path in ("words", "ids"):
        check(found, path, ("O", "i8"), {b"alpha": 0, b"beta": 1})


def test_tables_without_entries(tf):
    empty = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    unfilled = tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, 0, "", "$", initial_num_buckets=8)
    buckets = tf.lookup.StaticVocabularyTable(None, 2)  # it hashes every word: there is no array in it
    found = t2n.to_numpy(holding(tf, empty=empty, unfilled=unfilled, buckets=buckets))
    assert set(found) == {"empty/keys", "empty/values", "unfilled/keys", "unfilled/values"}
    assert_equal(found["empty/keys"], np.empty(0, object))
    assert_equal(found["empty/values"], np.empty((0, 2), "f4"))
    assert_equal(found["unfilled/keys"], np.empty(0, object))
    assert_equal(found["unfilled/values"], np.empty(0, "i8"))


def test_a_table_given_alone(tf):
    found = t2n.to_numpy(static(tf))
    assert list(found) == ["keys", "values"]
    assert dict(zip(found["keys"].tolist(), found["values"].tolist(), strict=True)) == {b"x": 1, b"y": 2}
    assert t2n.plan(static(tf)).kind == "lookup table"


def test_the_result_is_a_snapshot_and_independent(tf):
    table = mutable(tf)
    module = holding(tf, table=table)
    before = t2n.to_numpy(module, copy=None)
    copy = t2n.to_numpy(module)
    copy["table/values"][...] = 0
    table.insert(["a"], [[9.0, 9.0]])
    check(before, "table", *TABLES["mutable"][1:])
    check(t2n.to_numpy(module), "table", ("O", "f4"), {b"a": [9.0, 9.0], b"b": [3.0, 4.0]})


def test_a_shared_table_comes_once(tf):
    table = static(tf)
    module = holding(tf, part=holding(tf, z=table), a=table)
    assert set(t2n.to_numpy(module)) == {"a/keys", "a/values"}


def test_a_cast_concerns_the_values_and_not_the_keys(tf):
    module = holding(tf, dense=dense(tf), static=static(tf))
    found = t2n.to_numpy(module, dtype="float16")
    assert found["dense/keys"].dtype == "i8"
    assert found["dense/values"].dtype == found["static/values"].dtype == "f2"
    found = t2n.to_numpy(module, dtype=str)
    assert sorted(found["static/keys"].tolist()) == ["x", "y"]


def test_save_and_plan_and_chunks(tf, tmp_path):
    h5py = pytest.importorskip("h5py")
    module = holding(tf, dense=dense(tf), static=static(tf))
    names = {"dense/keys", "dense/values", "static/keys", "static/values"}
    assert set(t2n.plan(module).arrays) == names
    assert {chunk.name for chunk in t2n.iter_chunks(module)} == names
    with h5py.File(t2n.save(module, tmp_path / "x.h5")) as file:
        stored = {key: file[key][()] for key in ("dense/keys", "dense/values")}
    check(stored, "dense", *TABLES["dense"][1:])


def test_a_keras_vocabulary_in_a_module(tf):
    keras = pytest.importorskip("keras")
    found = t2n.to_numpy(holding(tf, lookup=keras.layers.StringLookup(vocabulary=["cat", "dog"])))
    check(found, "lookup/lookup_table", ("O", "i8"), {b"cat": 1, b"dog": 2})


def test_inside_a_tf_function(tf):
    @tf.function(autograph=False)
    def convert(module):
        t2n.to_numpy(module)

    module = holding(tf, table=static(tf))
    with fails(t2n.SymbolicTensorError, f"at x['table']: {IN_FUNCTION}"):
        convert(module)


# Tables that cannot be read


def test_a_table_that_is_gone(tf):
    table = static(tf)
    tf.raw_ops.DestroyResourceOp(resource=table.resource_handle)
    with pytest.raises(t2n.UnsupportedKind) as caught:
        t2n.to_numpy(holding(tf, part=[table]))
    why = str(caught.value.__cause__.message)
    assert "does not exist" in why
    assert str(caught.value) == (
        f"at x['part/0']: this lookup table, a StaticHashTable, cannot be exported: {why}; "
        "convert the other parts of x one by one"
    )


def test_a_table_that_tensorflow_cannot_export(tf):
    from tensorflow.python.ops.lookup_ops import LookupInterface

    class Own(LookupInterface):
        pass

    sentence = (
        "at x['part/0']: this lookup table, a Own, cannot be exported: TensorFlow gives it no export(); "
        "convert the other parts of x one by one"
    )
    with fails(t2n.UnsupportedKind, sentence):
        t2n.to_numpy(holding(tf, part=[Own(tf.string, tf.int64)], w=tf.Variable(1.0)))
