"""Messages are read as their encoding says, and nothing that is no message is taken for one."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import FormatError
from tf2numpy.wire.one_field import leading
from tf2numpy.wire.protobuf import BYTES, VARINT, Message, field_at, fields, varint, varints


def encoded(value):
    """Write a varint, by the rules of the encoding."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def chunk(number, content):
    return encoded(number << 3 | 2) + encoded(len(content)) + content


U64 = st.integers(0, 2**64 - 1) | st.integers(0, 300)


@given(U64, st.binary(max_size=4))
def test_varints_come_back(value, rest):
    assert varint(encoded(value) + rest, 0) == (value, len(encoded(value)))


@given(st.lists(U64))
def test_packed_varints_come_back(values):
    assert varints(b"".join(map(encoded, values))).tolist() == values


def test_more_packed_varints_than_are_read_at_once():
    values = np.random.default_rng(0).integers(0, 2**63, 50_000, np.uint64) >> np.arange(50_000, dtype=np.uint64) % 60
    assert np.array_equal(varints(b"".join(map(encoded, values.tolist()))), values)


def test_every_kind_of_field():
    message = Message(
        encoded(1 << 3)
        + encoded(2**64 - 5)
        + encoded(2 << 3 | 5)
        + struct.pack("<f", 1.5)
        + encoded(3 << 3 | 1)
        + struct.pack("<d", -2.5)
        + chunk(4, "é".encode() + b"\xff")
        + chunk(5, chunk(1, b"in"))
        + chunk(5, chunk(2, b"two"))
    )
    assert message.integer(1) == -5
    assert message.unsigned(1) == 2**64 - 5
    assert struct.unpack("<f", struct.pack("<I", message.fixed32(2))) == (1.5,)
    assert struct.unpack("<d", struct.pack("<Q", message.fixed64(3))) == (-2.5,)
    assert message.text(4) == "é\udcff"
    assert [bytes(one) for one in message.contents(5)] == [chunk(1, b"in"), chunk(2, b"two")]
    assert bytes(message.message(5).content(1)) == b"in"  # parts of one message are joined
    assert bytes(message.message(5).content(2)) == b"two"
    assert [sorted(one.numbers) for one in message.messages(5)] == [[1], [2]]
    assert message.integer(9) == 0
    assert message.text(9) == ""
    assert 9 not in message
    assert 4 in message


def test_repeated_numbers_packed_and_not():
    single = encoded(1 << 3) + encoded(7)
    assert Message(single + chunk(1, encoded(8) + encoded(2**64 - 1)) + single).integers(1).tolist() == [7, 8, -1, 7]
    one = encoded(1 << 3 | 5) + struct.pack("<f", 0.5)
    both = Message(one + chunk(1, struct.pack("<2f", 1, 2)))
    assert both.fixed(1, np.float32).tolist() == [0.5, 1, 2]
    assert both.fixed(1, np.float32).dtype == np.float32
    assert Message(b"").fixed(1, np.float64).shape == (0,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80", "the varint at offset 0 is cut short at 1"),
        (b"\x08" + b"\xff" * 11, "the varint at offset 1 has more than 10 bytes"),
        (b"\x00\x00", "the field at offset 0 has the number 0; 1 to 536870911 are allowed"),
        (b"\x0b", "the field 1 at offset 0 has the wire type 3; 0, 1, 2 and 5 are known"),
        (b"\x08\x01\x12\x05ab", "the field 2 at offset 2 has 5 bytes, and 2 follow"),
        (b"\x0d\x00\x00", "the field 1 at offset 0 has 4 bytes, and 2 follow"),
    ],
)
def test_what_is_no_message(data, message):
    with pytest.raises(FormatError) as caught:
        Message(data)
    assert str(caught.value) == message


def test_a_field_of_another_kind():
    with pytest.raises(FormatError) as caught:
        Message(b"\x08\x01").text(1)
    assert str(caught.value) == "the field 1 holds a varint, and must hold a length and bytes"
    with pytest.raises(FormatError) as caught:
        Message(chunk(1, b"abc")).fixed(1, np.float32)
    assert str(caught.value) == "the packed field 1 has 3 bytes, no multiple of 4"
    with pytest.raises(FormatError) as caught:
        Message(chunk(1, b"\x80" * 11)).integers(1)
    assert str(caught.value) == "the packed varint at offset 0 is cut short or has more than 10 bytes"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data):
    try:
        found = list(fields(data))
    except FormatError:
        return
    assert all(0 < number < 2**29 and kind in (0, 1, 2, 5) for number, kind, _ in found)


def test_what_tensorflow_writes(tf):
    proto = tf.make_tensor_proto(np.arange(6, dtype=np.int64).reshape(2, 3))
    message = Message(proto.SerializeToString())
    assert message.integer(1) == proto.dtype
    assert [d.integer(1) for d in message.message(2).messages(2)] == [2, 3]
    assert np.frombuffer(message.content(4), "<i8").tolist() == list(range(6))


@given(st.binary(max_size=40) | st.lists(st.sampled_from(b"\x00\x02\x05\x08\x12\x19\x7f\x80\x82\xff")).map(bytes))
def test_fields_are_what_one_reads_after_the_other(data):
    assert _read(fields(data)) == _read(_one_after_the_other(memoryview(data)))


def _one_after_the_other(view):
    at = 0
    while at < len(view):
        *field, at = field_at(view, at)
        yield tuple(field)


def _read(found):
    """Give the fields, and after them the words of the error if there is one."""
    read = []
    try:
        read.extend(found)
    except FormatError as error:
        read.append(str(error))
    return read


def test_leading_fields():
    assert leading(b"\x08\x05\x12\x02ab\x08\x07\x22\x00", VARINT, BYTES) == [7, b"ab"]
    assert leading(b"\x18\x05", VARINT, BYTES) == [0, b""]
    with pytest.raises(FormatError, match=r"^the field 2 has the wire type 0, and must have 2$"):
        leading(b"\x08\x05\x10\x02", VARINT, BYTES)


def test_more_fields_than_any_message_has():
    assert len(Message(chunk(1, b"") * (1 << 16)).contents(1)) == 1 << 16
    with pytest.raises(FormatError) as caught:
        Message(chunk(1, b"") * (1 << 16 | 1))
    assert str(caught.value) == "the message has more than 65536 fields, which none that is known has"
