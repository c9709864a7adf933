"""What becomes visible of a sink's output, when, and what can be used afterwards: a part of `SinkSuite`."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tf2numpy._errors import InvalidArgument, OutputExists
from tf2numpy._protocols import MappableSink
from tf2numpy._types import ArraySpec, Chunk

from .arrays import SHAPES, assert_same, logical, sample


class OutputTests:
    """Nothing is visible before it is whole, and what is mapped then is the array itself."""

    @pytest.mark.parametrize("unknown", [False, True])
    def test_nothing_is_visible_before_commit(self, path, unknown):
        if not self.files:
            pytest.skip("writes no file")
        array = sample((4, 3), np.dtype(np.float32))
        sink = self.make_sink(path)
        assert self.leftovers(path) == []
        sink.begin({"x": ArraySpec((None if unknown else 4, 3), array.dtype)})
        sink.write(Chunk("x", (slice(0, 4),), array))
        (hidden,) = self.leftovers(path)
        assert hidden.startswith(".out.")
        assert hidden.endswith(".partial")
        sink.commit()
        assert self.leftovers(path) == ["out"]
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask

    @pytest.mark.parametrize("unknown", [False, True])
    def test_abort_leaves_nothing(self, path, unknown):
        array = sample((4, 3), np.dtype(np.float32))
        sink = self.make_sink(path)
        sink.abort()
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((None if unknown else 4, 3), array.dtype)})
        sink.write(Chunk("x", (slice(0, 2),), array[:2]))
        sink.abort()
        sink.abort()
        assert self.leftovers(path) == []

    @pytest.mark.parametrize("unknown", [False, True])
    def test_abort_after_commit_does_nothing(self, path, unknown):
        array = sample((4, 3), np.dtype(np.float32))
        sink = self.fill_one(path, array, unknown=unknown)
        sink.abort()
        assert_same(self.read_back(path, "x"), array)

    def test_an_exception_leaves_nothing_under_the_name(self, path):
        if not self.files:
            pytest.skip("writes no file")
        path.write_bytes(b"old")
        sink = self.make_sink(path, overwrite=True)
        sink.begin({"x": ArraySpec((4, 3), np.dtype("f4"))})
        with pytest.raises(InvalidArgument):
            sink.write(Chunk("x", (slice(0, 2),), np.zeros((9, 3), "f4")))
        assert path.read_bytes() == b"old"
        sink.abort()
        assert self.leftovers(path) == ["out"]

    def test_existing_output_stays(self, path):
        if not self.files:
            pytest.skip("writes no file")
        path.write_bytes(b"old")
        with pytest.raises(OutputExists) as caught:
            self.make_sink(path)
        assert str(caught.value) == (
            f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
        )
        assert path.read_bytes() == b"old"
        assert self.leftovers(path) == ["out"]

    def test_output_that_appears_meanwhile_stays(self, path):
        if not self.files:
            pytest.skip("writes no file")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4,), np.dtype("f4"))})
        path.write_bytes(b"theirs")
        with pytest.raises(OutputExists) as caught:
            sink.commit()
        assert str(caught.value) == (
            f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
        )
        sink.abort()
        assert path.read_bytes() == b"theirs"
        assert self.leftovers(path) == ["out"]

    def test_overwrite_replaces(self, path):
        if not self.files:
            pytest.skip("writes no file")
        array = sample((4, 3), np.dtype(np.float32))
        path.write_bytes(b"old")
        self.fill(path, {"x": ArraySpec((4, 3), array.dtype)}, [Chunk("x", (), array)], overwrite=True)
        assert_same(self.read_back(path, "x"), array)
        assert self.leftovers(path) == ["out"]

    @pytest.mark.parametrize("dtype", ["float32", ">f8", "bool", "complex64", "bfloat16", "uint4"])
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_mapped_is_the_array_and_writable(self, path, dtype, shape):
        self.needs_rows(shape)
        array = sample(shape, logical(dtype))
        sink = self.fill_one(path, array)
        if not isinstance(sink, MappableSink):
            pytest.skip("not mappable")
        (found,) = sink.mapped().values()
        assert list(sink.mapped()) == ["x"]
        assert_same(np.asarray(found), array)
        assert found.flags.writeable
        assert found.flags.aligned
        assert isinstance(found, np.memmap) == (array.size > 0)
        changed = sample(shape, array.dtype, seed=1)
        found[...] = changed
        if isinstance(found, np.memmap):
            found.flush()
        assert_same(self.read_back(path, "x"), changed)

    def test_mapped_before_commit(self, path):
        sink = self.make_sink(path)
        if not isinstance(sink, MappableSink):
            pytest.skip("not mappable")
        with pytest.raises(InvalidArgument) as caught:
            sink.mapped()
        assert str(caught.value) == "nothing is committed yet, so nothing can be mapped; call commit() first"
