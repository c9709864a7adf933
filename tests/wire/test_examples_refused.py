"""What is no Example, what does not fit its column, its block or its memory: each refused in full words, and without a
trace in the columns.
"""

import numpy as np
import pytest

from conformance.kind import fails
from tf2numpy import FormatError, Tf2NumpyError
from tf2numpy._errors import HostMemoryError
from tf2numpy.wire._examples import fill_strings
from tf2numpy.wire.examples import Decoder

from .example_messages import entry, example, floats, in_x, ints, sequence_example
from .test_examples_reference import columns_of, joined, rows_of
from .test_protobuf import chunk, encoded

GROUP, GROUP_END = b"\x2b", b"\x2c"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x0a\x05\x01", "at its byte 0, a field takes 5 bytes, and 1 are left"),
        (b"\x0a", "at its byte 1, a number is cut short"),
        (b"\x08\xff", "at its byte 1, a number is cut short"),
        (b"\x08" + b"\xff" * 10, "at its byte 1, a number has more than 10 bytes"),
        (b"\xff" * 6, "at its byte 0, a number has more than 5 bytes"),
        (b"\x0a" + b"\x80" * 5 + b"\0", "at its byte 1, a number has more than 5 bytes"),
        (b"\0\0", "at its byte 0, a field has the number 0; 1 to 536870911 are allowed"),
        (encoded(1 << 32), "at its byte 0, a field has the number 536870912; 1 to 536870911 are allowed"),
        (b"\x0e", "at its byte 0, the field 1 has the wire type 6; 0, 1, 2, 3 and 5 are known"),
        (b"\x2d1234\x29123", "at its byte 5, a field takes 8 bytes, and 3 are left"),
        (b"\x2d123", "at its byte 0, a field takes 4 bytes, and 3 are left"),
        (GROUP_END, "at its byte 0, the group 5 ends, which has not begun"),
        (GROUP + b"\x34", "at its byte 1, the group 6 ends, which has not begun"),
        (GROUP + b"\x08\x01", "at its byte 3, the group 5 has no end"),
        (GROUP * 101, "at its byte 100, more than 100 groups lie in one another"),
        (
            in_x(b"\x12\x05\x0a\x03abc"),
            "at its byte 11, in the feature 'x', packed floats take 3 bytes, which is no multiple of 4",
        ),
        (in_x(chunk(3, b"\x0a\x01\xff")), "at its byte 13, in the feature 'x', a number is cut short"),
        (in_x(b"\x1a\x05\x0a\x01"), "at its byte 9, in the feature 'x', a field takes 5 bytes, and 2 are left"),
        (
            chunk(1, chunk(1, chunk(1, b"x") + chunk(2, b"\x61") + chunk(2, b"12345678"))),
            "at its byte 9, in the feature 'x', a field takes 8 bytes, and 0 are left",
        ),
        (
            example({b"\xff\n": b"\x1a\x05\x0a"}),
            "at its byte 10, in the feature '\\\\xff\\n', a field takes 5 bytes, and 1 are left",
        ),
    ],
)
def test_what_is_no_example(content, message):
    for numbers, number in ((None, 1), (np.array([5, 17, 30]), 17)):
        decoder = Decoder()
        with pytest.raises(FormatError) as caught:
            decoder.decode(*joined([in_x(ints(1)), content, in_x(ints(2))]), numbers)
        assert str(caught.value) == f"the record {number} is no tf.train.Example: {message}"
        assert rows_of(decoder.take()) == [({b"x": [1]}, {})]


def test_groups_are_passed_over():
    deep = GROUP * 100 + b"\x08\x01" + GROUP_END * 100
    assert rows_of(columns_of(deep + in_x(ints(1)) + deep)) == [({b"x": [1]}, {})]


def test_a_kind_of_a_first_row_that_is_refused_is_forgotten():
    decoder = Decoder()
    with pytest.raises(FormatError):
        decoder.decode(*joined([chunk(1, entry(b"x", ints(1)) + b"\xff")]))
    assert decoder.take().features == {}
    decoder.decode(*joined([example({b"x": floats(1)})]))
    with pytest.raises(FormatError):
        decoder.decode(*joined([example({b"x": ints(1)})]))
    assert decoder.take().features[b"x"].values.tolist() == [1]


