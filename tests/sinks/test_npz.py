import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from conformance.sink import DtypeTests, VariantSuite, assert_same, logical, sample
from tf2numpy._errors import FormatError, StorageFull
from tf2numpy._types import PLAIN, ArraySpec, Chunk, Layout
from tf2numpy._workspace import Workspace
from tf2numpy.formats.npz import npz
from tf2numpy.sinks import _npz_deflated, _zip
from tf2numpy.sinks.npz import NpzSink

GZIP = Layout(compression="gzip")


def by_numpy(path, name):
    with np.load(path) as found:
        array = found[name]
    if array.dtype.names is None:
        return array
    (name,) = array.dtype.names
    return array[name].view(logical(name))


def make(path, layout=PLAIN):
    return NpzSink(Workspace(path, overwrite=True), layout)


def written(path, arrays, unknown=(), layout=PLAIN):
    sink = make(path, layout)
    sink.begin({n: ArraySpec((None, *a.shape[1:]) if n in unknown else a.shape, a.dtype) for n, a in arrays.items()})
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape), array))
    sink.commit()
    return path


class NpzSuite(VariantSuite):
    strings = False
    sink = NpzSink
    reader = npz

    def read_back(self, path, name):
        return by_numpy(path, name)


class TestNpz(DtypeTests, NpzSuite):
    pass


class TestNpzDeflated(NpzSuite):
    layout = GZIP


ARRAYS = {
    "b": sample((3,), np.dtype("u1")),
    "layer/kernel": sample((5, 3), np.dtype("f4")),
    "naïve 🙂": sample((2, 2), np.dtype(">f8")),
    "step": sample((), np.dtype("i8")),
    "none": np.zeros((0, 4), "c16"),
    "": np.arange(4000) // 50,
    "../x": np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    "file.npy": np.array([b"ab", b"c"]),
}


@pytest.mark.parametrize("layout", [PLAIN, GZIP], ids=["stored", "deflated"])
@pytest.mark.parametrize("unknown", [(), ("b",), ("b", "layer/kernel", "")], ids=str)
def test_numpy_reads_what_it_reads_of_its_own(tmp_path, layout, unknown):
    written(tmp_path / "ours.npz", ARRAYS, unknown, layout)
    np.savez(tmp_path / "theirs.npz", **ARRAYS)
    with np.load(tmp_path / "ours.npz") as ours, np.load(tmp_path / "theirs.npz") as theirs:
        assert sorted(ours.files) == sorted(theirs.files)
        for name in theirs.files:
            assert_same(ours[name], theirs[name])
    with zipfile.ZipFile(tmp_path / "ours.npz") as archive:
        assert archive.testzip() is None
        assert {member.compress_type for member in archive.infolist()} == {8 if layout is GZIP else 0}


@pytest.mark.parametrize("unknown", [(), ("b",), ("b", "layer/kernel", "")], ids=str)
def test_each_stored_array_can_be_mapped_aligned(tmp_path, unknown):
    path = written(tmp_path / "x.npz", ARRAYS, unknown)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            at = member.header_offset
            start = (
                at
                + 30
                + int.from_bytes(data[at + 26 : at + 28], "little")
                + int.from_bytes(data[at + 28 : at + 30], "little")
            )
            assert start % 64 == 0
            assert data[start : start + 6] == b"\x93NUMPY"


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path, write):
    arrays = ARRAYS | {"fortran": np.asfortranarray(sample((5, 4, 3), np.dtype("f4")))}
    write(tmp_path / "theirs.npz", **arrays)
    found = npz(tmp_path / "theirs.npz", (tmp_path / "theirs.npz").read_bytes()[:64])
    assert list(found.arrays) == list(arrays)
    for name, array in arrays.items():
        assert_same(np.asarray(found.arrays[name].read(())), array)
    assert_same(np.asarray(found.arrays["fortran"].read((slice(1, 3), slice(2, 4)))), arrays["fortran"][1:3, 2:4])
    found.close()


