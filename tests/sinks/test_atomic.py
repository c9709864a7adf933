import errno
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy._errors import InvalidArgument, OutputExists, StorageFull
from tf2numpy.sinks import _atomic
from tf2numpy.sinks._atomic import AtomicFile, pwrite_all
from tf2numpy.sinks._runs import bytes_of, runs


def make(path, content=b"new", **options):
    file = AtomicFile(path, **{"overwrite": False, **options})
    file.create(len(content))
    with file.guard():
        file.pwrite(content, 0)
    return file


# Publishing


def test_publish_and_discard(tmp_path):
    file = make(tmp_path / "x")
    assert [p.name for p in tmp_path.iterdir()] == [file.partial.name]
    assert not file.published
    file.publish()
    file.discard()
    assert file.published
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"new"
    assert os.stat(tmp_path / "x").st_nlink == 1


def test_every_file_descriptor_is_closed(tmp_path):
    before = os.listdir("/proc/self/fd")
    make(tmp_path / "a").publish()
    make(tmp_path / "b").discard()
    AtomicFile(tmp_path / "c", overwrite=False).discard()
    assert os.listdir("/proc/self/fd") == before


def test_two_writers_of_one_name_do_not_meet(tmp_path):
    first, second = make(tmp_path / "x", b"first"), make(tmp_path / "x", b"second")
    assert first.partial != second.partial
    first.publish()
    with pytest.raises(OutputExists):
        second.publish()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"first"


def test_the_hidden_file_is_created_exclusively(tmp_path):
    file = AtomicFile(tmp_path / "x", overwrite=False)
    file.partial.symlink_to(tmp_path / "trap")
    with pytest.raises(InvalidArgument):
        file.create(0)
    file.discard()
    assert not (tmp_path / "trap").exists()
    assert file.partial.is_symlink()


def test_the_hidden_name_fits_where_the_name_does(tmp_path):
    path = tmp_path / ("é" * 127)
    make(path).publish()
    assert path.read_bytes() == b"new"


def test_a_name_that_is_too_long_fails_at_once(tmp_path):
    with pytest.raises(OSError, match="File name too long"):
        AtomicFile(tmp_path / ("x" * 256), overwrite=False)


