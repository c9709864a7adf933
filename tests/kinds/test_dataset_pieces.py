"""Blocks that TensorFlow made larger than asked are cut by rows, whatever their leaves are."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import assert_equal, fails, from_ragged, nbytes

ROWS = 40


def ragged(tf):
    lengths = [i % 7 * 5 for i in range(ROWS)]
    return tf.RaggedTensor.from_row_lengths(np.arange(sum(lengths)), lengths)


def sparse(tf):
    dense = tf.reshape(tf.range(ROWS * 20), [ROWS, 20]) % 3
    return tf.sparse.from_dense(dense)


def text(tf):
    return tf.constant([[b"x" * (i % 9), b"\x00" * i] for i in range(ROWS)])


@pytest.fixture(params=["ragged", "sparse", "text", "all"])
def columns(request, tf):
    made = {"ragged": ragged(tf), "sparse": sparse(tf), "text": text(tf), "dense": tf.range(ROWS)}
    return made if request.param == "all" else {request.param: made[request.param], "dense": made["dense"]}


def bytes_of(value):
    if isinstance(value, t2n.SparseArray):
        return value.indices.nbytes + value.values.nbytes
    return nbytes(value)


def rows_of(tf, column, start, stop):
    """Cut rows out by TensorFlow's own means."""
    if isinstance(column, tf.SparseTensor):
        cut = tf.sparse.slice(column, [start, 0], [stop - start, column.shape[1]])
        return t2n.SparseArray(cut.indices.numpy(), cut.values.numpy(), tuple(cut.dense_shape.numpy().tolist()))
    cut = column[start:stop]
    return from_ragged(cut) if isinstance(cut, tf.RaggedTensor) else cut.numpy()


@pytest.mark.parametrize("batch", [None, ROWS])
def test_pieces_are_no_larger_than_asked(tf, columns, batch):
    x = tf.data.Dataset.from_tensor_slices(columns)
    x = x if batch is None else x.batch(batch)
    end, pieces = 0, list(t2n.iter_chunks(x, max_bytes=8000))
    assert len(pieces) > 2
    for chunk in pieces:
        (rows,) = chunk.index
        assert rows.start == end
        end = rows.stop
        assert sum(map(bytes_of, chunk.value.values())) <= 2000
        assert list(chunk.value) == list(columns)
        for name, column in columns.items():
            assert_equal(chunk.value[name], rows_of(tf, column, rows.start, rows.stop))
    assert end == ROWS


def test_an_element_of_unknown_size_that_is_too_large_is_named(tf):
    x = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[0], [0] * 300, [0]], dtype=tf.int32))
    with fails(
        t2n.InvalidArgument,
        "element 1 alone needs 1.2 KiB and max_bytes leaves 1.0 KiB for a piece; give a larger max_bytes",
    ):
        list(t2n.iter_chunks(x, max_bytes=4096))


@pytest.mark.parametrize(
    ("shape", "dtype", "rows"),
    [([None], "float32", 32), ([None, None, 3], "uint8", 2), ([None, None, 4], "uint16", 1), ([None], "string", 4)],
)
def test_few_elements_that_may_be_large_are_read_together(tf, monkeypatch, shape, dtype, rows):
    """High-resolution images of differing size must not be held 32 at a time."""
    seen = []
    x = tf.data.Dataset.range(64).map(lambda i: tf.zeros([1 + i % 2 if n is None else n for n in shape], dtype))
    assert x.element_spec.shape.as_list() == shape
    whole = type(x).ragged_batch
    monkeypatch.setattr(type(x), "ragged_batch", lambda self, n, **k: seen.append(n) or whole(self, n, **k))
    assert len(t2n.to_numpy(x)) == 64
    assert seen
    assert set(seen) <= {1, rows}  # 1: to learn what a batch looks like
    assert rows in seen


def test_a_long_row_of_strings_is_cut_along_further_axes(tf):
    words = np.array([[b"a" * (i * 7 + j) for j in range(12)] for i in range(3)], object)
    x = tf.constant(words)
    chunks = list(t2n.iter_chunks(x, max_bytes=1200))
    again = np.full(words.shape, None, object)
    for chunk in chunks:
        assert nbytes(chunk.value) <= 600
        assert (again[chunk.index] == None).all()  # noqa: E711 (elementwise)
        again[chunk.index] = chunk.value
    assert (again == words).all()
    assert any(len(chunk.index) == 2 for chunk in chunks)


def test_a_string_too_large_for_a_piece_is_named_by_its_place(tf):
    with fails(
        t2n.InvalidArgument,
        "element (1, 0) alone needs 541 B and max_bytes leaves 300 B for a piece; give a larger max_bytes",
    ):
        list(t2n.iter_chunks(tf.constant([[b"", b""], [b"x" * 500, b""]]), max_bytes=600))


def test_many_strings_are_counted_a_bounded_number_at_a_time(tf, monkeypatch):
    from tf2numpy import _strings

    monkeypatch.setattr(_strings, "COUNTED_TOGETHER", 16)
    x = tf.strings.as_string(tf.range(1000))
    chunks = list(t2n.iter_chunks(x, max_bytes=2000))
    assert all(nbytes(chunk.value) <= 1000 for chunk in chunks)
    assert np.concatenate([chunk.value for chunk in chunks]).tolist() == x.numpy().tolist()
