import json
import os
import threading

import numpy as np
import pytest

from conformance.sink import SinkSuite, assert_same, logical, sample
from conformance.sink_resume import contents
from tf2numpy._errors import FormatError, InvalidArgument, OutputExists, StorageFull
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._workspace import Workspace
from tf2numpy.formats.folder import folder
from tf2numpy.sinks import _npy_folder
from tf2numpy.sinks.folder import FolderSink


def load_npy(path):
    array = np.load(path)
    if array.dtype.names is None:
        return array
    (name,) = array.dtype.names
    return array[name].view(logical(name))


def make(path, **options):
    return FolderSink(Workspace(path, marker="arrays.json", **{"overwrite": False, **options}))


def written(path, arrays, **options):
    sink = make(path, **options)
    sink.begin({name: ArraySpec(array.shape, array.dtype) for name, array in arrays.items()})
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape), array))
    sink.commit()


class TestFolder(SinkSuite):
    strings = False
    sink = FolderSink
    reader = folder
    marker = "arrays.json"

    def read_back(self, path, name):
        return load_npy(path / json.loads((path / "arrays.json").read_text())["arrays"][name])

    @pytest.mark.parametrize("unknown", [False, True])
    def test_nothing_is_visible_before_commit(self, path, unknown):
        array = sample((4, 3), np.dtype(np.float32))
        sink = self.make_sink(path)
        assert self.leftovers(path) == []
        sink.begin({"a/x": ArraySpec((None if unknown else 4, 3), array.dtype)})
        sink.write(Chunk("a/x", (slice(0, 4),), array))
        assert self.leftovers(path) == [".out.partial"]
        sink.commit()
        assert self.leftovers(path) == ["out"]
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o777 & ~umask
        assert (path / "a").stat().st_mode & 0o777 == 0o777 & ~umask
        assert (path / "a" / "x.npy").stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_lies_in_the_folder(tmp_path):
    written(tmp_path / "out", {"a": np.zeros(2), "a/b": np.ones(3), "../x": np.ones(1), "": np.ones(4)})
    assert sorted(contents(tmp_path / "out")) == ["%.npy", "%2E%2E/x.npy", "a.npy", "a/b.npy", "arrays.json"]
    assert json.loads((tmp_path / "out" / "arrays.json").read_text()) == {
        "format": "tf2numpy folder of .npy files",
        "version": 1,
        "arrays": {"a": "a.npy", "a/b": "a/b.npy", "../x": "%2E%2E/x.npy", "": "%.npy"},
    }
    assert np.load(tmp_path / "out" / "a" / "b.npy").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "a/../../b",
        "/abs",
        "//",
        ".hidden",
        "CON",
        "x" * 5000,
        "/".join(["deep"] * 1000),
        "\0",
        "arrays.json/x",
        "é/日本",
        "a\udcff",
        "a\\b",
        "C:x",
        "arrays",
        " ",
        "a.",
        "~",
        "-rf",
        "%2E%2E",
        "x.npy/y",
        "\U0001f642" * 200,
    ],
    ids=ascii,
)
def test_no_name_leaves_the_folder(tmp_path, name):
    inner = tmp_path / "inner"
    inner.mkdir()
    arrays = {name: sample((3,), np.dtype("f4")), "x": np.zeros(1), "arrays": np.ones(1)}
    written(inner / "out", arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
    assert [path.name for path in inner.iterdir()] == ["out"]
    assert len(contents(inner / "out")) == len(arrays) + 1
    found = folder(inner / "out", b"").arrays
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        assert_same(np.asarray(found[key].read(())), array)


def test_more_arrays_than_may_be_open(tmp_path, monkeypatch):
    monkeypatch.setattr(_npy_folder, "_MOST_OPEN", 3)
    arrays = {f"g{i % 4}/x{i}": sample((8, 3), np.dtype("f4"), i) for i in range(20)}
    sink = make(tmp_path / "out")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    sink.begin({name: ArraySpec((None, 3) if i % 2 else (8, 3), np.dtype("f4")) for i, name in enumerate(arrays)})
    for start in range(0, 8, 4):
        for name, array in arrays.items():
            sink.write(Chunk(name, (slice(start, start + 4),), array[start : start + 4]))
        sink.sync()
        if before is not None:
            assert len(os.listdir("/proc/self/fd")) <= before + 4  # the lock too
    sink.commit()
    found = folder(tmp_path / "out", b"").arrays
    for name, array in arrays.items():
        assert_same(np.asarray(found[name].read(())), array)


def test_every_file_and_folder_is_durable_before_it_is_published(tmp_path, monkeypatch):
    synced, real = [], os.fsync

    def fsync(fd):
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))
        real(fd)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: (synced.append("renamed"), rename(a, b)))
    written(tmp_path / "out", {"a/b": np.zeros(1), "a/c/d": np.zeros(1)})
    assert {"b.npy", "d.npy", "arrays.json", "a", "c", "output"} <= set(synced[: synced.index("renamed")])


