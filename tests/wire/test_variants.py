"""Ragged and sparse tensors, and compressed elements, as TensorFlow puts them into variants."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.arrays import assert_same
from hostile.mutate import mutations
from tf2numpy import FormatError
from tf2numpy.wire import variant_blocks, variants
from tf2numpy.wire.records import Block
from wire.test_protobuf import chunk, encoded
from wire.test_tensor_proto import proto

INT64, FLOAT, VARIANT = 9, 1, 21


def tensor(array):
    array = np.asarray(array)
    enum = {"int64": INT64, "float32": FLOAT}[array.dtype.name]
    return proto(enum, array.shape, chunk(4, array.tobytes()) if array.size else b"")


def variant(type_name, *tensors, metadata=b""):
    return (
        chunk(1, type_name.encode())
        + (chunk(2, metadata) if metadata else b"")
        + b"".join(chunk(3, one) for one in tensors)
    )


def tensors_of(shape, *elements):
    return proto(VARIANT, shape, b"".join(chunk(15, element) for element in elements))


def ragged(*parts):
    return variant(variants.RAGGED, *map(tensor, parts))


def sparse(*parts):
    return [variant(variants.TENSOR, tensor(part)) for part in parts]


VALUES = np.arange(3, dtype=np.float32)


def test_ragged():
    found = variants.ragged(tensors_of((), ragged(np.array([0, 1, 1, 3]), VALUES)))
    assert [splits.tolist() for splits in found.row_splits] == [[0, 1, 1, 3]]
    assert_same(found.values, VALUES)
    assert variants.ragged(tensors_of((), ragged(VALUES))).row_splits == ()


def test_tensors_of_ragged():
    one, two = ragged(np.array([0, 1]), VALUES[:1]), ragged(np.array([0, 0, 2]), VALUES[1:])
    found = variants.ragged(tensors_of((2,), one, two))
    assert [splits.tolist() for splits in found.row_splits] == [[0, 1, 3], [0, 1, 1, 3]]
    assert found.values.tolist() == [0, 1, 2]
    found = variants.ragged(tensors_of((1, 2), one, two))
    assert [splits.tolist() for splits in found.row_splits] == [[0, 2], [0, 1, 3], [0, 1, 1, 3]]


def test_sparse():
    parts = np.array([[0, 1]]), VALUES[:1], np.array([1, 2])
    found = variants.sparse(tensors_of((3,), *sparse(*parts)))
    for one, wanted in zip(found, parts, strict=True):
        assert_same(one, wanted)
    found = variants.sparse(tensors_of((2, 1, 3), *sparse(*parts), *sparse(parts[0], parts[1], np.array([5, 2]))))
    assert found.indices.tolist() == [[0, 0, 0, 1], [1, 0, 0, 1]]
    assert found.shape.tolist() == [2, 1, 5, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tensors_of((), variant("other")), "the variant is 'other', and 'RaggedTensorVariant' is needed"),
        (tensors_of((), variant(variants.RAGGED)), "the ragged tensor has no values"),
        (tensors_of((0,)), "it has no ragged parts, and so no dtype"),
        (tensors_of((), ragged(np.float32(1))), "the values of the ragged tensor have no axis"),
        (tensors_of((), ragged(VALUES, VALUES)), "the row_splits of axis 0 are no whole numbers in a row"),
        (tensors_of((), ragged(np.array([0, 2]), VALUES)), "the row_splits of axis 0 do not rise from 0 to 3"),
        (tensors_of((), ragged(np.array([0, 4, 3]), VALUES)), "the row_splits of axis 0 do not rise from 0 to 3"),
        (
            tensors_of((), ragged(np.array([0, 1]), np.array([0, 1, 3]), VALUES)),
            "the row_splits of axis 0 do not rise from 0 to 2",
        ),
        (
            tensors_of((2,), ragged(VALUES), ragged(np.array([0, 3]), VALUES)),
            "its ragged parts differ in rank, dtype or inner shape",
        ),
    ],
)
def test_what_is_no_ragged_tensor(data, message):
    with pytest.raises(FormatError) as caught:
        variants.ragged(data)
    assert str(caught.value) == message


INDICES, SHAPE = np.array([[0, 1], [0, 0]]), np.array([1, 2])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tensors_of((2,)), "sparse tensors are 3 variants each, found the shape (2,)"),
        (tensors_of((0, 3)), "sparse tensors are 3 variants each, found the shape (0, 3)"),
        (tensors_of((3,)), "the variant is '', and 'tensorflow::Tensor' is needed"),
        (
            tensors_of((3,), *[variant(variants.TENSOR)] * 3),
            "the variant has 0 tensors, and must have one",
        ),
        (
            tensors_of((3,), *sparse(INDICES, VALUES, SHAPE)),
            "the parts of a sparse tensor have the shapes (2, 2), (3,) and (2,)",
        ),
        (
            tensors_of((3,), *sparse(INDICES.astype(np.float32), VALUES[:2], SHAPE)),
            "the parts of a sparse tensor have the shapes (2, 2), (2,) and (2,), and not all of them the dtypes they "
            "must have",
        ),
        (
            tensors_of((3,), *sparse(INDICES, VALUES[:2], SHAPE - 1)),
            "the indices of a sparse tensor lie outside of its shape",
        ),
        (
            tensors_of((2, 3), *sparse(INDICES, VALUES[:2], SHAPE), *sparse(INDICES[:, :1], VALUES[:2], SHAPE[:1])),
            "its sparse parts differ in rank or dtype",
        ),
    ],
)
def test_what_is_no_sparse_tensor(data, message):
    with pytest.raises(FormatError) as caught:
        variants.sparse(data)
    assert str(caught.value) == message


def compressed(raw, *components, version=b""):
    cramjam = pytest.importorskip("cramjam")
    data = chunk(1, bytes(cramjam.snappy.compress_raw(raw)))
    return tensors_of((), variant(variants.COMPRESSED, metadata=data + b"".join(map(chunk_2, components)) + version))


def chunk_2(content):
    return chunk(2, content)


def component(enum, shape, *lengths):
    return proto(enum, shape) + chunk(4, b"".join(map(encoded, lengths)))


def test_compressed_elements():
    data = compressed(VALUES.tobytes() + b"abc", component(FLOAT, (3,), 12), component(7, (2,), 1, 2))
    numbers, texts = variants.compressed_element(data)
    assert_same(numbers, VALUES)
    assert texts.tolist() == [b"a", b"bc"]


@pytest.mark.parametrize(
    ("raw", "components", "version", "message"),
    [
        (b"", [], encoded(3 << 3) + b"\1", "the compressed element is of version 1, and 0 is known"),
        (b"abc", [component(FLOAT, (1,), 4)], b"", "a component takes 4 bytes, and 3 are left"),
        (b"abcde", [component(FLOAT, (1,), 4)], b"", "the components take 4 bytes of the 5 of the compressed element"),
        (b"abc", [component(7, (2,), 3)], b"", "a component has 1 strings, and 2 by its shape"),
        (b"abc", [component(FLOAT, (-1,), 3)], b"", "the shape of a component is not fully known"),
        (b"abc", [component(VARIANT, (), 3)], b"", "a component of dtype 21 in 1 pieces is none that can be read"),
    ],
)
def test_what_is_no_compressed_element(raw, components, version, message):
    with pytest.raises(FormatError) as caught:
        variants.compressed_element(compressed(raw, *components, version=version))
    assert str(caught.value) == message


@settings(max_examples=30)
@given(rows=st.lists(st.lists(st.lists(st.integers(-9, 9), max_size=3), max_size=3), min_size=1, max_size=4))
def test_what_tensorflow_writes(tf, rows):
    value = tf.ragged.constant(rows, dtype=tf.int64, ragged_rank=2)
    data = tf.io.serialize_tensor(value._to_variant()).numpy()
    found = variants.ragged(data)
    assert [splits.tolist() for splits in found.row_splits] == [s.numpy().tolist() for s in value.nested_row_splits]
    assert_same(found.values, value.flat_values.numpy())
    each = variants.ragged(tf.io.serialize_tensor(value._to_variant(batched_input=True)).numpy())
    assert [splits.tolist() for splits in each.row_splits] == [s.numpy().tolist() for s in value.nested_row_splits]
    dense = value.to_tensor(shape=[None, 4, 4])
    parts = variants.sparse(
        tf.io.serialize_tensor(tf.io.serialize_sparse(tf.sparse.from_dense(dense), tf.variant)).numpy()
    )
    assert_same(parts.shape, np.array(dense.shape))
    assert_same(parts.values, dense.numpy()[dense.numpy() != 0])


def test_what_the_service_compresses(tf):
    components = [tf.constant([1.5, 2]), tf.constant([b"a", b"bc\0"]), tf.constant(True), tf.zeros([0, 2])]
    data = tf.io.serialize_tensor(tf.raw_ops.CompressElement(components=components)).numpy()
    pytest.importorskip("cramjam")
    numbers, texts, flag, empty = variants.compressed_element(data)
    assert (numbers.tolist(), texts.tolist(), bool(flag), empty.shape) == ([1.5, 2], [b"a", b"bc\0"], True, (0, 2))


def block_of(*records):
    ends = np.cumsum([0, *map(len, records)]).astype(np.int64)
    return Block(memoryview(b"".join(records)), ends[:-1], ends[1:], np.arange(len(records)), 0)


def packed(shape, *elements):
    """Write variants as content: their lengths, then all of them."""
    return proto(VARIANT, shape, chunk(4, b"".join(encoded(len(one)) for one in elements) + b"".join(elements)))


@pytest.mark.parametrize("write", [tensors_of, packed])
def test_many_ragged_tensors(write):
    parts = [
        ragged(np.array([0, 1, 3]), VALUES),
        ragged(np.array([0]), VALUES[:0]),
        ragged(np.array([0, 0, 2]), VALUES[1:]),
    ]
    block = block_of(*[write((), part) for part in parts])
    found = variant_blocks.ragged(block)
    assert (found.rows.tolist(), found.counts.tolist(), found.dtype, found.inner) == ([2, 0, 2], [3, 0, 2], "f4", ())
    assert [level.tolist() for level in found.levels] == [[1, 2, 0, 2]]
    assert variant_blocks.ragged_values(block, np.dtype("f4")).tolist() == [0, 1, 2, 1, 2]
    assert variant_blocks.ragged_values(block, np.dtype("f8")) is None


@pytest.mark.parametrize("write", [tensors_of, packed])
def test_many_sparse_tensors(write):
    one = sparse(np.array([[0, 1]]), VALUES[1:2], np.array([1, 2]))
    two = sparse(np.zeros((0, 2), np.int64), VALUES[:0], np.array([4, 1]))
    block = block_of(*[write((3,), *parts) for parts in (one, two, one)])
    found = variant_blocks.sparse(block)
    assert (found.counts.tolist(), found.indices.tolist(), found.shape.tolist()) == (
        [1, 0, 1],
        [[0, 1], [0, 1]],
        [4, 2],
    )
    assert variant_blocks.sparse_values(block, np.dtype("f4")).tolist() == [1, 1]


def test_what_is_read_one_by_one():
    """Whatever is unusual or does not add up is left to who can say what it is."""
    good = tensors_of((), ragged(np.array([0, 1, 3]), VALUES))
    for other in (
        tensors_of((1,), ragged(np.array([0, 1, 3]), VALUES)),
        tensors_of((), ragged(VALUES)),
        tensors_of((), ragged(np.array([0, 3, 1]), VALUES[:1])),
        tensors_of((), ragged(np.array([0, 4]), VALUES)),
        tensors_of((), ragged(np.array([1, 3]), VALUES)),
        tensors_of((), variant("other")),
        good[:-1],
        good + b"\0",
    ):
        assert variant_blocks.ragged(block_of(good, other)) is None
    usual = np.array([[0, 1]]), VALUES[:1], np.array([1, 2])
    good = tensors_of((3,), *sparse(*usual))
    for other in (
        tensors_of((1, 3), *sparse(*usual)),
        tensors_of((3,), *sparse(np.array([[0, 2]]), *usual[1:])),
        tensors_of((3,), *sparse(np.array([[0, -1]]), *usual[1:])),
        tensors_of((3,), *sparse(np.array([[0]]), usual[1], np.array([1]))),
        tensors_of((3,), *sparse(usual[0], VALUES, usual[2])),
    ):
        assert variant_blocks.sparse(block_of(good, other)) is None


def test_damaged_variants():
    good = [
        tensors_of((), ragged(np.array([0, 1, 3]), VALUES)),
        tensors_of((3,), *sparse(np.array([[0, 1]]), VALUES[:1], np.array([1, 2]))),
        compressed(VALUES.tobytes() + b"abc", component(FLOAT, (3,), 12), component(7, (2,), 1, 2)),
    ]
    for seed, data in enumerate(good):
        for damaged in mutations(data, 1000, seed):
            block = block_of(good[seed], damaged)
            variant_blocks.ragged(block), variant_blocks.sparse(block)
            variant_blocks.ragged_values(block, np.dtype("f4")), variant_blocks.sparse_values(block, np.dtype("f4"))
            for read in (variants.ragged, variants.sparse, variants.compressed_element):
                with suppress(FormatError):
                    read(damaged)
