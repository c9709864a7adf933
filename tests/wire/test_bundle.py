"""Headers and entries of bundles, read the short way and the long way alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import content, entry, header, number, shape_proto, varint
from tf2numpy import FormatError
from tf2numpy.wire import bundle
from tf2numpy.wire.bundle import Entry, Header

NUMBERS = st.integers(0, 2**63 - 1) | st.integers(0, 300)
PARTS = st.lists(st.tuples(st.integers(0, 300), st.integers(-1, 300)), max_size=3).map(tuple)
ENTRIES = st.builds(
    Entry,
    st.integers(1, 133),
    st.lists(NUMBERS, max_size=5).map(tuple),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.integers(0, 2**32 - 1),
    st.lists(PARTS, max_size=3).map(tuple),
)


@given(ENTRIES)
def test_entries(expected):
    assert bundle.entry(entry(*expected)) == expected


@given(st.binary(max_size=30) | ENTRIES.map(lambda one: entry(*one)), st.data())
def test_the_short_way_leads_where_the_long_one_does(raw, data):
    raw = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        short = bundle._short_way(bytes(raw))
    except FormatError:
        short = FormatError
    try:
        long = bundle._long_way(bytes(raw))
    except FormatError:
        long = FormatError
    assert short is None or short == long


def test_entries_as_tensorflow_writes_them_go_the_short_way():
    assert bundle._short_way(entry(1, (3, 0, 1000), 2, 70_000, 12, 5)) == Entry(1, (3, 0, 1000), 2, 70_000, 12, 5)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            b"",
            "it has dtype 0, shape (), data file 0, offset 0 and 0 bytes; none can be negative, nor the dtype 0",
        ),
        (
            entry(1, (2,), 0, -8, 4),
            "it has dtype 1, shape (2,), data file 0, offset -8 and 4 bytes; none can be negative, nor the dtype 0",
        ),
        (entry(1, (2, -3)), "its shape (2, -3) has a negative size"),
        (number(1, 1) + content(2, number(3, 1)), "not even the rank of its shape is known"),
        (content(1, b"\1"), "the field 1 has the wire type 2, and must have 0"),
        (number(6, 1), "the field 6 has the wire type 0, and must have 5"),
        (number(1, 1) + b"\x12\x7f", "the field 2 at offset 2 has 127 bytes, and 0 follow"),
    ],
)
def test_entries_that_are_refused(raw, message):
    with pytest.raises(FormatError) as caught:
        bundle.entry(raw)
    assert str(caught.value) == message


def test_unknown_fields_are_passed_over():
    assert bundle.entry(number(9, 5) + entry(3, (2,), size=8)) == Entry(3, (2,), size=8)
    assert bundle.entry(number(1, 3) + content(2, content(2, b"") + content(9, b"x"))) == Entry(3, (0,))


def test_headers():
    assert bundle.header(header(3, True)) == Header(3, True)
    assert bundle.header(number(1, 1)) == Header(1, False)
    assert bundle.is_header(header())
    assert not bundle.is_header(content(1, b"meta"))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            header(0),
            "its header tells of 0 data files and byte order 0; 1 to 99999 can be, and 0 or 1",
        ),
        (
            number(1, 2) + number(2, 2),
            "its header tells of 2 data files and byte order 2; 1 to 99999 can be, and 0 or 1",
        ),
        (header(version=number(2, 2)), "it asks for readers of version 2 and not []; version 1 is known here"),
        (
            header(version=content(3, varint(1))),
            "it asks for readers of version 0 and not [1]; version 1 is known here",
        ),
    ],
)
def test_headers_that_are_refused(raw, message):
    with pytest.raises(FormatError) as caught:
        bundle.header(raw)
    assert str(caught.value) == message


def test_shapes_of_no_axes_and_of_empty_ones():
    assert bundle.entry(number(1, 1) + content(2, b"")).shape == ()
    assert bundle.entry(number(1, 1) + content(2, shape_proto((0, 0)))).shape == (0, 0)
