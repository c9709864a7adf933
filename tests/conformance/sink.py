"""What every sink must do. A new sink subclasses `SinkSuite` and says how to make it and how to read back."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, ClassVar

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy._dtypes import _BITS
from tf2numpy._errors import InvalidArgument, OutputExists
from tf2numpy._protocols import MappableSink, Sink
from tf2numpy._spans import regions
from tf2numpy._types import ArraySpec, Chunk, Index

EXTENDED = [name for name in _BITS if hasattr(ml_dtypes, name)]
PLAIN = [
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *(">i2", ">u8", ">f4", ">c16"),
]
SHAPES = [(), (1,), (7,), (0,), (3, 0, 2), (0, 5), (4, 5, 6), (1, 2, 1, 2, 1, 2, 1, 2, 1, 3)]


def logical(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name)) if name in EXTENDED else np.dtype(name)


def sample(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int = 0) -> np.ndarray:
    """Give an array of random bits: NaNs with payloads, infinities and subnormals among them."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if dtype.hasobject:
        return np.array([rng.bytes(int(n)) for n in rng.integers(0, 9, count)] + [b""], object)[:-1].reshape(shape)
    bits = rng.integers(0, 256, count * dtype.itemsize, np.uint8)
    if dtype.name.endswith(("int4", "int2", "float4_e2m1fn")):
        bits &= 3 if dtype.name.endswith("int2") else 15
    if dtype.kind == "b":
        bits &= 1
    return bits.view(dtype).reshape(shape)


def assert_same(found: Any, wanted: np.ndarray) -> None:
    """Compare dtype, shape and every bit."""
    assert isinstance(found, np.ndarray)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    if wanted.dtype.hasobject:
        assert found.tolist() == wanted.tolist()
        assert all(type(element) is bytes for element in found.flat)
    else:
        assert found.tobytes() == wanted.tobytes()


def whole(shape: tuple[int, ...]) -> Index:
    return tuple(slice(0, n) for n in shape)


class SinkSuite:
    """Subclass it, and set the hooks and the flags."""

    many_arrays: ClassVar[bool] = True
    strings: ClassVar[bool] = True
    files: ClassVar[bool] = True
    bounded: ClassVar[bool] = True  # rows beyond the spec's are refused

    def make_sink(self, path: Path, overwrite: bool = False) -> Sink:
        raise NotImplementedError

    def read_back(self, path: Path, name: str) -> np.ndarray:
        """Read one array with the format's own library and restore its logical dtype."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "out"

    def fill(self, path: Path, specs: dict[str, ArraySpec], chunks: list[Chunk], overwrite: bool = False) -> Sink:
        sink = self.make_sink(path, overwrite)
        sink.begin(specs)
        for chunk in chunks:
            sink.write(chunk)
        sink.commit()
        return sink

    def fill_one(self, path: Path, array: np.ndarray, pieces: list[Index] | None = None, **spec: Any) -> Sink:
        """Write an array by the regions given; its rows are unknown if the keyword says so."""
        shape = (None, *array.shape[1:]) if spec.get("unknown") else array.shape
        pieces = [whole(array.shape)] if pieces is None else pieces
        chunks = [Chunk("x", index, array[(*index, ...)]) for index in pieces]
        return self.fill(path, {"x": ArraySpec(shape, array.dtype)}, chunks)

    def leftovers(self, path: Path) -> list[str]:
        return sorted(os.listdir(path.parent))

    # What arrives

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_every_dtype_and_shape(self, path, dtype, shape):
        array = sample(shape, logical(dtype))
        self.fill_one(path, array)
        assert_same(self.read_back(path, "x"), array)

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
        array = sample((4, 3, 5), np.dtype(np.float64))
        pieces = list(regions(array.shape, 8, max_bytes))
        np.random.default_rng(1).shuffle(pieces)
        self.fill_one(path, array, pieces)
        assert_same(self.read_back(path, "x"), array)

    def test_rectangles_cut_along_any_axes(self, path):
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
        @settings(max_examples=60, deadline=None)
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
        if not self.strings:
            pytest.skip("this format has no strings")
        array = sample((4, 3), np.dtype(object))
        self.fill_one(path, array, [np.s_[1:4, 1:3], np.s_[0:1, 0:3], np.s_[1:4, 0:1]])
        assert_same(self.read_back(path, "x"), array)

    def test_one_string_without_axes(self, path):
        if not self.strings:
            pytest.skip("this format has no strings")
        array = np.array(b"a\0b", object)
        self.fill(path, {"x": ArraySpec((), array.dtype)}, [Chunk("x", (), array)])
        assert_same(self.read_back(path, "x"), array)

    # What is refused

    @pytest.mark.parametrize(
        ("name", "index", "value", "message"),
        [
            ("y", np.s_[0:1,], np.zeros((1, 3), "f4"), "there is no array 'y' here; there are 'x'"),
            (
                "x",
                np.s_[0:1,],
                np.zeros((1, 3), "f8"),
                "array 'x': the piece [0:1] is float64, the array float32",
            ),
            (
                "x",
                np.s_[0:2, 2:4],
                np.zeros((2, 2), "f4"),
                "array 'x': the piece [0:2, 2:4] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[0:1, 0:3, 0:1],
                np.zeros((1, 3, 1), "f4"),
                "array 'x': the piece [0:1, 0:3, 0:1] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[-1:1,],
                np.zeros((2, 3), "f4"),
                "array 'x': the piece [-1:1] is no region of the shape (4, 3)",
            ),
            (
                "x",
                (slice(0, 4, 2),),
                np.zeros((2, 3), "f4"),
                "array 'x': the piece [0:4] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[1:3,],
                np.zeros((3, 3), "f4"),
                "array 'x': the piece [1:3] holds shape (3, 3), and the region has (2, 3)",
            ),
        ],
    )
    def test_chunks_that_do_not_fit(self, path, name, index, value, message):
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4, 3), np.dtype("f4"))})
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk(name, index, value))
        assert str(caught.value) == message
        sink.abort()

    def test_rows_beyond_the_last(self, path):
        if not self.bounded:
            pytest.skip("takes the number of rows as a hint")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4, 3), np.dtype("f4"))})
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk("x", (slice(3, 5),), np.zeros((2, 3), "f4")))
        assert str(caught.value) == "array 'x': the piece [3:5] is no region of the shape (4, 3)"
        sink.abort()

    @pytest.mark.parametrize(
        ("index", "shown"), [(np.s_[3:4,], "3:4"), (np.s_[1:2,], "1:2"), (np.s_[2:3, 0:1], "2:3, 0:1")]
    )
    def test_unknown_rows_with_gaps(self, path, index, shown):
        array = np.zeros((9, 3), "f4")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((None, 3), array.dtype)})
        sink.write(Chunk("x", (slice(0, 2),), array[:2]))
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk("x", index, array[index]))
        assert str(caught.value) == (
            f"array 'x': the piece [{shown}] must hold whole rows from row 2 on, as the number of rows is not known"
        )
        sink.abort()

    # What becomes visible, and when

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

    # What can be used afterwards

    @pytest.mark.parametrize("dtype", ["float32", ">f8", "bool", "complex64", "bfloat16", "uint4"])
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_mapped_is_the_array_and_writable(self, path, dtype, shape):
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
