"""The options of `save` that concern the format: which one, its compression and chunks; and who is told of progress."""

import os

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

VALUE = np.arange(600.0).reshape(100, 6)


@pytest.mark.parametrize("name", ["npy", ".npy", ".NPY"])
def test_a_format_by_name(tmp_path, name):
    path = t2n.save(VALUE, tmp_path / "x.data", format=name)
    assert path.name == "x.data"
    assert np.load(path).tolist() == VALUE.tolist()


def test_an_unknown_format(tmp_path):
    for options, shown in (({}, ".tiff"), ({"format": "tiff"}, ".tiff")):
        with pytest.raises(t2n.FormatError) as caught:
            t2n.save(VALUE, tmp_path / "x.tiff", **options)
        assert str(caught.value).startswith(
            f"the suffix {shown!r} names no format that can be written; known are .npy, "
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_no_compression_where_there_is_none(tmp_path, suffix):
    with pytest.raises(t2n.FormatError) as caught:
        t2n.save(VALUE, tmp_path / f"x{suffix}", compression="zstd")
    assert str(caught.value).startswith(f"compression='zstd' is not for {suffix} files: the format has none; choose ")
    assert ".zarr" in str(caught.value)
    with fails(
        t2n.FormatError,
        f"compression='lzma' is not for {suffix} files: the format has none; leave compression out",
    ):
        t2n.save(VALUE, tmp_path / f"x{suffix}", compression="lzma")
    assert os.listdir(tmp_path) == []


def test_a_compression_that_the_format_has_not(tmp_path):
    with fails(
        t2n.FormatError, "compression='lzma' is not for .npz files: the format offers 'gzip'; leave compression out"
    ):
        t2n.save(VALUE, tmp_path / "x.npz", compression="lzma")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_no_chunks_where_there_are_none(tmp_path, suffix):
    with pytest.raises(t2n.FormatError) as caught:
        t2n.save(VALUE, tmp_path / f"x{suffix}", chunks=(10, 6))
    assert str(caught.value).startswith(f"{suffix} files have no chunks; leave chunks out, or choose ")


@pytest.mark.parametrize("chunks", [(0, 6), (-1,), (), 4, (1.5, 2), "ab"])
def test_chunks_that_are_no_sizes(tmp_path, chunks):
    message = f"chunks={chunks!r} is no shape of a chunk; give a positive size for each axis"
    with fails(t2n.InvalidArgument, message):
        t2n.save(VALUE, tmp_path / "x.zarr", chunks=chunks)


def test_chunks_as_asked(tmp_path):
    h5py, zarr = pytest.importorskip("h5py"), pytest.importorskip("zarr")
    with h5py.File(t2n.save(VALUE, tmp_path / "x.h5", chunks=(10, 3))) as file:
        assert file["data"].chunks == (10, 3)
        assert file["data"][...].tolist() == VALUE.tolist()
    array = zarr.open_group(t2n.save(VALUE, tmp_path / "x.zarr", chunks=(10, 3)), mode="r")["data"]
    assert array.chunks == (10, 3)
    assert array[...].tolist() == VALUE.tolist()


def test_a_function_is_told_of_progress(tmp_path, capsys):
    told = []
    t2n.save(VALUE, tmp_path / "x.npy", max_bytes=1024, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (VALUE.nbytes, VALUE.nbytes)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 2
    assert capsys.readouterr() == ("", "")


def test_a_function_that_raises_stops_the_save(tmp_path):
    def stop(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        t2n.save(VALUE, tmp_path / "x.npy", progress=stop)
    assert not (tmp_path / "x.npy").exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5", ".zarr", ".safetensors", ""])
def test_every_memory_layout_arrives(tmp_path, suffix):
    whole = np.arange(4 * 5 * 6, dtype="f4").reshape(4, 5, 6)
    for array in (
        np.asfortranarray(whole),
        whole[::2, :, 1:],
        whole[::-1, ::-1],
        np.broadcast_to(whole[:1], whole.shape),
        whole.transpose(2, 0, 1),
        whole.astype(">f4"),
    ):
        path = t2n.save(array, tmp_path / f"x{suffix}", format=None if suffix else "dir", max_bytes=128, overwrite=True)
        with t2n.open(path) as file:
            assert file["data"].dtype == array.dtype
            assert file["data"][...].tolist() == array.tolist()
