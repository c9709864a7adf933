"""Chunks: their shapes, and where regions meet them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy._types import ArraySpec
from tf2numpy.sinks._hdf5_grid import Grid, chunk_shape

MIB = 1 << 20


@pytest.mark.parametrize(
    ("shape", "growing", "chunk"),
    [
        ((10,), 0, (10,)),
        ((3 * MIB,), 0, (MIB // 4,)),
        ((1000, 4096), 0, (64, 4096)),
        ((None, 4096), 1, (64, 4096)),
        ((None, 4096), 1000, (4, 4096)),
        ((None, 4096), 10**6, (1, 4096)),
        ((5, MIB), 0, (1, MIB)),
        ((5, MIB + 1), 0, (1, MIB // 4)),
        ((5, 3, 1000, 1000), 0, (1, 1, 1000, 1000)),
        ((5, 3, 2000, 1000), 0, (1, 1, 262, 1000)),
        ((None, 2, 3 * MIB), 1, (1, 1, MIB // 4)),
    ],
    ids=str,
)
def test_chunks_are_whole_rows_of_about_a_megabyte(shape, growing, chunk):
    assert chunk_shape(ArraySpec(shape, np.dtype("f4")), growing) == chunk


@given(st.data())
def test_pieces_meet_every_element_once(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=3)))
    chunk = tuple(data.draw(st.integers(1, 4)) for _ in shape)
    cuts = [sorted(data.draw(st.sets(st.integers(0, n))) | {0, n}) for n in shape]
    grid, grows = Grid(shape, chunk), Grid((None, *shape[1:]), chunk)
    whole = np.arange(np.prod(shape)).reshape(shape)
    chunks: dict[int, np.ndarray] = {}
    for spans in itertools.product(*[[slice(*pair) for pair in itertools.pairwise(cut)] for cut in cuts]):
        assert list(grid.pieces(spans)) == list(grows.pieces(spans))
        for piece in grid.pieces(spans):
            chunks.setdefault(piece.chunk, np.full(chunk, -1))[piece.inside] = whole[spans][piece.outside]
    for number, found in chunks.items():
        start = grid.start(number)
        wanted = whole[tuple(slice(s, s + c) for s, c in zip(start, chunk, strict=True))]
        assert grid.elements(number) == wanted.size
        assert grows.start(number) == start
        inside = tuple(slice(0, n) for n in wanted.shape)
        assert (found[inside] == wanted).all()
        found[inside] = -1
        assert (found == -1).all()
    assert len(chunks) == np.prod([-(-n // c) for n, c in zip(shape, chunk, strict=True)])


def test_an_empty_region_meets_no_chunk():
    assert list(Grid((4, 4), (2, 2)).pieces((slice(1, 1), slice(0, 4)))) == []
