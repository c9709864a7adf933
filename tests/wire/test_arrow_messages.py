"""What Arrow files say of their batches, against pyarrow, and footers and messages that are none."""

import struct

import numpy as np
import pytest

from tf2numpy._errors import FormatError
from tf2numpy.wire.arrow_messages import TAIL_BYTES, batch, batches, footer_bytes

pa = pytest.importorskip("pyarrow")


def written(table, rows, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
        file.write_table(table, max_chunksize=rows)
    return memoryview(sink.getvalue().to_pybytes())


def places(data):
    end = len(data) - TAIL_BYTES
    return batches(data[end - footer_bytes(bytes(data[end:]), len(data)) : end])


TABLE = pa.table(
    {
        "x": pa.array([1, None, 3, 4, None]),
        "l": pa.array([[1], None, [None, 2], [], [3]]),
        "t": pa.array([[1.0, 2], None, [3, 4], [5, 6], [7, 8]], pa.list_(pa.float32(), 2)),
    }
)


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_as_pyarrow_has_them(compression, rows):
    data = written(TABLE, rows, compression=compression)
    file = pa.ipc.open_file(pa.py_buffer(data))
    found = [batch(data[start:stop]) for start, stop in places(data)]
    assert len(found) == file.num_record_batches
    for number, one in enumerate(found):
        wanted = file.get_batch(number)
        x, lists, vectors = wanted.columns
        nulls = [a.null_count for a in (x, lists, lists.values, vectors, vectors.values)]
        assert (one.rows, one.is_compressed) == (wanted.num_rows, compression is not None)
        assert one.nulls[[0, 1, 3]].tolist() == [nulls[0], nulls[1], nulls[3]]
        assert len(one.nulls) == 5


def test_no_batches():
    assert places(written(TABLE.slice(0, 0), 1)) == []


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (b"\1\0\0\0ARROWX", "it does not end with ARROW1, so its footer is not there: it was cut off"),
        (b"", "it does not end with ARROW1, so its footer is not there: it was cut off"),
        (struct.pack("<i", 85) + b"ARROW1", "its footer has 85 bytes, and the file 100"),
        (struct.pack("<i", -1) + b"ARROW1", "its footer has -1 bytes, and the file 100"),
    ],
)
def test_ends_that_are_none(tail, message):
    with pytest.raises(FormatError) as caught:
        footer_bytes(tail, 100)
    assert str(caught.value) == message


def test_any_flipped_byte_gives_a_batch_or_an_error():
    data = bytearray(written(TABLE, 2))
    (start, stop), *_ = places(memoryview(data))
    rng = np.random.default_rng(0)
    for _ in range(3000):
        damaged = bytearray(data[start:stop])
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        try:
            assert batch(memoryview(damaged)).rows >= 0
        except FormatError:
            continue
