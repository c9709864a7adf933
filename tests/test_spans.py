import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import InvalidArgument
from tf2numpy._spans import regions, row_spans, shift

SHAPES = st.lists(st.integers(0, 7), max_size=4)


@given(SHAPES, st.sampled_from([1, 2, 8]), st.integers(8, 400))
def test_regions_cover_everything_once_in_c_order_within_the_budget(shape, itemsize, max_bytes):
    cells = np.arange(math.prod(shape)).reshape(shape)
    found = list(regions(shape, itemsize, max_bytes))
    assert found
    for index in found:
        assert len(index) <= max(1, len(shape))
        assert all(type(s.start) is type(s.stop) is int and s.step is None for s in index)
        assert all(0 <= s.start <= s.stop <= n for s, n in zip(index, shape, strict=False))
        assert cells[index].size * itemsize <= max_bytes
    assert np.concatenate([cells[index].reshape(-1) for index in found]).tolist() == list(range(cells.size))


@given(SHAPES.filter(bool), st.integers(1, 400))
def test_regions_are_as_large_as_they_can_be(shape, max_bytes):
    cells = np.empty(shape, np.int8)
    found = list(regions(shape, 1, max_bytes))
    if cells.nbytes <= max_bytes:
        assert found == [(slice(0, shape[0]),)]
    elif math.prod(shape[1:]) <= max_bytes:
        rows = max_bytes // math.prod(shape[1:])
        assert [s.stop - s.start for (s,) in found[:-1]] == [rows] * (len(found) - 1)


@pytest.mark.parametrize(
    ("shape", "itemsize", "max_bytes", "expected"),
    [
        ((), 8, 8, [()]),
        ((0,), 8, 8, [(slice(0, 0),)]),
        ((5, 0), 8, 8, [(slice(0, 5),)]),
        ((5,), 8, 16, [(slice(0, 2),), (slice(2, 4),), (slice(4, 5),)]),
        ((2, 3), 1, 2, [(slice(r, r + 1), s) for r in (0, 1) for s in (slice(0, 2), slice(2, 3))]),
        ((3,), 0, 1, [(slice(0, 3),)]),
    ],
)
def test_regions_by_example(shape, itemsize, max_bytes, expected):
    assert list(regions(shape, itemsize, max_bytes)) == expected


def test_an_element_that_does_not_fit():
    with pytest.raises(InvalidArgument) as caught:
        list(regions((2, 2), 8, 7))
    assert str(caught.value) == "max_bytes leaves 7 B for a piece, less than one element of 8 bytes"


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 200))
def test_row_spans_cover_all_rows_once_within_the_budget(sizes, max_bytes):
    ends = np.cumsum([0, *sizes])
    if max(sizes, default=0) > max_bytes:
        row = next(i for i, size in enumerate(sizes) if size > max_bytes)
        with pytest.raises(InvalidArgument) as caught:
            list(row_spans(ends, max_bytes))
        assert str(caught.value) == (
            f"row {row} alone needs {sizes[row]} B and max_bytes leaves {max_bytes} B for a piece; "
            "give a larger max_bytes"
        )
        return
    spans = list(row_spans(ends, max_bytes))
    assert [row for start, stop in spans for row in range(start, stop)] == list(range(len(sizes)))
    assert all(ends[stop] - ends[start] <= max_bytes for start, stop in spans)
    for start, stop in spans[:-1]:
        assert ends[stop + 1] - ends[start] > max_bytes  # not one row more would have fit
    assert spans or not sizes


def test_row_spans_of_no_rows():
    assert list(row_spans(np.zeros(1, np.int64), 1)) == [(0, 0)]


@given(SHAPES, st.integers(8, 100), st.data())
def test_shift_moves_a_region(shape, max_bytes, data):
    offsets = data.draw(st.lists(st.integers(0, 9), min_size=len(shape), max_size=len(shape)))
    whole = np.zeros([n + o for n, o in zip(shape, offsets, strict=True)], np.int8)
    for index in regions(shape, 1, max_bytes):
        moved = shift(index, offsets)
        rest = tuple(slice(o, None) for o in offsets[len(moved) :])
        whole[moved + rest] += 1
    assert whole.sum() == math.prod(shape)
    assert whole.max(initial=0) <= 1
