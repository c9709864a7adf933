"""Files are read by range, and never outside of it."""

import pytest

from tf2numpy import FormatError
from tf2numpy._blob_file import BlobFile
from tf2numpy._blobs import Held, Slice, blob_of


def test_ranges_are_read_only_views(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    blob = blob_of(tmp_path / "a")
    assert (blob.name, blob.size) == (str(tmp_path / "a"), 10)
    assert bytes(blob.read(2, 5)) == b"234"
    assert not blob.read(2, 5).flags.writeable
    part = Slice(blob, 3, 9, "part")
    assert bytes(part.read(1, part.size)) == b"45678"
    (tmp_path / "empty").write_bytes(b"")
    assert blob_of(tmp_path / "empty").read(0, 0).size == 0


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (5, 11), (11, 12)])
def test_ranges_outside(tmp_path, start, stop):
    (tmp_path / "a").write_bytes(b"0123456789")
    with pytest.raises(FormatError) as caught:
        blob_of(tmp_path / "a").read(start, stop)
    assert str(caught.value) == f"{str(tmp_path / 'a')!r} ends at 10, and bytes {start} to {stop} of it are needed"


def test_bytes_in_memory():
    held = Held(b"0123456789", "unpacked")
    assert (held.name, held.size) == ("unpacked", 10)
    assert bytes(held.read(2, 5)) == b"234"
    assert not held.read(2, 5).flags.writeable
    held.release()
    assert bytes(held.read(9, 10)) == b"9"


def test_a_blob_as_a_file():
    file = BlobFile(Slice(Held(b"0123456789", "x"), 2, 8, "part"))
    assert file.readable()
    assert file.seekable()
    assert not file.writable()
    assert file.read(2) == b"23"
    assert (file.seek(1), file.read()) == (1, b"34567")
    assert (file.seek(-2, 2), file.read(100), file.tell()) == (4, b"67", 6)
    assert (file.seek(3), file.seek(1, 1), file.read(1)) == (3, 4, b"6")
    assert (file.seek(100), file.read(1), file.tell()) == (100, b"", 100)
    with pytest.raises(OSError, match=r"^\[Errno 22\] byte -1 was asked for: 'part'$"):
        file.seek(-1)
