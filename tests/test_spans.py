import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import InvalidArgument
from tf2numpy._spans import regions, row_spans, shift, too_large

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
    spans = list(row_spans(len(sizes), lambda start, stop: np.array(sizes[start:stop], np.int64), max_bytes))
    assert [row for start, stop, _ in spans for row in range(start, stop)] == list(range(len(sizes)))
    for start, stop, nbytes in spans:
        assert nbytes == ends[stop] - ends[start]
        assert nbytes <= max_bytes or stop == start + 1
    for start, stop, nbytes in spans[:-1]:
        assert ends[stop + 1] - ends[start] > max_bytes or nbytes > max_bytes  # not one row more would have fit


def test_row_spans_of_no_rows():
    assert list(row_spans(0, lambda start, stop: np.zeros(stop - start, np.int64), 1)) == [(0, 0, 0)]


@pytest.mark.parametrize("max_bytes", [100, 1 << 20, 8 << 20])
def test_row_spans_look_at_a_bounded_number_of_rows_at_a_time(max_bytes):
    asked = []

    def bytes_of(start, stop):
        asked.append((start, stop))
        return np.ones(stop - start, np.int64)

    rows = 100_000
    spans = list(row_spans(rows, bytes_of, max_bytes))
    assert [start for start, _ in asked] == [0, *[stop for _, stop in asked[:-1]]]
    assert asked[-1][1] == rows
    most = max(stop - start for start, stop in asked)
    assert most <= max(1024, max_bytes // 16 // 32)
    assert all(nbytes + (32 * most if most > 1024 else 0) <= max_bytes for _, _, nbytes in spans)


def test_what_is_too_large_says_by_how_much():
    assert str(too_large("row 3", 50, 20)) == (
        "row 3 alone needs 50 B and max_bytes leaves 20 B for a piece; give a larger max_bytes"
    )


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
