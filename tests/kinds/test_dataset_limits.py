"""Datasets that are refused, that break, or that say a wrong number of rows; out=, dtype=, pieces, and the price."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy.kinds import _batching

ROWS = np.arange(20, dtype=np.float32).reshape(10, 2)


@pytest.fixture
def rows(tf):
    return tf.data.Dataset.from_tensor_slices(ROWS)


def message_of(error, call, *args, **options):
    with pytest.raises(error) as caught:
        call(*args, **options)
    return str(caught.value)


REFUSED = {
    "nested": (
        lambda d, tf: d.window(2),
        "at element: elements that are datasets themselves (window, group_by_window) cannot be stacked; flatten them "
        "first: dataset.flat_map(lambda w: w.batch(n, drop_remainder=True))",
    ),
    "infinite": (
        lambda d, tf: d.repeat(),
        "the dataset never ends; take what you want of it first, dataset.take(n), or leave out repeat()",
    ),
    "infinite batches": (
        lambda d, tf: d.repeat().batch(2).map(lambda rows: rows),
        "the dataset never ends; take what you want of it first, dataset.take(n), or leave out repeat()",
    ),
    "unknown rank": (
        lambda d, tf: tf.data.Dataset.from_generator(lambda: iter([1]), output_types={"a": tf.int32, "b": tf.int32}),
        "at element['a']: elements of unknown rank cannot be stacked; say their shape, with None for an axis that "
        "varies: dataset.map(lambda x: tf.ensure_shape(x, [None, None, 3]))",
    ),
    "variant": (
        lambda d, tf: d.map(lambda row: {"a": (row, tf.raw_ops.OptionalNone())}),
        "at element['a'][1]: elements of variant are handles, not arrays; map them to tensors first",
    ),
    "Optional": (
        lambda d, tf: d.map(tf.experimental.Optional.from_value),
        "at element: elements of OptionalSpec cannot be stacked; map them to tensors first",
    ),
    "ragged beside an unknown axis": (
        lambda d, tf: tf.data.Dataset.from_generator(
            lambda: iter([]), output_signature=tf.RaggedTensorSpec([None, None, None], tf.int32, ragged_rank=1)
        ),
        "at element: ragged elements of shape (None, None, None, None) have an inner axis of unknown size, which is "
        "not ragged; set its size, or make the elements ragged along it",
    ),
    "two of one name": (
        lambda d, tf: d.map(lambda row: {"a/b": row, "a": {"b": row}}),
        "two arrays of the elements would have the name 'a/b'; rename one of the keys",
    ),
    "a part of that name": (
        lambda d, tf: tf.data.Dataset.from_tensor_slices({"a": tf.ragged.constant([[1]]), "a/values": [1]}),
        "two arrays of the elements would have the name 'a/values'; rename one of the keys",
    ),
}


@pytest.mark.parametrize("verb", [t2n.to_numpy, t2n.plan, lambda x: list(t2n.iter_chunks(x))])
@pytest.mark.parametrize(("make", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stacked_is_refused(tf, rows, make, expected, verb):
    assert message_of(t2n.DatasetError, verb, make(rows, tf)) == expected


def test_a_view_is_refused(rows):
    assert message_of(t2n.CopyRequired, t2n.to_numpy, rows, copy=False) == (
        "copy=False allows only a view, and the rows of a dataset come one after the other; pass copy=None or copy=True"
    )
    assert t2n.to_numpy(rows, copy=None).tolist() == ROWS.tolist()


def test_a_dataset_inside_a_graph_is_refused(tf, rows):
    @tf.function(autograph=False)
    def step():
        t2n.to_numpy(rows)

    assert message_of(t2n.SymbolicTensorError, step) == (
        "a dataset cannot be read here: this code runs inside the tf.function 'step'; return it and convert the result "
        "outside, wrap the NumPy code in tf.numpy_function, or, to debug, tf.config.run_functions_eagerly(True)"
    )


def failing_at(tf, number):
    def check(i):
        with tf.control_dependencies([tf.debugging.Assert(tf.not_equal(i, number), ["boom"])]):
            return tf.identity(i)

    return tf.data.Dataset.range(100).map(check)


@pytest.mark.parametrize(("number", "done"), [(77, 64), (3, 0)])
def test_an_error_in_the_middle_names_the_rows_read(tf, monkeypatch, number, done):
    monkeypatch.setattr("tf2numpy._fetch.BLOCK_BYTES", 64 * 8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="boom") as caught:
        t2n.to_numpy(failing_at(tf, number))
    assert caught.value.__notes__ == [f"while reading the dataset, after {done} rows"]
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        t2n.to_numpy({"a": [failing_at(tf, number).batch(64)]})
    assert caught.value.__notes__ == [f"while reading the dataset, after {done} rows", "at x['a'][0]"]


def fewer(tf):
    return tf.data.Dataset.range(10).batch(5).map(lambda rows: rows[:3]), [0, 1, 2, 5, 6, 7]


def more(tf):
    return tf.data.Dataset.range(4).batch(2).map(lambda rows: tf.repeat(rows, 3)), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def none(tf):
    return tf.data.Dataset.range(4).batch(2).map(lambda rows: rows[:0]), []


def dropped(tf):
    return failing_at(tf, 7).take(9).ignore_errors(), [0, 1, 2, 3, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("make", [fewer, more, none, dropped])
def test_a_wrong_number_of_rows_is_survived_in_memory(tf, make):
    dataset, expected = make(tf)
    assert t2n.to_numpy(dataset).tolist() == expected
    assert [row for chunk in t2n.iter_chunks(dataset) for row in chunk.value.tolist()] == expected


@pytest.mark.parametrize("suffix", [".npy", ".h5"])
@pytest.mark.parametrize(
    ("make", "warning"),
    [
        (fewer, "the dataset said it had 10 rows and gave 6; reading it again without relying on that number"),
        (more, "the dataset said it had 4 rows and gave more; reading it again without relying on that number"),
        (none, "the dataset said it had 4 rows and gave 0; reading it again without relying on that number"),
    ],
)
def test_a_wrong_number_of_rows_is_survived_in_a_file(tf, tmp_path, make, warning, suffix):
    dataset, expected = make(tf)
    with pytest.warns(UserWarning, match="rows") as caught:
        path = t2n.save(dataset, tmp_path / f"rows{suffix}")
    assert [(str(w.message), w.filename) for w in caught] == [(warning, __file__)]
    assert os.listdir(tmp_path) == [path.name]
    if suffix == ".npy":
        assert np.load(path).tolist() == expected
    else:
        with h5py.File(path) as file:
            assert file["data"][()].tolist() == expected


def test_a_wrong_number_of_ragged_rows_is_told_in_rows(tf, tmp_path):
    ragged = tf.ragged.constant([[1], [2, 3], [], [4]])
    dataset = tf.data.Dataset.from_tensor_slices(ragged).batch(2).map(lambda rows: rows[:1])
    with pytest.warns(UserWarning, match="rows") as caught:
        path = t2n.save({"x": dataset}, tmp_path / "rows.h5")
    assert [str(w.message) for w in caught] == [
        "the dataset said it had 4 rows and gave 2; reading it again without relying on that number"
    ]
    with h5py.File(path) as file:
        assert file["x/row_splits"][()].tolist() == [0, 1, 1]
        assert file["x/values"][()].tolist() == [1]


def test_the_dataset_of_several_that_gave_a_wrong_number(tf, tmp_path):
    whole = tf.data.Dataset.range(5)
    with pytest.warns(UserWarning, match="said it had 4 rows and gave 0"):
        path = t2n.save({"a": whole, "b": none(tf)[0], "c": whole}, tmp_path / "rows.npz")
    with np.load(path) as file:
        assert {name: file[name].tolist() for name in file} == {"a": [0, 1, 2, 3, 4], "b": [], "c": [0, 1, 2, 3, 4]}


def test_no_warning_where_no_number_was_said(tf, tmp_path):
    dataset, expected = dropped(tf)
    assert np.load(t2n.save(dataset, tmp_path / "rows.npy")).tolist() == expected


@pytest.mark.parametrize("batched", [False, True])
def test_out_is_filled_and_returned(tf, rows, batched):
    out = np.full(ROWS.shape, -1, np.float32)
    assert t2n.to_numpy(rows.batch(3) if batched else rows, out=out) is out
    assert out.tolist() == ROWS.tolist()
    wide = np.empty((2, 10, 2))
    named = rows.map(lambda row: {"a": row, "none": None})
    assert t2n.to_numpy(named, out=wide[1], dtype="float64")["a"].base is wide
    assert wide[1].tolist() == ROWS.tolist()


def test_out_takes_text(tf):
    texts = ["a", "ü", ""]
    out = np.empty(3, np.dtypes.StringDType() if hasattr(np.dtypes, "StringDType") else object)
    assert t2n.to_numpy(tf.data.Dataset.from_tensor_slices(texts), out=out, dtype=str) is out
    assert out.tolist() == texts


def test_out_is_refused(tf, rows):
    out = np.empty((10, 2), np.float32)
    assert message_of(t2n.InvalidArgument, t2n.to_numpy, rows.filter(lambda row: True), out=out) == (
        "out= needs a dataset that knows how many rows it has; leave out= away, or state the number, before any "
        "batch: dataset.apply(tf.data.experimental.assert_cardinality(n))"
    )
    stated = rows.filter(lambda row: True).apply(tf.data.experimental.assert_cardinality(10)).batch(3)
    assert t2n.to_numpy(stated, out=out) is out
    assert message_of(t2n.InvalidArgument, t2n.to_numpy, rows.take(3), out=out) == (
        "out= has shape (10, 2) and dtype float32; the result needs shape (3, 2) and dtype float32"
    )
    assert message_of(t2n.InvalidArgument, t2n.to_numpy, rows.map(lambda r: (r, r)), out=out) == (
        "out= takes a value that becomes one array, and this dataset becomes 2; convert its parts one by one"
    )


@pytest.mark.parametrize(("make", "said", "gave"), [(fewer, 10, 6), (more, 4, 12)])
def test_out_of_a_wrong_number_of_rows(tf, make, said, gave):
    guarded = np.full(said + 20, -1)
    error = message_of(t2n.DatasetError, t2n.to_numpy, make(tf)[0], out=guarded[:said])
    assert error == f"the dataset gave {gave} rows and out= has {said}, the number it said it had"
    assert (guarded[said:] == -1).all()


def test_casts(tf, rows):
    found = t2n.to_numpy(rows.map(lambda row: (row, tf.strings.as_string(row))), dtype="int16")
    assert (found[0].dtype, found[0].tolist()) == (np.int16, ROWS.tolist())
    assert found[1][1].tolist() == [b"2.000000", b"3.000000"]
    text = tf.data.Dataset.from_tensor_slices((tf.constant(["a", "ü"]), [1, 2]))
    strings, numbers = t2n.to_numpy(text, dtype=str)
    assert strings.tolist() == ["a", "ü"]
    assert numbers.tolist() == [1, 2]
    ragged = t2n.to_numpy(tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], []])), dtype="float32")
    assert (ragged.dtype, ragged.row_splits.dtype, ragged.to_list()) == (np.float32, np.int64, [[1.0], []])
    assert message_of(t2n.InvalidArgument, t2n.to_numpy, rows, dtype=str) == (
        "dtype=str decodes strings, and this dataset holds none; leave dtype out"
    )


@pytest.mark.parametrize("batched", [False, True])
def test_pieces(tf, batched):
    ragged = tf.ragged.range(tf.range(100) % 5)
    sparse = tf.sparse.from_dense(np.eye(100, 7))
    parts = {"n": np.arange(100), "r": ragged, "s": sparse, "none": None}
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    pieces = list(t2n.iter_chunks(dataset.batch(9) if batched else dataset, max_bytes=4096))
    assert len(pieces) > 2
    assert [piece.name for piece in pieces] == [""] * len(pieces)
    stops = [0]
    for piece in pieces:
        assert list(piece.value) == ["n", "r", "s", "none"]
        assert piece.value["none"] is None
        (place,) = piece.index
        assert place.start == stops[-1]
        assert place.stop - place.start == len(piece.value["n"]) == len(piece.value["r"]) == piece.value["s"].shape[0]
        assert piece.value["n"].flags.writeable
        assert piece.value["r"].values.flags.writeable
        stops.append(place.stop)
    assert stops[-1] == 100
    assert np.concatenate([piece.value["n"] for piece in pieces]).tolist() == list(range(100))
    assert [row for piece in pieces for row in piece.value["r"].to_list()] == ragged.to_list()
    dense = np.concatenate([piece.value["s"].to_dense() for piece in pieces])
    assert dense.tolist() == np.eye(100, 7).tolist()


def test_pieces_keep_to_their_bytes(tf):
    values = np.arange(1 << 16, dtype=np.float64).reshape(-1, 16)
    for dataset in (tf.data.Dataset.from_tensor_slices(values), tf.data.Dataset.from_tensor_slices(values).batch(2048)):
        pieces = [chunk.value for chunk in t2n.iter_chunks(dataset, max_bytes="64KiB")]
        assert max(piece.nbytes for piece in pieces) <= 32 << 10
        assert len(pieces) <= 64
        assert np.concatenate(pieces).tolist() == values.tolist()


def test_elements_pay_no_python_price(tf, monkeypatch):
    made = []
    blocks = _batching.Rows.blocks

    def counted(self, *args):
        for block in blocks(self, *args):
            made.append(block)
            yield block

    monkeypatch.setattr(_batching.Rows, "blocks", counted)
    images = np.arange(20_000 * 12, dtype=np.float32).reshape(20_000, 2, 2, 3)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    for small in (dataset, dataset.batch(4), dataset.batch(32, drop_remainder=True), dataset.map(lambda x: x + 0)):
        made.clear()
        assert np.array_equal(t2n.to_numpy(small), images)
        assert 1 <= len(made) < 100
