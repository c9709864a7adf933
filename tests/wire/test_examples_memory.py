"""Where memory ends, nothing that was decoded is lost; what is large comes and goes as a whole."""

import subprocess
import sys

import numpy as np
import psutil
import pytest

from tf2numpy._errors import HostMemoryError
from tf2numpy.wire.examples import Decoder

from .example_messages import example, feature, sequence_example
from .test_examples_reference import joined, rows_of
from .test_protobuf import chunk

OUT_OF_MEMORY = """
import re
import resource
import numpy as np
from tf2numpy.wire.examples import Decoder
from wire.example_messages import example, feature
from wire.test_protobuf import chunk

good = example({b"x": feature("int64", [1, 2])})
large = example({b"x": chunk(3, chunk(1, bytes(100_000_000)))})
data = good + large + good
starts = np.array([0, len(good), len(good) + len(large)])
stops = starts + [len(good), len(large), len(good)]
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000, resource.RLIM_INFINITY))
decoder = Decoder()
for first in (0, 1):
    try:
        decoder.decode(data, starts[first:], stops[first:])
    except MemoryError as error:
        print(type(error).__name__, re.sub("80[0-9]{7}", "N", str(error)), decoder.rows)
decoder.decode(data, starts[2:], stops[2:])
print(decoder.take().features[b"x"].values.tolist())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_out_of_memory():
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1", "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert done.stdout.splitlines() == [
        "MemoryError there is no memory for a column of N bytes, which the record 1 needs 1",
        "MemoryError there is no memory for a column of N bytes, which the record 0 needs 1",
        "[1, 2, 1, 2]",
    ], done.stderr


def test_a_row_that_ends_anywhere():
    """Wherever the bound is met, within a value or while a row is completed, what is taken back leaves no trace."""
    ints = [feature("int64", range(count)) for count in (1, 1, 3, 1, 0, 2, 2, 9, 1)]
    contents = [
        sequence_example({b"a": ints[at], b"b": ints[-at]} if at % 3 else {b"a": ints[at]}, {b"c": ints[: at % 4]})
        for at in range(len(ints))
    ]
    data, starts, stops = joined(contents)
    decoder = Decoder(sequence=True)
    decoder.decode(data, starts, stops)
    needed, expected, taken = decoder.nbytes, rows_of(decoder.take()), set()
    for bound in range(needed // 2, needed + 16, 8):
        decoder, rows = Decoder(sequence=True, most_bytes=bound), []
        while len(rows) < len(contents):
            try:
                decoder.decode(data, starts[len(rows) :], stops[len(rows) :])
            except HostMemoryError:
                if not decoder.rows:
                    break
            taken.add(decoder.rows)
            rows += rows_of(decoder.take())
        assert rows == expected[: len(rows)]
        taken.add(len(rows))
    assert len(taken) > 4


@pytest.mark.parametrize("count", [1, 1000, 524_287, 524_288, 524_289, 3_000_000])
def test_columns_of_every_size(count):
    values = np.arange(count) % 100
    content = example({b"x": chunk(3, chunk(1, values.astype(np.uint8).tobytes()))})
    decoder = Decoder()
    for rows in (1, 3):
        for _ in range(rows):
            decoder.decode(*joined([content]))
        column = decoder.take().features[b"x"]
        assert decoder.nbytes < 2000
        assert column.fixed == count
        assert np.array_equal(column.values.reshape(rows, count), np.broadcast_to(values, (rows, count)))
        column.values[:] = -1


def test_memory_is_given_back():
    content = example({b"x": feature("float", range(1000)), b"s": feature("bytes", [bytes(4000)])})
    block = joined([content] * 1000)
    process = psutil.Process()
    peak = 0
    for turn in range(30):
        decoder = Decoder()
        for _ in range(3):
            decoder.decode(*block)
        kept = decoder.take().features[b"x"].values
        decoder.decode(*block)
        if turn == 5:
            peak = process.memory_info().rss
    assert process.memory_info().rss < peak + 40_000_000
    del decoder
    assert kept.reshape(3000, 1000)[2999].tolist() == list(range(1000))


def test_values_outlive_their_decoder():
    decoder = Decoder()
    decoder.decode(*joined([example({b"x": feature("bytes", [b"abc"])})]))
    values = decoder.take().features[b"x"].values
    del decoder
    assert values[1:].tobytes() == b"bc"