def test_a_symbolic_link_leads_to_the_file_it_names(tmp_path):
    (tmp_path / "big disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("big disk/x")
    file = make(link)
    assert file.partial.parent == tmp_path / "big disk"
    file.publish()
    make(link, b"newer", overwrite=True).publish()
    assert link.is_symlink()
    assert (tmp_path / "big disk" / "x").read_bytes() == b"newer"


def test_a_relative_path_survives_a_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = make(Path("x"))
    monkeypatch.chdir("/")
    file.publish()
    assert (tmp_path / "x").read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_hard_links(tmp_path, monkeypatch, number):
    def link(source, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    make(tmp_path / "x").publish()
    assert (tmp_path / "x").read_bytes() == b"new"
    late = AtomicFile(tmp_path / "y", overwrite=False)
    late.create(0)
    (tmp_path / "y").write_bytes(b"theirs")
    with pytest.raises(OutputExists) as caught:
        late.publish()
    assert str(caught.value) == (
        f"{str(tmp_path / 'y')!r} exists already; pass overwrite=True to replace it, or choose another name"
    )
    assert (tmp_path / "y").read_bytes() == b"theirs"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "y"]


def test_without_hard_links_and_a_failing_rename(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        make(tmp_path / "x").publish()
    assert list(tmp_path.iterdir()) == []


def test_what_is_synced_and_when(tmp_path, monkeypatch):
    done = []
    sync, link = os.fsync, os.link

    def fsync(fd):
        done.append("folder" if Path(f"/proc/self/fd/{fd}").resolve() == tmp_path else "file")
        sync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", lambda *names: (done.append("link"), link(*names)))
    make(tmp_path / "x").publish()
    assert done == ["file", "link", "folder"]


def test_folders_that_cannot_be_synced(tmp_path, monkeypatch):
    sync = os.fsync

    def fsync(fd):
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EINVAL, "no")
        sync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    make(tmp_path / "x").publish()
    assert (tmp_path / "x").read_bytes() == b"new"


def test_discard_closes_the_other_holder_before_the_file_goes(tmp_path):
    seen = []
    file = make(tmp_path / "x", on_discard=lambda: seen.append(os.fstat(file.fd).st_nlink))
    file.discard()
    file.discard()
    assert seen == [1]
    assert list(tmp_path.iterdir()) == []


def test_discard_removes_the_file_even_if_the_other_holder_fails(tmp_path):
    def fail():
        raise RuntimeError("will not close")

    file = make(tmp_path / "x", on_discard=fail)
    with pytest.raises(RuntimeError, match="will not close"):
        file.discard()
    assert list(tmp_path.iterdir()) == []
    assert file.fd == -1


# Refusals


def refusal(path, error=InvalidArgument, **options):
    with pytest.raises(error) as caught:
        AtomicFile(path, **{"overwrite": True, **options})
    return str(caught.value)


def test_missing_folder(tmp_path):
    path = tmp_path / "no" / "x"
    assert refusal(path) == (
        f"{str(path)!r} cannot be written: there is no folder {str(tmp_path / 'no')!r}; create it first"
    )


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "x"
    assert refusal(path) == (
        f"{str(path)!r} cannot be written: there is no folder {str(tmp_path / 'file')!r}; create it first"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_path_is_a_folder(tmp_path, overwrite):
    assert refusal(tmp_path, overwrite=overwrite) == (f"{str(tmp_path)!r} is a folder; give the name of a file in it")


def test_devices_are_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (Path("/dev/null"), tmp_path / "fifo"):
        assert refusal(path) == f"{str(path)!r} is not an ordinary file, and no other kind can be replaced"


def test_existing_file(tmp_path):
    (tmp_path / "x").touch()
    assert refusal(tmp_path / "x", OutputExists, overwrite=False) == (
        f"{str(tmp_path / 'x')!r} exists already; pass overwrite=True to replace it, or choose another name"
    )


def test_read_only_folder():
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # every user can reach it, unlike tmp_path
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(65534, 65534, 0)
    try:
        message = refusal(folder / "x")
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        shutil.rmtree(folder)
    assert message == (
        f"{str(folder / 'x')!r} cannot be written: the folder {str(folder)!r} takes no new file "
        f"(Permission denied); choose another folder"
    )


def test_folder_that_refuses_the_file_itself(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EROFS, "Read-only file system")

    file = AtomicFile(tmp_path / "x", overwrite=False)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InvalidArgument) as caught:
        file.create(0)
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} cannot be written: the folder {str(tmp_path)!r} takes no new file "
        f"(Read-only file system); choose another folder"
    )


# Full file systems


def fake_free(monkeypatch, tmp_path, blocks, free):
    real = os.statvfs(tmp_path)
    fake = os.statvfs_result((real[0], 1024, blocks, free + 7, free, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: fake)


def test_no_room_for_what_is_known(tmp_path, monkeypatch):
    fake_free(monkeypatch, tmp_path, blocks=1000, free=3)
    with pytest.raises(StorageFull) as caught:
        AtomicFile(tmp_path / "x", overwrite=False).create(3073)
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} needs 3.0 KiB (3073 bytes), and 3.0 KiB (3072 bytes) are free on the file "
        f"system of {str(tmp_path)!r}; free some room there, or choose a path on another file system"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("blocks", "free", "needed"), [(1000, 3, 3072), (0, 0, 1 << 40)])
def test_room_enough_or_unknown(tmp_path, monkeypatch, blocks, free, needed):
    fake_free(monkeypatch, tmp_path, blocks, free)
    file = AtomicFile(tmp_path / "x", overwrite=False)
    file.create(needed)
    file.discard()


