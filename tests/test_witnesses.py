"""How the formats' own libraries are read by: each part of a file once, little of it at a time, nothing left behind."""

import gc
import tracemalloc
import zipfile

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _save
from tf2numpy.witnesses import zarr as zarr_witness

KIB = 1024


@pytest.fixture
def checks(monkeypatch):
    """Save a value, and give what checks the output once more."""
    given = []
    whole = _save.check_output
    monkeypatch.setattr(_save, "check_output", lambda *args: given.append(args))

    def saved(value, path, **options):
        t2n.save(value, path, verify=True, **options)
        return lambda: whole(*given[-1])

    return saved


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_member_of_an_npz_is_unpacked_once(tmp_path, monkeypatch, checks, compression):
    """Rows of two arrays come in turns; a deflate stream can only be read on."""
    rows = ({"a": np.full((5, 300), n, "f4"), "b": np.full((5, 40), n, "i8")} for n in range(30))
    check = checks(rows, tmp_path / "x.npz", compression=compression, max_bytes="40KiB")
    given, opened = [], []
    read, open_member = zipfile.ZipExtFile.read, zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda *args: given.append(read(*args)) or given[-1])
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args: opened.append(args[1]) or open_member(*args))
    check()
    assert opened == ["a.npy", "b.npy"]
    assert sum(map(len, given)) == sum(member.file_size for member in zipfile.ZipFile(tmp_path / "x.npz").infolist())


def test_regions_of_an_npz_in_any_order_and_shape(tmp_path):
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    path = t2n.save({"x": array}, tmp_path / "x.npz", compression="gzip")
    from tf2numpy.witnesses.npz import npz

    with npz(path) as show:
        shown = show("x")
        for index in (np.s_[2:4, 1:3, 2:5], np.s_[0:2, 0:5, 0:6], np.s_[1:2, 4:5, 0:6], np.s_[0:4, 0:1, 5:6]):
            np.testing.assert_array_equal(shown.read(index), array[index])


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_a_chunk_of_zarr_is_read_for_all_small_pieces_in_it(tmp_path, monkeypatch, checks, compression):
    pytest.importorskip("zarr")
    pytest.importorskip("zstandard")
    array = np.arange(64 * 60, dtype="f4").reshape(64, 60)
    check = checks(array, tmp_path / "x.zarr", chunks=(16, 20), max_bytes=480, compression=compression)
    read, whole = [], zarr_witness._Blocks._elements
    monkeypatch.setattr(zarr_witness._Blocks, "_elements", lambda self, index: read.append(index) or whole(self, index))
    check()
    assert read == [np.s_[i : i + 16, 0:60] for i in range(0, 64, 16)]


def test_chunks_of_zarr_that_are_too_large_are_not_kept(tmp_path, monkeypatch, checks):
    pytest.importorskip("zarr")
    check = checks(np.arange(1000.0), tmp_path / "x.zarr", chunks=(500,), max_bytes=1600)
    monkeypatch.setattr(zarr_witness, "_MOST_KEPT_BYTES", 3999)
    read, whole = [], zarr_witness._Blocks._elements
    monkeypatch.setattr(zarr_witness._Blocks, "_elements", lambda self, index: read.append(index) or whole(self, index))
    check()
    assert read == [np.s_[i : i + 200,] for i in range(0, 1000, 200)]


@pytest.mark.parametrize("dtype", [ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn])
def test_numpy_is_lent_float8_and_gives_it_back(tmp_path, checks, dtype):
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    check = checks(np.arange(64).astype(dtype), path, max_bytes=16)
    check()
    assert not hasattr(np, np.dtype(dtype).name)
    with safetensors.safe_open(path, framework="numpy") as file, pytest.raises(AttributeError, match="numpy"):
        file.get_slice("data")[0:1]  # the day it can, nothing needs to be lent
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(t2n.VerifyError):
        check()
    assert not hasattr(np, np.dtype(dtype).name)


@pytest.mark.parametrize(
    ("name", "options", "most_kib"),
    [
        ("x.npy", {}, 100),
        ("x.npz", {}, 600),
        ("x.npz", {"compression": "gzip"}, 1000),
        ("x.safetensors", {}, 400),
        ("x.h5", {}, 400),
        ("x.h5", {"compression": "gzip"}, 400),
        ("x.zarr", {"chunks": (512, 128)}, 1400),
        ("x.zarr", {"chunks": (512, 128), "compression": "gzip"}, 1400),
    ],
)
def test_pieces_are_held_one_at_a_time(tmp_path, checks, name, options, most_kib):
    """Of 16 MiB, in pieces, and chunks, of 256 KiB."""
    pytest.importorskip({"safetensors": "safetensors", "zarr": "zarr", "h5": "h5py"}.get(name[2:], "numpy"))
    array = np.random.default_rng(0).integers(0, 9, (32 * KIB, 128)).astype("f4")
    check = checks(array, tmp_path / name, max_bytes="256KiB", **options)
    check()  # what is imported once is not the pieces'
    gc.collect()
    tracemalloc.start()
    try:
        check()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= most_kib * KIB