def test_a_failed_sync_is_made_up_for(tmp_path, monkeypatch):
    sink = make(tmp_path / "out")
    sink.begin({"a": ArraySpec((2,), np.dtype("u1"))})
    sink.sync()
    sink.write(Chunk("a", (slice(0, 2),), np.zeros(2, "u1")))
    synced = []

    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(_npy_folder, "_sync", fail)
    with pytest.raises(OSError, match="Input/output"):
        sink.sync()
    monkeypatch.setattr(_npy_folder, "_sync", lambda path: synced.append(path.name))
    sink.sync()
    sink.sync()
    assert synced == ["a.npy"]
    sink.abort()


def test_syncing_in_another_thread(tmp_path):
    arrays = {f"x{i}": sample((100, 64), np.dtype("f4"), i) for i in range(80)}
    sink = make(tmp_path / "out")
    sink.begin({name: ArraySpec((None, 64), np.dtype("f4")) for name in arrays})
    failed, stop = [], threading.Event()

    def syncing():
        try:
            while not stop.is_set():
                sink.sync()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=syncing)
    thread.start()
    for row in range(0, 100, 10):
        for name, array in arrays.items():
            sink.write(Chunk(name, (slice(row, row + 10),), array[row : row + 10]))
    stop.set()
    thread.join()
    sink.commit()
    assert failed == []
    found = folder(tmp_path / "out", b"").arrays
    for name, array in arrays.items():
        assert_same(np.asarray(found[name].read(())), array)


def test_only_a_folder_of_ours_is_replaced(tmp_path):
    written(tmp_path / "out", {"a": np.zeros(2), "old": np.ones(2)})
    with pytest.raises(OutputExists):
        make(tmp_path / "out")
    written(tmp_path / "out", {"a": np.ones(3)}, overwrite=True)
    assert sorted(contents(tmp_path / "out")) == ["a.npy", "arrays.json"]
    (tmp_path / "theirs").mkdir()
    with pytest.raises(InvalidArgument) as caught:
        make(tmp_path / "theirs", overwrite=True)
    assert str(caught.value) == (
        f"{str(tmp_path / 'theirs')!r} is a folder without 'arrays.json' in it, so it is none that was saved here; "
        "choose another name"
    )


def test_no_strings(tmp_path):
    with pytest.raises(FormatError) as caught:
        make(tmp_path / "out").begin({"s": ArraySpec((None,), np.dtype(object))})
    assert str(caught.value) == (
        "array 's' has dtype object: .npy files, alone, in a folder or in a .npz file, hold strings and other Python "
        "objects only as pickles, which are unsafe to load; choose a .h5 or .zarr path for strings, and give numbers a "
        "dtype of numbers, np.asarray(x, 'float64')"
    )
    assert list(tmp_path.iterdir()) == []


def test_too_large_from_the_start(tmp_path):
    with pytest.raises(StorageFull):
        make(tmp_path / "out").begin({"x": ArraySpec((1 << 60,), np.dtype("u1"))})
    assert list(tmp_path.iterdir()) == []
