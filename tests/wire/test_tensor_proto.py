"""TensorProtos become the arrays that TensorFlow reads them as, and what does not add up is refused."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.arrays import assert_same, exists
from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError
from tf2numpy._dtypes import _BY_ENUM, named
from tf2numpy.wire.tensor_proto import decoded, from_values, handles, head
from wire.test_protobuf import chunk, encoded

ALL_CASES = json.loads((Path(__file__).parents[1] / "golden/tensor_proto/cases.json").read_text())
CASES = [case for case in ALL_CASES if exists(case["dtype"])]
FLOAT, STRING, INT8, COMPLEX64, BOOL, INT4 = 1, 7, 6, 8, 10, 29


def shape_proto(shape):
    return b"".join(chunk(2, encoded(1 << 3) + encoded(n % 2**64) if n else b"") for n in shape)


def proto(enum, shape, rest=b""):
    return encoded(1 << 3) + encoded(enum) + chunk(2, shape_proto(shape)) + rest


def integers(number, values):
    return chunk(number, b"".join(encoded(n % 2**64) for n in values))


def expected(case):
    dtype = named(case["dtype"])
    if dtype.hasobject:
        array = np.empty(len(case["strings"]), object)
        array[:] = [bytes.fromhex(element) for element in case["strings"]]
    else:
        array = np.frombuffer(bytes.fromhex(case["bits"]), np.uint8)
        if dtype.name.endswith(("int4", "int2", "float4_e2m1fn")):  # TensorFlow leaves the bits that do not count
            array = array & (3 if dtype.name.endswith("int2") else 15)
        array = array.view(dtype)
    return array.reshape(case["shape"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['dtype']}-{case['proto'][:60]}")
def test_what_tensorflow_reads(case):
    data = bytes.fromhex(case["proto"])
    assert_same(decoded(data), expected(case))
    assert_same(decoded(memoryview(bytearray(data))), expected(case))
    found = head(data)
    assert (found.dtype, found.shape) == (named(case["dtype"]), tuple(case["shape"]))


@pytest.mark.parametrize("case", [case for case in CASES if case["shape"] == [2, 3]], ids=lambda case: case["dtype"])
def test_values_alone_as_in_old_checkpoints(case):
    data = bytes.fromhex(case["proto"])
    found = head(data)
    values = data[len(proto(found.enum, found.shape)) :]
    assert_same(from_values(values, found.enum, found.shape), expected(case))


def test_every_dtype_is_there():
    assert {case["dtype"] for case in ALL_CASES} == {
        _BY_ENUM[enum].replace("object", "string") for enum in range(1, 34) if enum not in (20, 21)
    }


def test_numbers_packed_and_not_in_several_runs():
    one = encoded(7 << 3) + encoded(2**64 - 3)
    assert decoded(proto(INT8, (5,), one + one + integers(7, [1, 2]) + one)).tolist() == [-3, -3, 1, 2, -3]
    single = encoded(5 << 3 | 5) + np.float32(1.5).tobytes()
    packed = chunk(5, np.float32([2, 3]).tobytes())
    assert decoded(proto(FLOAT, (4,), single + packed + single)).tolist() == [1.5, 2, 3, 1.5]
    assert decoded(proto(BOOL, (3,), integers(11, [256, 0, 7]))).tolist() == [True, False, True]


def test_strings_between_other_fields():
    data = chunk(8, b"a") + proto(STRING, (3,), chunk(8, b"b" * 300) + encoded(3 << 3) + b"\1" + chunk(8, b""))
    assert decoded(data).tolist() == [b"a", b"b" * 300, b""]


def test_a_reference_is_what_it_refers_to():
    assert_same(decoded(proto(101, (2,), chunk(4, np.float32([1, 2]).tobytes()))), np.float32([1, 2]))


def test_bits_that_do_not_count_are_dropped():
    array = decoded(proto(INT4, (3,), chunk(4, b"\x0f\xf7\xff")))
    assert array.view(np.uint8).tolist() == [15, 7, 15]
    assert array.astype(int).tolist() == [-1, 7, -1]


def test_a_value_that_stands_for_all_takes_no_memory():
    tracemalloc.start()
    array = decoded(proto(FLOAT, (1 << 30, 1 << 20), chunk(5, np.float32([2.5]).tobytes())))
    zeros = decoded(proto(FLOAT, (1 << 50,)))
    strings = decoded(proto(STRING, (1 << 40,)))
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert (array.shape, array[5, 7], zeros[-1], strings[1 << 39]) == ((1 << 30, 1 << 20), 2.5, 0, b"")
    assert not array.flags.writeable


def test_unpacked_numbers_take_little_memory():
    data = proto(3, (1 << 16,), (encoded(7 << 3) + b"\1") * (1 << 16))
    tracemalloc.start()
    assert decoded(data).sum() == 1 << 16
    assert tracemalloc.get_traced_memory()[1] < 10 * len(data)
    tracemalloc.stop()


def test_views_where_there_can_be_one():
    data = np.frombuffer(proto(FLOAT, (2,), chunk(4, bytes(8))), np.uint8)
    assert np.shares_memory(decoded(data.data), data)


def test_handles():
    one, two = chunk(1, b"kind"), chunk(2, b"rest")
    assert handles(proto(21, (3,), chunk(15, one) + chunk(15, two))) == ((3,), [one, two, b""])
    assert handles(proto(21, (), chunk(4, b"\6" + one))) == ((), [one])
    assert handles(proto(20, (1,), chunk(14, one))) == ((1,), [one])


HUGE = proto(FLOAT, (1 << 40,), chunk(5, np.float32([1, 2]).tobytes()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its dtype has the number 0, which is not known"),
        (proto(100, (1,)), "its dtype has the number 100, which is not known"),
        (proto(99, (1,)), "its dtype has the number 99, which is not known"),
        (proto(FLOAT, (-2,)), "its shape (-2,) has a negative size"),
        (proto(FLOAT, (-1, 2)), "its shape is not fully known, so it holds no values"),
        (encoded(8) + b"\1" + chunk(2, encoded(3 << 3) + b"\1"), "its shape is not fully known, so it holds no values"),
        (proto(FLOAT, (1 << 40, 1 << 40)), "its shape (1099511627776, 1099511627776) is none that an array can have"),
        (proto(FLOAT, (0, 1 << 62)), "its shape (0, 4611686018427387904) is none that an array can have"),
        (proto(FLOAT, (1,) * 65), f"its shape {str((1,) * 65)[:100]}... is none that an array can have"),
        (
            proto(FLOAT, (2,), chunk(4, b"abc")),
            "its tensor_content has 3 bytes, and the shape (2,) of float32 takes 8",
        ),
        (
            proto(FLOAT, (0,), chunk(4, b"abc")),
            "its tensor_content has 3 bytes, and the shape (0,) of float32 takes 0",
        ),
        (
            proto(BOOL, (2,), chunk(4, b"\1\2")),
            "its tensor_content has bytes other than 0 and 1, and its dtype is bool",
        ),
        (
            proto(STRING, (99,), chunk(4, b"\1\1")),
            "its tensor_content of 2 bytes has no lengths of 99 elements",
        ),
        (
            proto(STRING, (3,), chunk(4, b"\1\1")),
            "the varint at offset 2 is cut short at 2",
        ),
        (
            proto(STRING, (2,), chunk(4, b"\1\2ab")),
            "the lengths in its tensor_content sum up to 3, and 2 bytes follow",
        ),
        (
            proto(STRING, (1,), chunk(4, b"\xff" * 9 + b"\1")),
            "the lengths in its tensor_content sum up to 18446744073709551615, and 0 bytes follow",
        ),
        (proto(STRING, (1,), b"\x42\x05ab"), "the field 8 at offset 8 has 5 bytes, and 2 follow"),
        (proto(STRING, (1,), b"\x42"), "the varint at offset 9 is cut short at 9"),
        (proto(COMPLEX64, (1,), chunk(9, bytes(12))), "the field 9 has 3 numbers, which are no pairs"),
        (proto(FLOAT, (1,), chunk(5, bytes(7))), "the packed field 5 has 7 bytes, no multiple of 4"),
        (proto(FLOAT, (1,), encoded(5 << 3) + b"\1"), "the field 5 has the wire type 0, and must have 5"),
        (proto(3, (1,), encoded(7 << 3 | 5) + bytes(4)), "the field 7 has the wire type 5, and must have 0"),
        (
            proto(FLOAT, (1,), encoded(4 << 3) + b"\1"),
            "the field 4 at offset 8 has the wire type 0, which it never has",
        ),
        (proto(20, ()), "it holds resource handles, not numbers or strings"),
        (proto(21, ()), "it holds variants, not numbers or strings"),
        (
            HUGE,
            "the last of its 2 values is to fill a shape of (1099511627776,): 4398046511104 bytes, and 67108864 are "
            "the most that are filled so",
        ),
    ],
)
def test_what_does_not_add_up(data, message):
    with pytest.raises(FormatError) as caught:
        decoded(data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (proto(FLOAT, ()), "it holds float32, not handles"),
        (proto(21, (1 << 30,)), "it has 0 handles for the 1073741824 elements of its shape"),
        (proto(21, (1,), encoded(15 << 3) + b"\1"), "the field 15 has the wire type 0, and must have 2"),
    ],
)
def test_what_are_no_handles(data, message):
    with pytest.raises(FormatError) as caught:
        handles(data)
    assert str(caught.value) == message


@given(st.binary(max_size=80))
def test_any_bytes(data):
    try:
        array = decoded(data)
    except FormatError:
        return
    assert array.shape == head(data).shape


@pytest.mark.parametrize("field", [2, 5, 15])
def test_more_pieces_than_any_tensor_is_written_in(field):
    with pytest.raises(FormatError) as caught:
        head(bytes([field << 3 | 2, 0]) * ((1 << 16) + 2))
    assert str(caught.value) == (f"the field {field} comes in more than 65536 pieces, which none that is written does")


def test_damaged_protos():
    protos = [bytes.fromhex(case["proto"]) for case in CASES]
    done = 0
    for seed, data in enumerate(protos):
        for damaged in mutations(data, 20, seed):
            for read in (decoded, handles):
                try:
                    read(damaged)
                    done += 1
                except Tf2NumpyError:
                    continue
    assert done > 100


@given(st.data())
def test_what_tensorflow_writes(tf, data):
    dtype = data.draw(
        st.sampled_from([tf.float32, tf.int64, tf.complex128, tf.bool, tf.bfloat16, tf.string, tf.uint16])
    )
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
    count = int(np.prod(shape))
    if dtype == tf.string:
        value = data.draw(st.lists(st.binary(max_size=140), min_size=count, max_size=count))
        array = np.empty(count, object)
        array[:] = value
    else:
        raw = np.frombuffer(data.draw(st.binary(min_size=count * dtype.size, max_size=count * dtype.size)), np.uint8)
        array = (raw & 1 if dtype == tf.bool else raw).view(dtype.as_numpy_dtype)
    array = array.reshape(shape)
    tensor = tf.constant(array, dtype)
    assert_same(decoded(tf.io.serialize_tensor(tensor).numpy()), array)
    proto = tf.make_tensor_proto(array, dtype)  # which quiets the signalling NaNs of scalars
    assert_same(decoded(proto.SerializeToString()), array if dtype == tf.string else tf.make_ndarray(proto))
