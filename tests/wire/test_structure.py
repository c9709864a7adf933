"""The structure of elements comes out flat, in tf.nest's order, under the names that `save` gives."""

import pytest

from hostile.mutate import mutations
from tf2numpy import FormatError
from tf2numpy.wire.structure import Leaf, leaves
from wire.test_protobuf import chunk, encoded
from wire.test_tensor_proto import shape_proto


def spec(enum=1, shape=()):
    return chunk(33, chunk(2, shape_proto(shape)) + encoded(3 << 3) + encoded(enum))


def mapping(fields):
    return chunk(53, b"".join(chunk(1, chunk(1, key.encode()) + chunk(2, value)) for key, value in fields.items()))


def sequence(*values, number=52):
    return chunk(number, b"".join(chunk(1, value) for value in values))


def typed(kind, state=(), name="Spec", count=0):
    rest = chunk(2, sequence(*state)) + chunk(3, name.encode()) + encoded(4 << 3) + encoded(count)
    return chunk(34, encoded(1 << 3) + encoded(kind) + rest)


SHAPE, DTYPE = chunk(31, shape_proto((-1, 2))), encoded(32 << 3) + b"\3"


def test_every_kind():
    named = chunk(
        54, chunk(1, b"P") + chunk(2, chunk(1, b"y") + chunk(2, spec())) + chunk(2, chunk(1, b"x") + chunk(2, spec(7)))
    )
    bounded = chunk(35, chunk(2, shape_proto((3,))) + encoded(3 << 3) + b"\2")
    found = leaves(
        mapping(
            {
                "z": sequence(spec(3, (-1, 2)), chunk(1, b"")),
                "a": sequence(named, bounded, number=51),
                "m": mapping({"s": typed(1, (SHAPE, DTYPE), "S", 3), "r": typed(3, (SHAPE, DTYPE), "R", 2)}),
                "k": typed(13, (), "E", 2),
                "o": typed(7, (), "O", 1),
                "none": typed(12),
            }
        )
    )
    assert found == [
        Leaf("a/0/y", "dense", 1, ()),
        Leaf("a/0/x", "dense", 7, ()),
        Leaf("a/1", "dense", 2, (3,)),
        Leaf("k/0", "other", 0, None, "E"),
        Leaf("k/1", "other", 0, None, "E"),
        Leaf("m/r", "ragged", 3, (-1, 2), "R"),
        Leaf("m/s", "sparse", 3, (-1, 2), "S"),
        Leaf("o", "other", 0, None, "O"),
        Leaf("z/0", "dense", 3, (-1, 2)),
    ]
    assert leaves(spec()) == [Leaf("", "dense", 1, ())]
    assert leaves(sequence()) == []


def deep(levels):
    value = spec()
    for _ in range(levels):
        value = sequence(value)
    return value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the structure at '' has the kinds [], and must have one"),
        (sequence(spec() + sequence()), "the structure at '0' has the kinds [33, 52], and must have one"),
        (chunk(13, b"x"), "the structure at '' has the kind 13, which is none of elements"),
        (deep(101), "the structure is nested more than 100 levels deep"),
        (typed(1, (), "SparseTensorSpec"), "the SparseTensorSpec at '' does not say its shape and dtype"),
        (typed(13, (), "E", 1 << 20), "the E at '' has 1048576 components; 32768 are allowed"),
        (sequence(*[typed(13, (), "E", 1 << 15)] * 2), "the structure has more than 32768 components"),
        (sequence(*[chunk(1, b"")] * (1 << 16 | 1)), "the structure has more than 65536 parts"),
        (
            mapping({"x" * 5000: spec()}),
            "the structure has a name of 5000 characters; 4096 are allowed",
        ),
        (
            mapping({"x" * 4000: sequence(*[spec()] * 5000)}),
            "the names of its components are far longer together than the structure",
        ),
    ],
)
def test_what_is_no_structure(data, message):
    with pytest.raises(FormatError) as caught:
        leaves(data)
    assert str(caught.value) == message


def test_damaged_structures():
    good = mapping({"a": sequence(spec(3, (-1, 2)), typed(1, (SHAPE, DTYPE), "S", 3)), "b": deep(5)})
    done = 0
    for damaged in mutations(good, 3000):
        try:
            leaves(damaged)
            done += 1
        except FormatError:
            continue
    assert done > 50


def test_what_tensorflow_writes(tf):
    from tensorflow.python.saved_model import nested_structure_coder

    structure = {
        "b": (tf.TensorSpec([None, 3], tf.bfloat16), [tf.RaggedTensorSpec([None, None], tf.string)]),
        "a": tf.SparseTensorSpec([4], tf.int32),
    }
    encoded_ = nested_structure_coder.encode_structure(structure).SerializeToString()
    assert leaves(encoded_) == [
        Leaf("a", "sparse", 3, (4,), "SparseTensorSpec"),
        Leaf("b/0", "dense", 14, (-1, 3)),
        Leaf("b/1/0", "ragged", 7, (-1, -1), "RaggedTensorSpec"),
    ]
