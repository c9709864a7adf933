"""What arrives in a sink: a part of `SinkSuite`."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy._spans import regions
from tf2numpy._types import ArraySpec, Chunk

from .arrays import EXTENDED, PLAIN, assert_same, logical, sample


class ArrivalTests:
    """Every array arrives bit for bit, whatever its dtype, shape, layout and pieces."""

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    def test_every_dtype_in_unknown_rows(self, path, dtype):
        array = sample((11, 3), logical(dtype))
        self.fill_one(path, array, [np.s_[0:4,], np.s_[4:5,], np.s_[5:11,]], unknown=True)
        assert_same(self.read_back(path, "x"), array)

    @pytest.mark.parametrize(
        "layout",
        [
            lambda a: np.asfortranarray(a),
            lambda a: a[::2, :, 1:],
            lambda a: a[::-1, ::-1],
            lambda a: np.broadcast_to(a[:1], a.shape),
            lambda a: np.broadcast_to(a.flat[0], a.shape),
            lambda a: a.transpose(2, 0, 1),
            lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
        ],
        ids=["fortran", "strided", "reversed", "broadcast rows", "broadcast", "transposed", "unaligned, read-only"],
    )
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16", ">c16"])
    @pytest.mark.parametrize("unknown", [False, True])
    def test_any_memory_layout(self, path, layout, dtype, unknown):
        array = layout(sample((6, 5, 4), logical(dtype)))
        self.fill_one(path, array, unknown=unknown)
        assert_same(self.read_back(path, "x"), array.copy())

    @pytest.mark.parametrize("max_bytes", [8, 24, 40, 96, 10_000])
    def test_regions_out_of_order(self, path, max_bytes):
        self.needs_any_regions()
        array = sample((4, 3, 5), np.dtype(np.float64))
        pieces = list(regions(array.shape, 8, max_bytes))
        np.random.default_rng(1).shuffle(pieces)
        self.fill_one(path, array, pieces)
        assert_same(self.read_back(path, "x"), array)

    def test_rectangles_cut_along_any_axes(self, path):
        self.needs_any_regions()
        array = sample((4, 6, 5), np.dtype(np.int16))
        pieces = [
            (slice(r, r + 2), slice(c, c + 3), slice(d, d + w))
            for r in (2, 0)
            for c in (0, 3)
            for d, w in ((2, 3), (0, 2))
        ]
        self.fill_one(path, array, pieces)
        assert_same(self.read_back(path, "x"), array)

    def test_empty_regions_change_nothing(self, path):
        self.needs_any_regions()
        array = sample((4, 3), np.dtype(np.int32))
        self.fill_one(path, array, [(slice(2, 2),), (slice(0, 4),), (slice(4, 4), slice(1, 1))])
        assert_same(self.read_back(path, "x"), array)

    @pytest.mark.parametrize("sizes", [[], [0], [1], [3, 0, 1, 900, 2, 90], [1] * 40], ids=str)
    @pytest.mark.parametrize("rest", [(), (3,), (2, 0), (0, 4)], ids=str)
    def test_unknown_rows(self, path, sizes, rest):
        ends = np.cumsum([0, *sizes]).tolist()
        array = sample((ends[-1], *rest), np.dtype(np.float32))
        self.fill_one(path, array, [(slice(a, b),) for a, b in itertools.pairwise(ends)], unknown=True)
        assert_same(self.read_back(path, "x"), array)

    def test_unknown_rows_of_several_megabytes(self, path):
        array = sample((1200, 4096), np.dtype(np.float32))
        ends = [0, 1, 300, 301, 900, 901, 1199, 1200]
        self.fill_one(path, array, [(slice(a, b),) for a, b in itertools.pairwise(ends)], unknown=True)
        assert_same(self.read_back(path, "x"), array)

    def test_unknown_rows_larger_than_any_piece(self, path):
        array = sample((3, 5 << 20), np.dtype(np.uint8))
        self.fill_one(path, array, [(slice(i, i + 1),) for i in range(3)], unknown=True)
        assert_same(self.read_back(path, "x"), array)

    def test_any_chunking_gives_the_source(self, tmp_path_factory):
        self.needs_any_regions()

        @settings(max_examples=60)
        @given(data=st.data())
        def check(data: st.DataObject) -> None:
            path = tmp_path_factory.mktemp("any") / "out"
            shape = tuple(data.draw(st.lists(st.integers(0, 6), min_size=0, max_size=4), label="shape"))
            dtype = logical(data.draw(st.sampled_from(["u1", "bfloat16", ">f4", "complex64"]), label="dtype"))
            array = sample(shape, dtype)
            cuts = [sorted(data.draw(st.sets(st.integers(0, n)), label="cuts") | {0, n}) for n in shape]
            spans = [[slice(a, b) for a, b in itertools.pairwise(c)] or [slice(0, 0)] for c in cuts]
            pieces = list(itertools.product(*spans))
            self.fill_one(path, array, data.draw(st.permutations(pieces), label="order"))
            assert_same(self.read_back(path, "x"), array)

        check()

    def test_several_arrays_side_by_side(self, path):
        self.needs_rows(())
        if not self.many_arrays:
            pytest.skip("one array per file")
        arrays = {
            "a": sample((5, 2), logical("bfloat16"), 1),
            "group/b": sample((5,), np.dtype(bool), 2),
            "group/deep/c é": sample((), np.dtype(np.int64), 3),
            "rows": sample((5, 3), np.dtype(np.float32), 4),
            "more rows": sample((5, 1), logical("int4"), 5),
        }
        specs = {
            name: ArraySpec((None, *array.shape[1:]) if "rows" in name else array.shape, array.dtype)
            for name, array in arrays.items()
        }
        chunks = [
            Chunk(name, (slice(i, i + 1),), array[i : i + 1])
            for i in range(5)
            for name, array in arrays.items()
            if array.ndim
        ]
        chunks.insert(7, Chunk("group/deep/c é", (), arrays["group/deep/c é"]))
        self.fill(path, specs, chunks)
        for name, array in arrays.items():
            assert_same(self.read_back(path, name), array)

    @pytest.mark.parametrize("unknown", [False, True])
    @pytest.mark.parametrize("shape", [(0,), (1,), (5000,), (40, 3, 2)], ids=str)
    def test_strings(self, path, shape, unknown):
        if not self.strings:
            pytest.skip("this format has no strings")
        array = sample(shape, np.dtype(object))
        if array.size > 3:
            array.flat[1], array.flat[2], array.flat[3] = b"", b"\0a\0\0b\0", "naïve".encode()
        pieces = [(slice(0, 1),), (slice(1, shape[0]),)] if shape[0] else [(slice(0, 0),)]
        self.fill_one(path, array, pieces, unknown=unknown)
        assert_same(self.read_back(path, "x"), array)

    def test_strings_by_rectangles(self, path):
        self.needs_any_regions()
        if not self.strings:
            pytest.skip("this format has no strings")
        array = sample((4, 3), np.dtype(object))
        self.fill_one(path, array, [np.s_[1:4, 1:3], np.s_[0:1, 0:3], np.s_[1:4, 0:1]])
        assert_same(self.read_back(path, "x"), array)

    def test_one_string_without_axes(self, path):
        self.needs_rows(())
        if not self.strings:
            pytest.skip("this format has no strings")
        array = np.array(b"a\0b", object)
        self.fill(path, {"x": ArraySpec((), array.dtype)}, [Chunk("x", (), array)])
        assert_same(self.read_back(path, "x"), array)
