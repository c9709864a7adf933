import subprocess
import sys
import textwrap

import numpy as np
import pytest

from conformance.sink import SinkSuite, assert_same, sample
from tf2numpy import _memory
from tf2numpy._errors import HostMemoryError, InvalidArgument
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy.sinks import memory
from tf2numpy.sinks.memory import MemorySink


class TestMemory(SinkSuite):
    files = False
    bounded = False

    def make_sink(self, path, overwrite=False):
        self.sink = MemorySink()
        return self.sink

    def read_back(self, path, name):
        return self.sink.arrays()[name]


def fill(spec, pieces):
    sink = MemorySink()
    sink.begin({"x": spec})
    start = 0
    for piece in pieces:
        sink.write(Chunk("x", (slice(start, start + len(piece)),), piece))
        start += len(piece)
    sink.commit()
    return sink.arrays()["x"]


@pytest.mark.parametrize("hint", [0, 1, 99, 100, 101, 5000])
@pytest.mark.parametrize("dtype", ["f4", "O"])
def test_a_wrong_number_of_rows_is_put_right(hint, dtype):
    array = sample((100, 3), np.dtype(dtype))
    found = fill(ArraySpec((hint, 3), array.dtype), np.array_split(array, 7))
    assert_same(found, array)
    assert found.base is None
    assert found.flags.owndata
    assert found.flags.writeable


def test_no_rows_where_some_were_promised():
    assert_same(fill(ArraySpec((5, 3), np.dtype("f4")), []), np.empty((0, 3), "f4"))


def test_growth_doubles_up_to_a_step(monkeypatch):
    monkeypatch.setattr(memory, "_STEP_BYTES", 1000)
    monkeypatch.setattr(memory, "_ROOM_BYTES", 0)
    sink = MemorySink()
    sink.begin({"x": ArraySpec((None,), np.dtype("u1"))})
    sizes = []
    for start in range(0, 5000, 100):
        sink.write(Chunk("x", (slice(start, start + 100),), np.zeros(100, "u1")))
        sizes.append(len(sink._arrays["x"]))
    assert sorted(set(sizes)) == [100, 200, 400, 800, 1600, 2600, 3600, 4600, 5600]
    sink.write(Chunk("x", (slice(5000, 9000),), np.zeros(4000, "u1")))
    assert len(sink._arrays["x"]) == 9000
    sink.abort()


def test_the_peak_is_the_result_and_a_step():
    program = """
        import re
        import numpy as np
        from tf2numpy._types import ArraySpec, Chunk
        from tf2numpy.sinks.memory import MemorySink

        def peak_mib():
            with open("/proc/self/status") as status:
                return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) // 1024

        piece = np.ones((1 << 20, 8), np.uint8)
        sink = MemorySink()
        sink.begin({"x": ArraySpec((None, 8), piece.dtype)})
        sink.write(Chunk("x", (slice(0, 1 << 20),), piece))
        before = peak_mib()
        for i in range(1, 50):
            sink.write(Chunk("x", (slice(i << 20, (i + 1) << 20),), piece))
        sink.commit()
        assert sink.arrays()["x"].all()
        print(peak_mib() - before)
    """
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    # 400 MiB arrive; one doubling of the whole array would take 800.
    assert 390 <= int(run.stdout) <= 392 + 48


def test_too_large_from_the_start(monkeypatch):
    monkeypatch.setattr(_memory, "free_bytes", lambda: 50 << 20)
    sink = MemorySink()
    with pytest.raises(HostMemoryError) as caught:
        sink.begin({"a": ArraySpec((10 << 20,), np.dtype("f4")), "b": ArraySpec((20 << 20, 1), np.dtype("u1"))})
    assert str(caught.value) == (
        "needs 60.0 MiB of host memory (62914560 bytes) and 50.0 MiB (52428800 bytes) are free; the value is on "
        "its way to the host. Go through it a piece at a time with iter_chunks, or write it to a file with save"
    )


def test_too_large_on_the_way(monkeypatch):
    monkeypatch.setattr(memory, "_ROOM_BYTES", 0)
    sink = MemorySink()
    sink.begin({"rows/x": ArraySpec((None, 4), np.dtype("f4"))})
    monkeypatch.setattr(_memory, "free_bytes", lambda: 1 << 20)
    piece = np.zeros((1 << 20, 4), "f4")
    with pytest.raises(HostMemoryError) as caught:
        sink.write(Chunk("rows/x", (slice(0, 1 << 20),), piece))
    assert str(caught.value) == (
        "needs 16.0 MiB of host memory (16777216 bytes) and 1.0 MiB (1048576 bytes) are free; the value is on "
        "its way into array 'rows/x'. Go through it a piece at a time with iter_chunks, or write it to a file "
        "with save"
    )


def test_an_allocation_that_fails(monkeypatch):
    monkeypatch.setattr(memory, "require", lambda *args, **kwargs: None)
    sink = MemorySink()
    sink.begin({"x": ArraySpec((None, 1 << 45), np.dtype("u1"))})
    with pytest.raises(HostMemoryError) as caught:
        sink.write(Chunk("x", (slice(0, 1024),), np.broadcast_to(np.uint8(0), (1024, 1 << 45))))
    assert str(caught.value) == (
        "could not grow an array to 32.0 PiB, shape (1024, 35184372088832). Go through it a piece at a time "
        "with iter_chunks, or write it to a file with save"
    )


def test_arrays_before_commit():
    sink = MemorySink()
    with pytest.raises(InvalidArgument) as caught:
        sink.arrays()
    assert str(caught.value) == "nothing is committed yet, so there are no arrays; call commit() first"


def test_abort_drops_the_arrays():
    sink = MemorySink()
    sink.begin({"x": ArraySpec((5,), np.dtype("f4"))})
    sink.abort()
    assert sink._arrays == {}
