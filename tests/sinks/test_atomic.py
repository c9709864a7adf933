"""A file grows under a hidden name, appears whole under its own or not at all, and leaves nothing behind."""

import errno
import os
from pathlib import Path

import pytest

from tf2numpy._errors import InvalidArgument, OutputExists
from tf2numpy.sinks._atomic import AtomicFile

from .atomic import make


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