@pytest.mark.parametrize(
    "error",
    [OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)],
    ids=str,
)
def test_no_room_in_the_middle(tmp_path, error):
    file = make(tmp_path / "x")
    with pytest.raises(StorageFull) as caught, file.guard():
        raise error
    assert str(caught.value) == (
        f"no room to write {str(tmp_path / 'x')!r} ({error.strerror}) after 3 B (3 bytes); the unfinished file is "
        f"removed. Free some room, or choose a path on another file system"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), OSError("x"), RuntimeError("x"), OutputExists("x")])
def test_other_errors_pass(tmp_path, error):
    file = make(tmp_path / "x")
    with pytest.raises(type(error)) as caught, file.guard():
        raise error
    assert caught.value is error
    file.discard()


def test_no_room_when_syncing(tmp_path, monkeypatch):
    def fsync(fd):
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageFull):
        make(tmp_path / "x").publish()
    assert list(tmp_path.iterdir()) == []


def test_no_room_on_a_small_disk(small_disk):
    file = AtomicFile(small_disk / "x", overwrite=False)
    file.create(0)

    def fill():
        with file.guard():
            for i in range(9):
                file.pwrite(bytes(1 << 20), i << 20)

    with pytest.raises(StorageFull) as caught:
        fill()
    assert str(caught.value) == (
        f"no room to write {str(small_disk / 'x')!r} (No space left on device) after 6.0 MiB (6291456 bytes); "
        f"the unfinished file is removed. Free some room, or choose a path on another file system"
    )
    assert list(small_disk.iterdir()) == []
    with pytest.raises(StorageFull, match=r"needs 6\.1 MiB"):
        AtomicFile(small_disk / "x", overwrite=False).create(6_400_000)


# Bytes


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_pwrite_all_goes_on_after_short_writes(tmp_path, monkeypatch, piece):
    sizes = []
    real = os.pwrite

    def short(fd, data, offset):
        sizes.append(len(data))
        return real(fd, data[: max(1, len(data) // 2)], offset)

    monkeypatch.setattr(os, "pwrite", short)
    monkeypatch.setattr(_atomic, "_PIECE_BYTES", piece)
    with open(tmp_path / "x", "w+b") as file:
        pwrite_all(file.fileno(), np.arange(9, dtype="<u2").data, 5)
        pwrite_all(file.fileno(), b"", 0)
        pwrite_all(file.fileno(), np.empty((0, 3)).data, 0)
        assert file.read() == bytes(5) + np.arange(9, dtype="<u2").tobytes()
    assert max(sizes) <= piece


def test_bytes_of_makes_no_copy_of_what_is_in_order():
    array = np.arange(12.0).reshape(3, 4)
    assert np.shares_memory(np.asarray(bytes_of(array)), array)
    assert bytes(bytes_of(array.T)) == array.T.tobytes()


@given(st.data())
def test_runs_are_what_the_region_covers(data):
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4)))
    index = tuple(slice(*sorted((data.draw(st.integers(0, n)), data.draw(st.integers(0, n))))) for n in shape)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    found = list(runs(shape, index, 2))
    covered = [offset // 2 + i for offset, length in found for i in range(length // 2)]
    assert covered == places[(*index, ...)].ravel().tolist()
    assert all(length > 0 for _, length in found)


@pytest.mark.parametrize(
    ("shape", "index", "expected"),
    [
        ((), (), [(0, 4)]),
        ((5,), np.s_[1:3,], [(4, 8)]),
        ((5, 2, 3), np.s_[1:3, 0:2, 0:3], [(24, 48)]),
        ((5, 2, 3), np.s_[1:2, 1:2, 0:3], [(36, 12)]),
        ((5, 2, 3), np.s_[1:3, 1:2, 0:3], [(36, 12), (60, 12)]),
        ((None, 2, 3), np.s_[7:9, 0:2, 0:3], [(168, 48)]),
    ],
)
def test_runs_are_as_long_as_they_can_be(shape, index, expected):
    assert list(runs(shape, index, 4)) == expected
