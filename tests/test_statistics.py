"""What `inspect --stats` says of an array, against NumPy and exact arithmetic."""

import math
import tracemalloc
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tf2numpy import _pieces
from tf2numpy._sources import Plain
from tf2numpy._statistics import Statistics, statistics

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64"]


def of(values, dtype=None):
    return statistics(Plain(np.array(values, dtype)))


@pytest.fixture(params=["one block", "several blocks"])
def size(request, monkeypatch):
    if request.param == "several blocks":
        monkeypatch.setattr(_pieces, "_BLOCK_ELEMENTS", 3)
        monkeypatch.setattr(_pieces, "_PIECE_BYTES", 80)


@given(st.sampled_from(INTEGERS).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(max_side=6))))
def test_integers_are_exact(array):
    found, exact = statistics(Plain(array)), [int(one) for one in array.flat]
    assert found[:3] == ("values", min(exact), max(exact))
    assert found.total == sum(exact)
    assert found.mean == float(Fraction(sum(exact), len(exact)))
    assert found.nans == 0


def test_64_bits_do_not_overflow(size):
    assert of([2**63 - 1] * 20, "int64") == Statistics("values", 2**63 - 1, 2**63 - 1, 2.0**63, 0, 20 * (2**63 - 1))
    assert of([-(2**63)] * 20, "int64").total == -20 * 2**63
    assert of([2**64 - 1] * 20, "uint64").total == 20 * (2**64 - 1)


@given(st.sampled_from(FLOATS).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(max_side=6))))
def test_floats_without_their_nans(array):
    found, known = statistics(Plain(array)), array[~np.isnan(array)].astype("f8")
    assert (found.of, found.nans) == ("values", array.size - known.size)
    if not known.size:
        assert (found.least, found.largest, found.mean) == (None, None, None)
        return
    assert (found.least, found.largest) == (known.min(), known.max())
    with np.errstate(all="ignore"):
        assert found.mean == pytest.approx(known.sum() / known.size, rel=1e-12, nan_ok=True)


def test_pieces_give_what_the_whole_gives(size):
    array = np.arange(100, dtype="f4").reshape(20, 5)
    array[3] = np.nan
    assert statistics(Plain(array)) == ("values", 0.0, 99.0, (4950 - 85) / 95, 5, 4950.0 - 85)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1.5, -2, np.nan], ml_dtypes.bfloat16), ("values", -2.0, 1.5, -0.25, 1, -0.5)),
        (np.array([448, -448], ml_dtypes.float8_e4m3fn), ("values", -448.0, 448.0, 0.0, 0, 0.0)),
        (np.array([-8, 7], ml_dtypes.int4), ("values", -8, 7, -0.5, 0, -1)),
        (np.array([3 + 4j, 0]), ("magnitudes", 0.0, 5.0, 2.5, 0, 5.0)),
        (np.array([3 + 4j, complex(0, math.nan)], "c8"), ("magnitudes", 5.0, 5.0, 5.0, 1, 5.0)),
        (np.array([[b"", b"abc"]], object), ("lengths", 0, 3, 1.5, 0, 3)),
        (np.array([], "i4"), ("values", None, None, None, 0, 0)),
        (np.array([], "f4"), ("values", None, None, None, 0, 0.0)),
        (np.array(5), ("values", 5, 5, 5.0, 0, 5)),
        (np.array([np.inf, 1.0]), ("values", 1.0, np.inf, np.inf, 0, np.inf)),
        (np.array([True, True, False, False]), ("values", 0, 1, 0.5, 0, 2)),
    ],
)
def test_every_kind(array, expected):
    found = statistics(Plain(array))
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


@pytest.mark.parametrize("array", [np.array(["2020"], "M8[Y]"), np.array(["text"]), np.zeros(2, "i4,f4")])
def test_what_has_none(array):
    assert statistics(Plain(array)) is None


def test_bounded_memory():
    array = np.ones(32 << 20, np.int8)
    source = Plain(array)
    tracemalloc.start()
    assert statistics(source).total == 32 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
