"""Every byte reaches its place in the file: whole writes, arrays as bytes, the runs that a region covers."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy._spans import runs
from tf2numpy.sinks import _output_file
from tf2numpy.sinks._output_file import pwrite_all
from tf2numpy.sinks._runs import bytes_of


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_pwrite_all_goes_on_after_short_writes(tmp_path, monkeypatch, piece):
    sizes = []
    real = os.pwrite

    def short(fd, data, offset):
        sizes.append(len(data))
        return real(fd, data[: max(1, len(data) // 2)], offset)

    monkeypatch.setattr(os, "pwrite", short)
    monkeypatch.setattr(_output_file, "_PIECE_BYTES", piece)
    with open(tmp_path / "x", "w+b") as file:
        pwrite_all(file.fileno(), np.arange(9, dtype="<u2").data, 5)
        pwrite_all(file.fileno(), b"", 0)
        pwrite_all(file.fileno(), np.empty((0, 3)).data, 0)
        assert file.read() == bytes(5) + np.arange(9, dtype="<u2").tobytes()
    assert max(sizes) <= piece


def test_bytes_of_makes_no_copy_of_what_is_in_order():
    array = np.arange(12.0).reshape(3, 4)
    assert np.shares_memory(np.asarray(bytes_of(array)), array)
    assert bytes(bytes_of(array.T)) == array.T.tobytes()


@given(st.data())
def test_runs_are_what_the_region_covers(data):
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4)))
    index = tuple(slice(*sorted((data.draw(st.integers(0, n)), data.draw(st.integers(0, n))))) for n in shape)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    found = list(runs(shape, index, 2))
    covered = [offset // 2 + i for offset, length in found for i in range(length // 2)]
    assert covered == places[(*index, ...)].ravel().tolist()
    assert all(length > 0 for _, length in found)


@pytest.mark.parametrize(
    ("shape", "index", "expected"),
    [
        ((), (), [(0, 4)]),
        ((5,), np.s_[1:3,], [(4, 8)]),
        ((5, 2, 3), np.s_[1:3, 0:2, 0:3], [(24, 48)]),
        ((5, 2, 3), np.s_[1:2, 1:2, 0:3], [(36, 12)]),
        ((5, 2, 3), np.s_[1:3, 1:2, 0:3], [(36, 12), (60, 12)]),
        ((None, 2, 3), np.s_[7:9, 0:2, 0:3], [(168, 48)]),
    ],
)
def test_runs_are_as_long_as_they_can_be(shape, index, expected):
    assert list(runs(shape, index, 4)) == expected
