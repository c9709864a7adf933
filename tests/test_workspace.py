"""A file grows under a hidden name, appears whole under its own or not at all, and leaves nothing behind."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from tf2numpy._errors import OutputBusy, OutputExists
from tf2numpy._workspace import Workspace
from workspace import make


def test_publish_and_discard(tmp_path):
    file = make(tmp_path / "x")
    assert [p.name for p in tmp_path.iterdir()] == [file.folder.name] == [".x.partial"]
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
    Workspace(tmp_path / "c", overwrite=False).discard()
    assert os.listdir("/proc/self/fd") == before


def test_two_writers_of_one_name_do_not_meet(tmp_path):
    first = make(tmp_path / "x", b"first")
    second = Workspace(tmp_path / "x", overwrite=False)
    with pytest.raises(OutputBusy) as caught:
        second.open()
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} is being written already, by this or another process; wait for it to end, or choose "
        "another name"
    )
    second.discard()  # not its own
    first.publish()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"first"


def test_a_lock_that_vanishes_while_it_is_taken(tmp_path, monkeypatch):
    """Who had the lock ends, and tidies up, between our opening and our locking it."""
    real, ended = fcntl.flock, []

    def flock(fd, how):
        if not ended:
            ended.append(True)
            for left in (tmp_path / ".x.partial").iterdir():
                left.unlink()
            (tmp_path / ".x.partial").rmdir()
        return real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    make(tmp_path / "x").publish()
    assert ended
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_an_interrupted_process_left(tmp_path):
    make(tmp_path / "x", b"half").release()
    again = Workspace(tmp_path / "x", overwrite=False)
    again.open(keep=True)
    assert again.output.read_bytes() == b"half"
    again.release()
    assert make(tmp_path / "x", b"whole").output.read_bytes() == b"whole"  # from the beginning


def test_a_folder_appears_whole_and_replaces_only_its_like(tmp_path):
    path = tmp_path / "x"
    for content in (b"one", b"two"):
        workspace = Workspace(path, overwrite=content == b"two", marker="mark")
        workspace.open()
        workspace.output.mkdir()
        (workspace.output / "mark").write_bytes(content)
        assert not path.exists() or (path / "mark").read_bytes() == b"one"
        workspace.publish()
        assert (path / "mark").read_bytes() == content
        assert [p.name for p in tmp_path.iterdir()] == ["x"]
    late = Workspace(tmp_path / "y", overwrite=False, marker="mark")
    late.open()
    late.output.mkdir()
    (tmp_path / "y").mkdir()
    with pytest.raises(OutputExists):
        late.publish()


def test_a_replaced_folder_goes_with_all_that_is_in_it_and_nothing_else(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"mine")
    old = tmp_path / "x"
    (old / "deep" / "deeper").mkdir(parents=True)
    for number in range(20):
        (old / "deep" / str(number)).write_bytes(b"old")
    (old / "marker").touch()
    (old / "folder").symlink_to(tmp_path / "kept")
    (old / "deep" / "file").symlink_to(tmp_path / "kept" / "file")
    workspace = Workspace(old, overwrite=True, marker="marker")
    workspace.open()
    workspace.output.mkdir()
    workspace.publish()
    assert sorted(os.listdir(tmp_path)) == ["kept", "x"]
    assert os.listdir(old) == []
    assert (tmp_path / "kept" / "file").read_bytes() == b"mine"


def test_the_hidden_name_fits_where_the_name_does(tmp_path):
    path = tmp_path / ("é" * 127)
    make(path).publish()
    assert path.read_bytes() == b"new"


def test_a_symbolic_link_leads_to_the_file_it_names(tmp_path):
    (tmp_path / "big disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("big disk/x")
    file = make(link)
    assert file.folder.parent == tmp_path / "big disk"
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
    late = make(tmp_path / "y")
    (tmp_path / "y").write_bytes(b"theirs")
    with pytest.raises(OutputExists) as caught:
        late.publish()
    assert str(caught.value) == (
        f"{str(tmp_path / 'y')!r} exists already; pass overwrite=True to replace it, or choose another name"
    )
    assert (tmp_path / "y").read_bytes() == b"theirs"
    late.discard()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "y"]


def test_without_hard_links_and_a_failing_rename(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        make(tmp_path / "x").publish()
    assert not (tmp_path / "x").exists()


def test_what_is_synced_and_when(tmp_path, monkeypatch):
    done = []
    sync, link = os.fsync, os.link

    def fsync(fd):
        done.append(Path(f"/proc/self/fd/{fd}").resolve().name)
        sync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", lambda *names: (done.append("link"), link(*names)))
    make(tmp_path / "x").publish()
    assert done == ["output", ".x.partial", "link", tmp_path.name]


def test_folders_that_cannot_be_synced(tmp_path, monkeypatch):
    sync = os.fsync

    def fsync(fd):
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EINVAL, "no")
        sync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    make(tmp_path / "x").publish()
    assert (tmp_path / "x").read_bytes() == b"new"
