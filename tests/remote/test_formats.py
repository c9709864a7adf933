"""Every format that is written here, read from a store in every way: whole, by region, in pieces."""

from __future__ import annotations

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy._places import place_of

from .outcomes import npy
from .test_golden import GOLDEN

NUMBERS = {
    "a": np.arange(600, dtype=np.float32).reshape(20, 5, 6),
    "deep/er": np.arange(7, dtype=">i8"),
    "empty": np.zeros((0, 3), np.int16),
    "one": np.array(2.5),
    "fortran": np.asfortranarray(np.arange(35.0).reshape(5, 7)),
}
TEXTS = {"texts": np.array([b"x", b"", b"y\x00z" * 100], object)}
CASES = [
    ("npy", ".npy", {}, {"data": NUMBERS["a"]}),
    ("npy-fortran", ".npy", {}, {"data": NUMBERS["fortran"]}),
    ("npz", ".npz", {}, NUMBERS),
    ("npz-gzip", ".npz", {"compression": "gzip"}, NUMBERS),
    ("safetensors", ".safetensors", {}, NUMBERS),
    ("folder", "", {"format": "dir"}, NUMBERS),
    ("hdf5", ".h5", {}, NUMBERS | TEXTS),
    ("hdf5-gzip", ".h5", {"compression": "gzip", "chunks": (3,)}, NUMBERS | TEXTS),
    ("zarr", ".zarr", {}, NUMBERS | TEXTS),
    ("zarr-zstd", ".zarr", {"compression": "zstd"}, NUMBERS | TEXTS),
    ("zarr-chunks", ".zarr", {"chunks": (3, 2, 2)}, {"data": NUMBERS["a"]}),
]
INDEXES = [(), (slice(1, 3),), (0,), (slice(2, 20, 5),), (slice(None), slice(1, 3)), (..., 2), (slice(3, 3),)]


@pytest.mark.parametrize(("name", "suffix", "options", "arrays"), CASES, ids=[case[0] for case in CASES])
def test_as_on_the_disk(bucket, tmp_path, name, suffix, options, arrays):
    if suffix == ".h5":
        pytest.importorskip("h5py")
    path = tmp_path / f"{name}{suffix}"
    if suffix == ".npy":
        np.save(path, arrays["data"])
    else:
        t2n.save(arrays.get("data", arrays) if len(arrays) == 1 else arrays, path, **options)
    stored = f"formats/{path.name}"
    if path.is_dir():
        bucket.put_folder(path, stored)
    else:
        bucket.put(stored, path.read_bytes())
    with t2n.open(path) as local, t2n.open(bucket.url(stored)) as remote:
        assert (remote.kind, list(remote), str(remote.path)) == (local.kind, list(local), bucket.url(stored))
        for key, array in local.items():
            found = remote[key]
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(array))
            for index in INDEXES:
                if len(index) <= array.ndim and not (index == (0,) and array.shape[:1] == (0,)):
                    np.testing.assert_array_equal(found[index], array[index])
        pieces = {name: np.zeros(array.shape, array.dtype) for name, array in local.items()}
        for chunk in t2n.iter_chunks(remote, max_bytes="100KiB"):
            pieces[chunk.name][chunk.index] = chunk.value
        for key, array in local.items():
            np.testing.assert_array_equal(pieces[key], np.asarray(array))


def test_a_sharded_zarr_array_of_which_chunks_are_missing(s3, tmp_path):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(tmp_path / "x.zarr", shape=(40, 6), chunks=(2, 3), shards=(10, 6), dtype="f4")
    array[5:17, 2:4] = 1.5
    s3.put_folder(tmp_path / "x.zarr", "sharded.zarr")
    with t2n.open(s3.url("sharded.zarr")) as file:
        np.testing.assert_array_equal(file["data"][...], array[...])
        np.testing.assert_array_equal(file["data"][9:12, 1:], array[9:12, 1:])


def test_a_chunk_is_fetched_with_one_request(s3, tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (8, 1 << 18), np.uint8)
    t2n.save(array, tmp_path / "x.zarr", compression="zstd", chunks=(1, 1 << 18))
    s3.put_folder(tmp_path / "x.zarr", "chunks.zarr")
    with t2n.open(s3.url("chunks.zarr")) as file:
        before = len(s3.requests)
        np.testing.assert_array_equal(file["data"][2:5], array[2:5])
        assert len(s3.requests) - before == 3


@pytest.mark.parametrize("lists", [True, False])
def test_a_cache_that_is_being_written(web, s3, lists):
    store = s3 if lists else web
    for name in ("plain.index", "plain.data-00000-of-00001"):
        store.put(f"cache/{name}", (GOLDEN / "tf_data" / "cache" / name).read_bytes())
    store.put("cache/plain_0.lockfile", b"")
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(store.url("cache/plain"))
    assert str(caught.value) == (
        f"'{store.url('cache/plain.index')}' cannot be read: it is being written, or its writer was stopped: there is "
        "'plain_0.lockfile'; wait, or write it anew"
    )


def test_an_event_log_that_is_cut_short(web):
    name = "events.out.tfevents.0.host"
    web.put(name, (GOLDEN / "events" / "v2" / name).read_bytes()[:-1])
    with t2n.open(f"{web.url(name)}?sig=SECRET") as file:
        assert list(file.left_out) == [name]
        assert "SECRET" not in repr(file) + file.left_out[name]


def test_a_listing_of_several_pages(s3, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")
    for number in range(12):
        s3.put(f"pages/{number}/x", b"")
    s3.put("pages/file", b"")
    folder = place_of(s3.url("pages"))
    before = len(s3.requests)
    assert {one.name for one in folder.iterdir()} == {*map(str, range(12)), "file"}
    assert len(s3.requests) - before > 1


def test_odd_names(bucket):
    for name in ("with space/ü 100%.npy", "a%20b.npy", "q?x=1#y.npy", "plus+and&.npy"):
        bucket.put(f"odd/{name}", npy(np.arange(3)))
        with t2n.open(bucket.url(f"odd/{name}")) as file:
            assert file["data"][...].tolist() == [0, 1, 2], name


def test_a_folder_that_is_only_marked(s3):
    s3.put("marked/", b"")
    with pytest.raises(FileNotFoundError, match=r"^\[Errno 2\] there is no such object: 's3://bucket/marked'$"):
        t2n.open(s3.url("marked/"))


def test_records_in_a_store_have_no_index(web):
    name = "x.tfrecord"
    web.put(name, (GOLDEN / "examples" / "examples-none.tfrecord").read_bytes())
    with fails(
        t2n.InvalidArgument,
        f"index=True keeps where the records of a file lie, and {web.url(name)!r} lies in a store, where nothing is "
        "written; copy it to a disk first",
    ):
        t2n.open(web.url(name), index=True)
