"""The counts of nulls in Parquet footers, against pyarrow's, and in footers that are none."""

import io

import pytest

from tf2numpy._errors import FormatError
from tf2numpy.wire.parquet_footer import TAIL_BYTES, footer_bytes, null_counts

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def footer(data):
    size = footer_bytes(data[-TAIL_BYTES:], len(data))
    return memoryview(data)[-TAIL_BYTES - size : -TAIL_BYTES]


@pytest.fixture(scope="module")
def data():
    columns = {f"c{i}": pa.array([None if row % (i + 2) == 0 else row for row in range(100)]) for i in range(20)}
    columns["l"] = pa.array([None if row % 3 == 0 else [row] * (row % 4) for row in range(100)])
    columns["s"] = pa.array([{"a": row, "b": str(row)} for row in range(100)])
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=30, write_statistics=[f"c{i}" for i in range(19)] + ["s.b"])
    return file.getvalue()


def test_as_pyarrow_counts_them(data):
    known = pq.read_metadata(io.BytesIO(data))
    wanted = []
    for number in range(known.num_row_groups):
        group = known.row_group(number)
        found = [group.column(column).statistics for column in range(group.num_columns)]
        wanted.append([None if one is None else one.null_count for one in found])
    assert null_counts(footer(data)) == wanted
    assert len(wanted) == 4
    assert wanted[0][:3] == [15, 10, 8]
    assert wanted[0][19] is None


def test_every_cut_is_found_or_changes_nothing(data):
    whole = footer(data)
    counts = null_counts(whole)
    for stop in range(0, len(whole), 41):
        try:
            found = null_counts(whole[:stop])
        except FormatError:
            continue
        assert found == counts


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (b"\1\0\0\0PARX", "it does not end with PAR1, so its footer is not there: it was cut off"),
        (b"PAR1", "it does not end with PAR1, so its footer is not there: it was cut off"),
        (b"\xff\0\0\0PAR1", "its footer has 255 bytes, and the file 100"),
    ],
)
def test_ends_that_are_none(tail, message):
    with pytest.raises(FormatError) as caught:
        footer_bytes(tail, 100)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its footer ends within a field"),
        (
            b"\x49\xfc\xff\xff\xff\x0f",
            "the list at 6 of its footer has 33554431 elements, more than there is room for",
        ),
        (b"\x49\x1c" + b"\x1c" * 40, "its footer nests deeper than 32 levels at 37"),
        (b"\x18\x05a", "its footer ends within a field"),
        (b"\x1d", "its footer has a field of the type 13 at 1, which Parquet has none of"),
        (b"\x16" + b"\xff" * 11, "its footer has a number of more than 64 bits at 11"),
        (b"\x49\x15\x02", "the field 4 at 2 holds no structs"),
    ],
)
def test_footers_that_are_none(data, message):
    with pytest.raises(FormatError) as caught:
        null_counts(memoryview(data))
    assert str(caught.value) == message
