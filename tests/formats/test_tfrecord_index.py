"""The index beside TFRecords: the same arrays without a pass over the file; what is done with one that does not fit."""

import errno
import gzip
import os
import shutil
import tempfile
import threading

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy._blobs import Mapped

from .example_files import GOLDEN, flat, row, sequence, written

MANY = 2000


def some_rows(start=0):
    for n in range(start, start + MANY):
        more = {"late": [float(n)]} if n % 7 == 0 else {}
        yield row(n=[n], v=[1.0, float(n)], w=("bytes", [b"w"] * (n % 4)), pad=[bytes(1500)], **more)


@pytest.fixture
def path(tmp_path):
    """A file of several groups."""
    return written(tmp_path / "x.tfrecord", *some_rows())


@pytest.fixture
def read(monkeypatch):
    """How many bytes of mapped files were looked at."""
    found, original = [0], Mapped.read

    def counting(self, start, stop):
        found[0] += stop - start
        return original(self, start, stop)

    monkeypatch.setattr(Mapped, "read", counting)
    return found


def beside(path):
    return path.with_name(f".{path.name}.t2n-index")


def same(found, wanted):
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_slice_reads_its_groups_alone(path, read):
    assert t2n.open(path, index=True)["n"][1500] == 1500
    assert beside(path).stat().st_size < 4096 < path.stat().st_size / 500
    first, read[0] = read[0], 0
    with t2n.open(path, index=True) as file:
        assert file["n"][1500] == 1500
        assert file["w/row_splits"][-1] == sum(n % 4 for n in range(MANY))
        assert file["late/missing"][6:9].tolist() == [True, False, True]
    assert first > path.stat().st_size
    assert read[0] < path.stat().st_size


@pytest.mark.parametrize("name", ["examples-none", "sequences-none"])
def test_arrays_are_those_without_an_index(tmp_path, name):
    path = shutil.copy(GOLDEN / f"{name}.tfrecord", tmp_path / "x")
    for _ in range(2):
        found = t2n.open(path, index=True)
        same(flat(found), flat(t2n.open(path)))
        assert dict(found.left_out) == dict(t2n.open(path).left_out)
    assert beside(tmp_path / "x").exists()


def test_several_files_features_and_a_schema(tmp_path):
    for number in range(3):
        written(tmp_path / f"x-{number}", *some_rows(number * MANY))
    (tmp_path / "x-3").touch()
    schemas = [
        None,
        {"n": ((), "int32"), "v": ((2,), "float64")},
        {"v": ((None, 1), "float32"), "w": t2n.Bytes((None,)), "none": ((None,), "int64")},
        {"late": t2n.Values((None,), "float32", default=3.0)},
        {"pad": t2n.Raw("uint16", (None,))},
    ]
    for schema in schemas:
        for select in (None, "?*", ["w", "late"]) if schema is None else (None, "?*"):
            options = {"schema": schema, "select": select}
            wanted = flat(t2n.open(tmp_path / "x-*", **options))
            for _ in range(2):
                same(flat(t2n.open(tmp_path / "x-*", index=True, **options)), wanted)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".")) == [
        f".x-{number}.t2n-index" for number in range(3)
    ]
    same(flat(t2n.open(tmp_path / "*")), flat(t2n.open(tmp_path / "x-*")))
    same(flat(t2n.open(tmp_path, index=True)), flat(t2n.open(tmp_path / "x-*")))


def test_records_of_anything(tmp_path):
    path = written(tmp_path / "x", b"\xff", b"\xfe\xfe")
    for _ in range(2):
        assert t2n.open(path, index=True)["record"][:].tolist() == [b"\xff", b"\xfe\xfe"]


