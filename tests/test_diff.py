"""Which arrays of two files belong together, and how they differ in value."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy import _pieces
from tf2numpy._diff import Difference, compared
from tf2numpy._pairs import pairs
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain


def stored(arrays, **aliases):
    return Stored("test file", {name: Plain(np.asarray(a)) for name, a in arrays.items()}, lambda: None, aliases)


def names(left, right):
    return [(pair.shown, pair.left is not None, pair.right is not None) for pair in pairs(left, right)]


def test_pairs_by_name():
    assert names(stored({"b": 1, "a": 1}), stored({"c": 1, "b": 2})) == [
        ("a", True, False),
        ("b", True, True),
        ("c", False, True),
    ]


def test_pairs_by_other_names():
    left = stored({"a": 1, "b": 1, "same": 1}, a=["layer/a"], b=["x"], same=["a2"])
    right = stored({"layer/a": 1, "c": 1, "same": 1}, c=["x", "y"])
    assert names(left, right) == [
        ("a = layer/a", True, True),
        ("b = c", True, True),
        ("same", True, True),
    ]


def test_a_name_of_its_own_comes_first():
    left, right = stored({"a": 1, "b": 1}, a=["b2"]), stored({"b2": 1, "a": 1})
    assert names(left, right) == [("a", True, True), ("b", True, False), ("b2", False, True)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (stored({"a": 1, "b": 1}, a=["w"], b=["w"]), stored({"w": 1})),  # it names two
        (stored({"w": 1}), stored({"a": 1, "b": 1}, a=["w"], b=["w"])),
        (stored({"a": 1, "same": 1}, a=["w"], same=["w"]), stored({"w": 1, "same": 1})),
        (stored({"a": 1}, a=["v", "w"]), stored({"v": 1, "w": 1})),  # two are called as it is
        (stored({"v": 1, "w": 1}), stored({"a": 1}, a=["v", "w"])),
    ],
)
def test_names_that_do_not_tell_join_nothing(left, right):
    assert not [pair for pair in pairs(left, right) if pair.left and pair.right and pair.shown != "same"]


def difference(x, y):
    (found,) = compared(stored({"x": x}), stored({"x": y}))
    return found


INTEGERS = ["bool", "int8", "uint8", "int32", "int64", "uint64"]


@given(
    st.tuples(
        st.sampled_from(INTEGERS), st.sampled_from(INTEGERS), arrays.array_shapes(max_dims=3, max_side=4)
    ).flatmap(lambda case: st.tuples(*(arrays.arrays(dtype, case[2]) for dtype in case[:2])))
)
def test_integers_are_exact(case):
    x, y = case
    found = difference(x, y).values
    apart = [(abs(int(a) - int(b)), max(abs(int(a)), abs(int(b)))) for a, b in zip(x.flat, y.flat, strict=True)]
    differing = [one for one in apart if one[0]]
    assert (found.size, found.differing, found.nans) == (x.size, len(differing), 0)
    assert found.absolute == max((d for d, _ in differing), default=None)
    assert found.relative == (pytest.approx(max(d / m for d, m in differing)) if differing else None)
    assert found.first == (next((p for p in np.ndindex(x.shape) if int(x[p]) != int(y[p])), None))


@given(arrays.array_shapes(max_dims=3, max_side=4).flatmap(lambda s: st.tuples(*[arrays.arrays("f8", s)] * 2)))
def test_floats(case):
    x, y = case
    found = difference(x, y).values
    differing = [(a, b) for a, b in zip(x.flat, y.flat, strict=True) if not (a == b or (a != a and b != b))]
    measured = [(a, b) for a, b in differing if a == a and b == b]
    with np.errstate(all="ignore"):
        assert (found.differing, found.nans) == (len(differing), len(differing) - len(measured))
        assert found.absolute == max((float(abs(a - b)) for a, b in measured), default=None)


def test_pieces_give_what_the_whole_gives(monkeypatch):
    monkeypatch.setattr(_pieces, "_BLOCK_ELEMENTS", 3)
    monkeypatch.setattr(_pieces, "_PIECE_BYTES", 80)
    x = np.arange(100.0).reshape(20, 5)
    y = x.copy()
    y[13, 2] += 1
    y[17, 4] -= 9
    y[19, 0] = np.nan
    assert difference(x, y).values == Difference(100, 3, 1, (13, 2), 9.0, 9 / 89)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([0.0, np.nan], [-0.0, np.nan], Difference(2)),
        ([np.inf, -np.inf], [np.inf, -np.inf], Difference(2)),
        ([np.inf], [1.0], Difference(1, 1, 0, (0,), math.inf, math.inf)),
        ([np.nan], [1.0], Difference(1, 1, 1, (0,))),
        ([2.0], [0.0], Difference(1, 1, 0, (0,), 2.0, 1.0)),
        ([1 + 1j, 0], [1 + 1j, 3 + 4j], Difference(2, 1, 0, (1,), 5.0, 1.0)),
        (np.array([1.5], ml_dtypes.bfloat16), [1.25], Difference(1, 1, 0, (0,), 0.25, 0.25 / 1.5)),
        (np.array([-8], ml_dtypes.int4), np.array([7], ml_dtypes.int4), Difference(1, 1, 0, (0,), 15, 15 / 8)),
        ([True], [False], Difference(1, 1, 0, (0,), 1, 1.0)),
        ([2**63 - 1], [2.0], Difference(1, 1, 0, (0,), float(2**63), 1.0)),
        (np.array(3), np.array(5), Difference(1, 1, 0, (), 2, 0.4)),
        (np.zeros((0, 3)), np.ones((0, 3)), Difference(0)),
        (np.array([b"a", b"b"], object), np.array([b"a", b"c"], object), Difference(2, 1, 0, (1,))),
        (np.array(["2020", "2021"], "M8[Y]"), np.array(["2020", "2022"], "M8[Y]"), Difference(2, 1, 0, (1,))),
    ],
)
def test_every_kind(x, y, expected):
    found = difference(x, y)
    assert found.values == expected
    assert found.is_equal == (not expected.differing)


def test_what_cannot_be_compared():
    assert difference([1, 2], [1, 2, 3]).values is None
    assert difference(np.array([b"1"], object), [1]).values is None
    other_dtype = difference(np.float32([1]), np.float64([1]))
    assert (other_dtype.values, other_dtype.is_equal) == (Difference(1), False)


def test_selecting_by_any_name_of_either():
    left, right = stored({"a": 1, "b": 1, "c": 1}, a=["x"]), stored({"y": 2, "b": 2, "d": 2}, y=["x"])
    assert [found.name for found in compared(left, right, ["y"])] == ["a = y"]
    assert [found.name for found in compared(left, right, ["[xd]", "b*"])] == ["a = y", "b", "d"]
    with fails(t2n.InvalidArgument, "select='z' fits none of the 4 arrays of the two"):
        list(compared(left, right, ["b", "z"]))