def test_other_kinds():
    with pytest.raises(FormatError) as caught:
        columns_of(in_x(ints(1)), in_x(floats(1)))
    assert str(caught.value) == (
        "the feature 'x' of the record 1 holds float values (at its byte 9), and its column holds int64 values"
    )
    with pytest.raises(FormatError) as caught:
        columns_of(in_x(ints(1)), select={b"x": "bytes"})
    assert str(caught.value) == (
        "the feature 'x' of the record 0 holds int64 values (at its byte 9), and its column holds bytes values"
    )
    with pytest.raises(FormatError) as caught:
        columns_of(sequence_example({}, {b"x": [ints(1), floats(1)]}), sequence=True)
    assert str(caught.value) == (
        "the feature 'x' of the record 0 holds float values (at its byte 20), and its column holds int64 values"
    )


def test_what_is_no_sequence_example():
    with pytest.raises(
        FormatError, match=r"^the record 0 is no tf.train.SequenceExample: at its byte 0, a field takes"
    ):
        columns_of(b"\x12\x05", sequence=True)


def test_what_is_not_in_its_block():
    decoder = Decoder()
    for start, stop in ((-1, 0), (1, 0), (0, 4), (4, 4)):
        with pytest.raises(ValueError, match=r"^the record 1 is not within the 3 bytes of its block$"):
            decoder.decode(b"\x08\x01\x0f", np.array([0, start]), np.array([0, stop]))
    with pytest.raises(ValueError, match=r"^2 records begin, and 1 end$"):
        decoder.decode(b"", np.array([0, 0]), np.array([0]))
    assert decoder.rows == 4


def test_too_many_features():
    many = [example({b"%d" % number: b"" for number in range(first, first + 32768)}) for first in (0, 32768, 65535)]
    decoder = Decoder()
    decoder.decode(*joined(many[:2]))
    with pytest.raises(FormatError) as caught:
        decoder.decode(*joined([example({}), many[2]]))
    assert str(caught.value) == (
        "the record 1 and those before it have more than 65536 different features; select the wanted ones"
    )
    assert decoder.rows == 3
    decoder.decode(*joined(many[:1]))
    assert len(decoder.take().features) == 65536
    with pytest.raises(ValueError, match=r"^65536 features can be selected at most$"):
        Decoder(select=[b"%d" % number for number in range(65537)])
    with pytest.raises(ValueError, match=r"'double' is not a kind of values; \('bytes', 'float', 'int64'\) are$"):
        Decoder(select={b"x": "double"})


def test_columns_of_a_refused_record_are_removed():
    decoder = Decoder()
    for size in (10, 1000, 30):
        good = {b"%d" % number: ints(number) for number in range(0, size, 3)}
        with pytest.raises(FormatError):
            decoder.decode(*joined([example({b"%d" % number: ints(1) for number in range(size)}) + b"\xff"]))
        decoder.decode(*joined([example(good)]))
        columns = decoder.take().features
        assert {name: column.values.tolist() for name, column in columns.items() if column.count} == {
            b"%d" % number: [number] for number in range(0, size, 3)
        }
    assert len(columns) == len(range(0, 1000, 3))


def test_a_bound_of_memory():
    contents = [in_x(floats(*range(250)))] * 100
    decoder = Decoder(most_bytes=50_000)
    data, starts, stops = joined(contents)
    for first, rows in ((0, 49), (49, 49)):
        with pytest.raises(HostMemoryError) as caught:
            decoder.decode(data, starts[first:], stops[first:])
        assert str(caught.value) == (
            f"with the record {rows} the columns would take {decoder.nbytes + 1000} bytes, and 50000 are allowed; take "
            "those before it first"
        )
        assert (decoder.rows, decoder.nbytes <= 50_000) == (rows, True)
        assert np.array_equal(decoder.take().features[b"x"].values.reshape(-1, 250), [range(250)] * rows)
    with pytest.raises(HostMemoryError):
        decoder.decode(*joined([in_x(floats(*range(13_000)))]))
    assert decoder.rows == 0


def test_errors_are_ours():
    assert issubclass(HostMemoryError, Tf2NumpyError)
    assert issubclass(HostMemoryError, MemoryError)


def test_strings_are_within_their_data():
    found = np.empty(2, object)
    with fails(ValueError, "2 strings have 2 ends; 3 are needed"):
        fill_strings(found, b"abc", np.array([0, 1]))
    for ends, which in (([0, 2, 1], "1 is 2 to 1"), ([0, 2, 4], "1 is 2 to 4"), ([-1, 2, 3], "0 is -1 to 2")):
        with fails(ValueError, f"the string {which} of 3 bytes"):
            fill_strings(found, b"abc", np.array(ends))
