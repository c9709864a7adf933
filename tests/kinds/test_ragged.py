import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, assert_reassembles, fails, from_ragged, nbytes, random_tensor


class TestRagged(KindSuite):
    kind = "ragged tensor"

    def values(self, tf):
        rt = tf.RaggedTensor
        bfloat16, _ = random_tensor(tf, "bfloat16", (6, 2))
        return [
            tf.ragged.constant([[1.0, 2.0], [], [3.0]]),
            tf.ragged.constant([[1, 2], [3, 4]]),  # rows of equal length stay ragged
            tf.ragged.constant([[5]]),
            tf.ragged.constant([[[1], [2, 3]], [], [[], [4, 5, 6]]]),
            tf.ragged.constant([[[[1], []]], [[[2, 3]], [[]], []]], row_splits_dtype=tf.int32),
            tf.ragged.constant([[[1, 2], [3, 4]], [], [[5, 6]]], inner_shape=(2,)),
            rt.from_row_splits(bfloat16, tf.constant([0, 0, 4, 6], tf.int32)),
            rt.from_uniform_row_length(tf.range(12), 3),
            rt.from_uniform_row_length(tf.ragged.constant([[1], [2, 3], [], [4]]), 2),
            rt.from_row_lengths(tf.zeros([2, 0, 3]), [1, 0, 1]),
            rt.from_row_splits(tf.zeros([0, 2]), [0, 0, 0]),
            rt.from_row_splits(tf.zeros([0, 2]), [0]),
            rt.from_value_rowids([1.0, 2.0, 3.0], [0, 0, 3], 5),
        ]

    chunk_sizes = (256, 4096, "1MiB")

    def large(self, tf):
        lengths = tf.random.uniform([8000], 0, 256, tf.int32, seed=3)
        return tf.RaggedTensor.from_row_lengths(tf.random.uniform([tf.reduce_sum(lengths)]), lengths)

    def expected(self, tf, value):
        wanted = from_ragged(value)
        assert wanted.to_list() == value.to_list()
        assert wanted.shape == tuple(value.shape[:1]) + (None,) * value.ragged_rank + tuple(value.flat_values.shape[1:])
        return wanted


class TestRaggedStrings(KindSuite):
    kind = "ragged tensor"
    views = False

    def values(self, tf):
        return [
            tf.ragged.constant([[b"a\x00", b""], [], [b"\xff"]]),
            tf.ragged.constant([[[b"a"], [b"b", b"c" * 90]], [[]]]),
        ]

    def large(self, tf):
        text = tf.strings.as_string(tf.random.uniform([80_000], seed=1), precision=9)
        value = tf.RaggedTensor.from_uniform_row_length(text, 2)
        for _ in t2n.iter_chunks(value[:4], max_bytes=600):  # what TensorFlow keeps of first calls is no piece
            pass
        return value

    def expected(self, tf, value):
        return from_ragged(value)


@pytest.mark.parametrize("copy", [None, False])
def test_the_parts_are_views_of_the_tensors_own(tf, copy):
    rt = tf.ragged.constant([[[1, 2], [3]], [[4, 5, 6]]])
    found = t2n.to_numpy(rt, copy=copy)
    assert np.shares_memory(found.flat_values, np.asarray(rt.flat_values))
    for ours, theirs in zip(found.nested_row_splits, rt.nested_row_splits, strict=True):
        assert np.shares_memory(ours, np.asarray(theirs))
        assert not ours.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        found.flat_values[0] = 9


def test_casts_leave_the_row_splits(tf):
    rt = tf.ragged.constant([[1, 2], [3]], row_splits_dtype=tf.int32)
    found = t2n.to_numpy(rt, dtype="float16")
    assert (found.dtype, found.row_splits.dtype) == (np.dtype("f2"), np.dtype("i4"))
    assert found.to_list() == [[1.0, 2.0], [3.0]]
    text = t2n.to_numpy(tf.ragged.constant([["ü"], []]), dtype=str)
    assert text.to_list() == [["ü"], []]
    with fails(t2n.InvalidArgument, "dtype=str decodes strings, and this ragged tensor holds none; leave dtype out"):
        t2n.to_numpy(rt, dtype=str)
    with fails(
        t2n.InvalidArgument, "dtype=float16 casts numbers, and this ragged tensor holds strings; leave dtype out"
    ):
        t2n.to_numpy(tf.ragged.constant([["ü"], []]), dtype="float16")


def test_whole_rows(tf):
    rt = tf.ragged.constant([[1] * 10, [2] * 10, [], [3] * 30], dtype=tf.int64)
    chunks = list(t2n.iter_chunks(rt, max_bytes=2 * (30 + 2) * 8))
    assert [c.index for c in chunks] == [(slice(0, 3),), (slice(3, 4),)]
    assert [c.value.to_list() for c in chunks] == [rt[:3].to_list(), rt[3:].to_list()]
    assert [c.value.row_splits.tolist() for c in chunks] == [[0, 10, 20, 20], [0, 30]]


def test_a_row_that_alone_is_too_large(tf):
    rt = tf.ragged.constant([[1], [2] * 100, [3]], dtype=tf.int64)
    with fails(
        t2n.InvalidArgument,
        "row 1 alone needs 808 B and max_bytes leaves 248 B for a piece; give a larger max_bytes",
    ):
        list(t2n.iter_chunks(rt, max_bytes=512))


@st.composite
def nested_lengths(draw):
    """Give the row lengths of one to three ragged axes, outermost first."""
    levels, rows = [], draw(st.integers(0, 6))
    for _ in range(draw(st.integers(1, 3))):
        levels.append(draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows)))
        rows = sum(levels[-1])
    return levels


@settings(max_examples=60)
@given(
    levels=nested_lengths(),
    inner=st.sampled_from([(), (2,), (0,)]),
    dtype=st.sampled_from(["float32", "string", "bfloat16"]),
    splits=st.sampled_from(["int32", "int64"]),
    max_bytes=st.integers(200, 4000),
)
def test_any_ragged_tensor_in_pieces(tf, levels, inner, dtype, splits, max_bytes):
    flat = tf.range(sum(levels[-1]) * int(np.prod(inner)))
    rt = tf.reshape(tf.strings.as_string(flat) if dtype == "string" else tf.cast(flat, dtype), [-1, *inner])
    rt = tf.zeros([sum(levels[-1]), *inner], dtype) if 0 in inner else rt
    for lengths in reversed(levels):
        rt = tf.RaggedTensor.from_row_lengths(rt, tf.constant(lengths, splits))
    wanted = from_ragged(rt)
    assert_equal(t2n.to_numpy(rt), wanted)
    try:
        chunks = list(t2n.iter_chunks(rt, max_bytes=max_bytes))
    except t2n.InvalidArgument:
        assert max(nbytes(wanted[i : i + 1]) for i in range(len(wanted))) > max_bytes // 2
        return
    assert all(nbytes(chunk.value) <= max_bytes // 2 for chunk in chunks)
    assert_reassembles(chunks, wanted)