def test_a_file_that_changed_is_read_again(path):
    assert t2n.open(path, index=True)["n"][0] == 0
    written(path, row(n=[5]))
    assert t2n.open(path, index=True)["n"][:].tolist() == [5]
    before = path.stat()
    written(path, row(m=[6]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert before.st_size == path.stat().st_size
    assert t2n.open(path, index=True)["m"][:].tolist() == [6]


def test_files_that_disagree_are_said_to(tmp_path):
    written(tmp_path / "x-0", row(a=[1]))
    written(tmp_path / "x-1", row(a=[1.5]))
    for _ in range(2):
        with pytest.raises(t2n.FormatError, match=r"its column holds int64 values; '.*x-0' has those$"):
            list(t2n.open(tmp_path / "x-*", index=True))
        with pytest.raises(t2n.FormatError, match="its column holds int64 values"):
            list(t2n.open(tmp_path / "x-*", index=True, schema={"a": ((None,), "int64")}))


REFUSED = {
    "partial": (
        {"partial": True},
        "index=True keeps where the records of a whole file lie, and partial=True reads one that is not; leave one "
        "of them out",
    ),
    "skip": (
        {"on_corrupt": "skip"},
        "index=True keeps where the records of a whole file lie, and on_corrupt='skip' reads one that is not; "
        "leave one of them out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_contradict_an_index(path, case):
    options, message = REFUSED[case]
    with fails(t2n.InvalidArgument, message):
        t2n.open(path, index=True, **options)


def test_compressed_files_have_none(path):
    packed = path.with_name("x.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    with fails(
        t2n.InvalidArgument,
        f"index=True keeps where the records of a file lie, and {str(packed)!r} is compressed (gzip), and such files "
        "can only be read from their beginning on; unpack it",
    ):
        t2n.open(packed, index=True)


def test_a_folder_that_cannot_be_written(path, monkeypatch):
    def refuse(**options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")

    kept = t2n.open(path, index=True)
    assert len(kept["n"]) == MANY
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert len(t2n.open(path, index=True)["n"]) == MANY
    beside(path).unlink()
    with fails(
        t2n.InvalidArgument,
        f"index=True keeps {str(beside(path))!r}, and it cannot be written: Permission denied; leave index out, or "
        "copy the records to a folder in which you may write",
    ):
        len(t2n.open(path, index=True)["n"])


def test_a_write_that_fails_leaves_nothing(path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        len(t2n.open(path, index=True)["n"])
    assert list(path.parent.iterdir()) == [path]


def test_several_that_write_it_at_once(path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(int(t2n.open(path, index=True)["n"][-1]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [MANY - 1] * 4
    assert sorted(path.parent.iterdir()) == [beside(path), path]


def test_lists_of_features(tmp_path):
    rows = [sequence({"c": [n]}, x=[[n, n]] * (n % 3), y=[[1.0]] * 2) for n in range(50)]
    path = written(tmp_path / "x", *rows)
    for schema in (None, {"x": ((None, 2), "int64")}):
        for _ in range(2):
            same(flat(t2n.open(path, index=True, schema=schema)), flat(t2n.open(path, schema=schema)))


def test_a_dataset_folder(tmp_path):
    folder = shutil.copytree(GOLDEN.parent / "tfds" / "small", tmp_path / "small")
    for _ in range(2):
        same(flat(t2n.open(folder, index=True)), flat(t2n.open(folder)))
    index = folder / ".small-train.tfrecord-00001-of-00002.t2n-index"
    assert index.exists()
    assert t2n.open(folder, index=True, select="train/sequence")["train/sequence/values"].shape == (9,)
    shard = folder / "small-train.tfrecord-00001-of-00002"
    shard.write_bytes(b"")
    with fails(
        t2n.FormatError,
        f"{str(shard)!r} cannot be read: it has 0 records, and {str(folder / 'dataset_info.json')!r} tells of 3",
    ):
        len(t2n.open(folder, index=True, select="train/sequence")["train/sequence/values"])


@pytest.mark.skipif(os.name == "nt", reason="has no such permissions")
def test_whoever_may_read_the_records_may_read_the_index(path):
    path.chmod(0o640)
    assert len(t2n.open(path, index=True)["n"]) == MANY
    assert beside(path).stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(beside(path))
    assert len(t2n.open(path, index=True)["n"]) == MANY
    assert beside(path).is_file()
