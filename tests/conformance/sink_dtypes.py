"""Every dtype in every shape, written and read: a part of `SinkSuite` that variants of a format need not repeat."""

from __future__ import annotations

import numpy as np
import pytest

from tf2numpy._types import ArraySpec, Request

from .arrays import EXTENDED, PLAIN, SHAPES, assert_same, logical, sample


class DtypeTests:
    """The format's own library and our reader give back each bit."""

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_every_dtype_and_shape(self, path, dtype, shape):
        self.needs_rows(shape)
        array = sample(shape, logical(dtype))
        self.fill_one(path, array)
        assert_same(self.read_back(path, "x"), array)

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_verifying_every_dtype_and_shape(self, path, dtype, shape):
        self.needs_rows(shape)
        array = sample(shape, logical(dtype))
        pieces = self.pieces(shape, array.itemsize, 64)
        chunks = self.written(path, array, pieces)
        self.verify(path, {"x": ArraySpec(shape, array.dtype)}, chunks)

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_reading_every_dtype_and_shape(self, path, dtype, shape):
        self.needs_rows(shape)
        array = sample(shape, logical(dtype))
        self.fill_one(path, array)
        stored = self.stored(path)
        ((name, found),) = stored.arrays.items()
        assert name in ("x", "data")
        assert (found.spec.shape, found.spec.dtype) == (array.shape, array.dtype)
        copy = found.fetch(Request())
        assert_same(copy, array)
        assert copy.flags.writeable
        assert_same(np.asarray(found.fetch(Request(copy=None))), array)
        stored.close()
        assert_same(copy, array)
