"""What our own reader gives of a finished output: a part of `SinkSuite`."""

from __future__ import annotations

import numpy as np
import pytest

from tf2numpy._spans import regions
from tf2numpy._types import Request

from .arrays import assert_same, logical, sample


class ReadingTests:
    """The arrays come back under their names with their logical dtypes, whole or in pieces."""

    def stored(self, path):
        if not self.files:
            pytest.skip("writes no file")
        head = path.read_bytes()[:64] if path.is_file() else b""
        found = type(self).reader(path, head)
        assert found is not None
        return found

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_reading_pieces(self, path, dtype):
        array = sample((7, 4, 5), logical(dtype))
        self.fill_one(path, array, unknown=True)
        stored = self.stored(path)
        (found,) = stored.arrays.values()
        for max_bytes in (8, 16, 100, 10_000):
            again = np.zeros_like(array)
            for index in found.regions(max_bytes):
                piece = found.read(index)
                assert piece.nbytes <= max_bytes
                again[index] = piece
            assert_same(again, array)
        assert list(found.regions(100)) == list(regions(array.shape, array.itemsize, 100))
        stored.close()

    def test_reading_what_was_interrupted(self, path):
        """Many arrays of all sorts, growing ones and strings among them."""
        specs = {name: spec for name, (spec, _) in self.columns().items()}
        if not self.files:
            pytest.skip("writes no file")
        sink = self.make_sink(path)
        sink.begin(specs)
        self.rows(sink, 0, 40)
        sink.commit()
        stored = self.stored(path)
        expected = {name: array for name, (_, array) in self.columns().items()}
        if not self.many_arrays:
            expected = {"data": next(iter(expected.values()))}
        assert sorted(stored.arrays) == sorted(expected)
        for name, array in expected.items():
            assert_same(np.asarray(stored.arrays[name].fetch(Request())), array)
        stored.close()

    def test_other_files_are_not_taken_for_ours(self, tmp_path):
        if not self.files:
            pytest.skip("writes no file")
        (tmp_path / "folder").mkdir()
        (tmp_path / "other").write_bytes(b"something else entirely, long enough to be something")
        (tmp_path / "empty").touch()
        for name in ("folder", "other", "empty"):
            assert (
                type(self).reader(tmp_path / name, (tmp_path / name).read_bytes()[:64] if name != "folder" else b"")
                is None
            )
