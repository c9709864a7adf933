"""Regions of arrays in a blob that has to be fetched: the right elements, and little beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tf2numpy as t2n
from tf2numpy import FormatError
from tf2numpy._blobs import Held, check_range
from tf2numpy._types import Request
from tf2numpy.formats import _ranges
from tf2numpy.formats._ranges import array_at


class Fetching:
    """Bytes as a store has them: every read is a new array, and counted."""

    mapped = False

    def __init__(self, data: bytes) -> None:
        self.name, self.size, self._data = "blob", len(data), np.frombuffer(data, np.uint8)
        self.reads: list[tuple[int, int]] = []

    def read(self, start, stop):
        check_range(self, start, stop)
        self.reads.append((start, stop))
        return self._data[start:stop].copy()

    def read_into(self, start, target):
        target[:] = self.read(start, start + target.size)

    def release(self):
        pass

    @property
    def fetched_bytes(self) -> int:
        return sum(stop - start for start, stop in self.reads)


@st.composite
def regions(draw):
    """A shape, and a region of it."""
    shape = draw(st.lists(st.integers(0, 7), max_size=4).map(tuple))
    ends = [sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
    return shape, tuple(slice(*both) for both in ends)[: draw(st.integers(0, len(shape)))]


@given(regions(), st.sampled_from(["<f4", ">i2", "u1", "<c16"]), st.booleans(), st.integers(0, 5), st.integers(0, 64))
def test_any_region(region, dtype, fortran, start, gap):
    shape, index = region
    expected = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape, order="F" if fortran else "C")
    blob = Fetching(bytes(start) + expected.tobytes("A" if expected.size else "C"))
    whole = array_at(blob, start, shape, np.dtype(dtype), kind="test", fortran=fortran)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ranges, "_MOST_GAP_BYTES", gap)
        patch.setattr(_ranges, "_MOST_COVER_BYTES", 4 * gap)
        found = whole.read(index)
        everything = whole.fetch(Request(copy=True))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected[index])
    np.testing.assert_array_equal(everything, expected)
    assert found.flags.writeable


def test_rows_are_fetched_alone():
    expected = np.arange(4000, dtype="<i4").reshape(100, 40)
    blob = Fetching(bytes(8) + expected.tobytes())
    array = array_at(blob, 8, (100, 40), np.dtype("<i4"), kind="test")
    assert blob.reads == []
    np.testing.assert_array_equal(array.read((slice(10, 12),)), expected[10:12])
    assert blob.reads == [(8 + 1600, 8 + 1920)]
    blob.reads.clear()
    np.testing.assert_array_equal(array.read((slice(10, 12), slice(3, 5))), expected[10:12, 3:5])
    assert blob.reads == [(8 + 1612, 8 + 1780)]  # one request for both rows, from the first element to the last


def test_far_rows_are_fetched_apart(monkeypatch):
    monkeypatch.setattr(_ranges, "_MOST_GAP_BYTES", 100)
    expected = np.arange(4000, dtype="<i4").reshape(10, 400)
    blob = Fetching(expected.tobytes())
    found = array_at(blob, 0, (10, 400), np.dtype("<i4"), kind="test").read((slice(0, 10), slice(7, 9)))
    np.testing.assert_array_equal(found, expected[:, 7:9])
    assert sorted(blob.reads) == [(row * 1600 + 28, row * 1600 + 36) for row in range(10)]


def test_a_cover_is_bounded(monkeypatch):
    monkeypatch.setattr(_ranges, "_MOST_COVER_BYTES", 1000)
    expected = np.arange(1 << 14, dtype="u1").reshape(128, 128)
    blob = Fetching(expected.tobytes())
    found = array_at(blob, 0, (128, 128), np.dtype("u1"), kind="test").read((slice(0, 128), slice(5, 6)))
    np.testing.assert_array_equal(found, expected[:, 5:6])
    assert max(stop - start for start, stop in blob.reads) <= 1000
    assert blob.fetched_bytes <= expected.nbytes


def test_into_memory_that_is_there():
    expected = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    blob = Fetching(expected.tobytes())
    array = array_at(blob, 0, (2, 3, 4), np.dtype("<f4"), kind="test")
    for out in (np.empty((2, 3, 4), "<f4"), np.empty((2, 3, 4), "<f4", order="F"), np.empty((2, 3, 4), "<f8")):
        assert array.fetch(Request(out=out, dtype=out.dtype)) is out
        np.testing.assert_array_equal(out, expected)
    assert array.fetch(Request(copy=True, dtype=np.dtype("<i8"))).tolist() == expected.tolist()
    assert array.host_bytes(Request(copy=None)) == 96
    with pytest.raises(t2n.CopyRequired) as caught:
        array.fetch(Request(copy=False))
    assert str(caught.value) == (
        "copy=False allows only a view, and this array has to be fetched from where it is stored; pass copy=None or "
        "copy=True"
    )


def test_stored_the_other_way_round():
    expected = np.arange(6, dtype=">u2").reshape(2, 3)
    blob = Fetching(expected.astype("<u2").tobytes())
    array = array_at(blob, 0, (2, 3), np.dtype(">u2"), kind="test", stored=np.dtype("<u2"))
    assert array.read(()).dtype == np.dtype(">u2")
    np.testing.assert_array_equal(array.read((slice(1, 2),)), expected[1:])
    np.testing.assert_array_equal(array.fetch(Request(out=np.empty((2, 3), ">u2"))), expected)


def test_what_is_mapped_is_a_view():
    held = Held(np.arange(6, dtype="<f4").tobytes(), "blob")
    array = array_at(held, 0, (2, 3), np.dtype("<f4"), kind="test").read(())
    assert np.shares_memory(array, held.read(0, 24))
    assert not array.flags.writeable


@pytest.mark.parametrize("blob", [Fetching(bytes(10)), Held(bytes(10), "blob")], ids=["fetched", "mapped"])
def test_what_cannot_be(blob):
    with pytest.raises(FormatError, match=r"^'blob' ends at 10, and bytes 4 to 12 of it are needed$"):
        array_at(blob, 4, (2,), np.dtype("<f4"), kind="test")
    with pytest.raises(FormatError, match=r"^its shape \(0, 4611686018427387904, 8\) is none that NumPy can have: "):
        array_at(blob, 0, (0, 2**62, 8), np.dtype("<f4"), kind="test")