@pytest.mark.parametrize("size", [_npz_deflated._BLOCK_BYTES * k + d for k in (1, 3) for d in (-129, -128, -127, 5)])
def test_blocks_of_any_end_are_one_stream(tmp_path, size):
    array = (np.arange(size) // 1000).astype("u1")
    path = written(tmp_path / "x.npz", {"x": array}, layout=GZIP)
    assert_same(by_numpy(path, "x"), array)
    assert path.stat().st_size < size // 50


def test_compression_is_as_good_as_in_one_go(tmp_path):
    array = np.random.default_rng(0).integers(0, 1 << 12, 1 << 19, np.int32)
    np.savez_compressed(tmp_path / "theirs.npz", x=array)
    ours = written(tmp_path / "ours.npz", {"x": array}, layout=GZIP).stat().st_size
    assert ours < (tmp_path / "theirs.npz").stat().st_size * 1.001


@pytest.mark.parametrize(
    ("nbytes", "at", "count"), [(2**32 - 2, 0, 1), (2**32 - 1, 5, 1), (2**40, 2**41, 2), (7, 2**32, 3), (7, 9, 70_000)]
)
def test_the_directory_of_large_archives(nbytes, at, count):
    members = [_zip.Member(f"{i}.npy", at + i, crc=i, nbytes=nbytes, packed_nbytes=nbytes) for i in range(count)]
    text = _zip.directory(members, at + count)
    archive = zipfile.ZipFile(Shifted(text, at + count))
    assert [(m.filename, m.header_offset, m.CRC, m.file_size, m.compress_size) for m in archive.infolist()] == [
        (f"{i}.npy", at + i, i, nbytes, nbytes) for i in range(count)
    ]


class Shifted(io.BytesIO):
    """A file that begins with more zeros than fit into memory."""

    def __init__(self, text, by):
        super().__init__(text)
        self.by = by

    def seek(self, offset, whence=0):
        return super().seek(max(0, offset - self.by) if whence == 0 else offset, whence) + self.by

    def tell(self):
        return super().tell() + self.by


@pytest.mark.slow
def test_a_member_beyond_four_gigabytes(tmp_path):
    sink = make(tmp_path / "x.npz")
    rows = (1 << 32) + 5
    sink.begin({"x": ArraySpec((rows,), np.dtype("u1")), "y": ArraySpec((3,), np.dtype("i4"))})
    sink.write(Chunk("x", (slice(rows - 3, rows),), np.arange(3, dtype="u1")))
    sink.write(Chunk("y", (slice(0, 3),), np.arange(3, dtype="i4")))
    sink.commit()
    assert by_numpy(tmp_path / "x.npz", "y").tolist() == [0, 1, 2]
    found = npz(tmp_path / "x.npz", b"PK\3\4").arrays["x"]
    assert found.read((slice(rows - 4, rows),)).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a\0b"], "the name 'a\\x00b' has a NUL character, which .npz files cannot hold; rename the array"),
        (["a\udcff"], "the name 'a\\udcff' is not valid Unicode, which .npz files cannot hold; rename the array"),
        (
            ["é" * 30_001],
            f"the name {'é' * 200!r} has 60002 bytes, more than 60000, which .npz files cannot hold; rename the array",
        ),
        (
            ["b", "a.npy", "a"],
            "the names 'a' and 'a.npy' cannot be in one .npz file: np.load takes both "
            "for the first; rename one of them",
        ),
    ],
)
def test_names_that_do_not_fit(tmp_path, names, message):
    with pytest.raises(FormatError) as caught:
        make(tmp_path / "x.npz").begin({name: ArraySpec((2,), np.dtype("f4")) for name in names})
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_numpy_mixes_up_a_name_with_its_own_suffix(tmp_path):
    np.savez(tmp_path / "x.npz", **{"a": np.zeros(1), "a.npy": np.ones(1)})
    assert by_numpy(tmp_path / "x.npz", "a.npy").tolist() == [0]


def test_the_longest_name(tmp_path):
    name = "x" * 60_000
    written(tmp_path / "x.npz", {name: np.ones(2)})
    assert by_numpy(tmp_path / "x.npz", name).tolist() == [1, 1]


def test_no_strings(tmp_path):
    with pytest.raises(
        FormatError, match=r"array 's' has dtype object: \.npy files, alone, .* choose a \.h5 or \.zarr"
    ):
        make(tmp_path / "x.npz").begin({"s": ArraySpec((None,), np.dtype(object))})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", [PLAIN, GZIP], ids=["stored", "deflated"])
def test_too_large_from_the_start(tmp_path, layout):
    with pytest.raises(StorageFull):
        make(tmp_path / "x.npz", layout).begin({"x": ArraySpec((1 << 60,), np.dtype("u1"))})
    assert list(tmp_path.iterdir()) == []


def test_compressing_takes_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    sink = make(tmp_path / "x.npz", GZIP)
    sink.begin({"x": ArraySpec((64 << 20,), np.dtype("u1"))})
    tracemalloc.start()
    sink.commit()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20
