"""Files are read by range, and never outside of it."""

import pytest

from tf2numpy import FormatError
from tf2numpy._blobs import Slice, blob_of


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
