"""Damaged and hostile .npz files, and zip archives of others."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy._errors import CopyRequired, FormatError
from tf2numpy._types import Request
from tf2numpy.formats.npz import npz

ARRAY = np.arange(1000, dtype="i4")


def npy(array=ARRAY):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


DEFAULT = (("x.npy", npy()),)


def archive(tmp_path, members=DEFAULT, method=zipfile.ZIP_STORED, name="x.npz"):
    path = tmp_path / name
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as found:
        warnings.simplefilter("ignore")  # of names that come twice
        for member, content in members:
            found.writestr(member, content)
    return path


def read(path):
    with path.open("rb") as file:
        return npz(path, file.read(64))


def changed(path, old, new, count=1):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count) if count > 0 else new.join(data.rsplit(old, -count)))
    return path


def refused(path, member="x.npy", at=0):
    with pytest.raises(FormatError) as caught:
        read(path)
    begin = f"the member {member!r} at offset {at} of {str(path)!r} cannot be read: "
    assert str(caught.value).startswith(begin)
    return str(caught.value)[len(begin) :]


def test_archives_of_others(tmp_path):
    assert read(archive(tmp_path, [("x.npy", npy()), ("config.json", b"{}")])) is None
    assert read(archive(tmp_path, [], name="x.zip")) is None
    assert read(archive(tmp_path, [])).arrays == {}
    (tmp_path / "x.keras").write_bytes(b"PK\3\4 and nothing more")
    assert read(tmp_path / "x.keras") is None


def test_no_archive_at_all(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK\3\4 and nothing more")
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value) == f"{str(path)!r} is a .npz file that cannot be read: File is not a zip file"


def test_names_that_come_twice(tmp_path):
    path = archive(tmp_path, [("x.npy", npy()), ("x.npy", npy())])
    second = 30 + len("x.npy") + len(npy())
    assert refused(path, at=second) == "another member has the same name"


def test_members_that_overlap(tmp_path):
    path = archive(tmp_path, [("x.npy", npy()), ("y.npy", npy())])
    second = 30 + len("x.npy") + len(npy())
    changed(path, struct.pack("<L", second) + b"y.npy", struct.pack("<L", 10) + b"y.npy")
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value) == (
        f"the member 'y.npy' at offset 10 of {str(path)!r} cannot be read: the member before it ends at {second} only"
    )


def test_a_member_that_is_not_where_it_should_be(tmp_path):
    path = archive(tmp_path)
    changed(path, struct.pack("<L", 0) + b"x.npy", struct.pack("<L", 7) + b"x.npy", -1)
    assert refused(path, at=7) == "no member begins there"
    path = archive(tmp_path)
    changed(path, struct.pack("<L", 0) + b"x.npy", struct.pack("<L", 1 << 30) + b"x.npy", -1)
    assert refused(path, at=1 << 30) == "no member begins there"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_beyond_the_end(tmp_path, method):
    path = archive(tmp_path, method=method)
    with zipfile.ZipFile(path) as found:
        (member,) = found.infolist()
    sizes = struct.pack("<LL", member.compress_size, member.file_size)
    changed(path, sizes, struct.pack("<LL", 1 << 31, member.file_size), -1)
    assert refused(path) == f"it would end at {(1 << 31) + 35}, and the file ends at {path.stat().st_size}"


def test_a_stored_member_of_two_sizes(tmp_path):
    path = archive(tmp_path)
    size = len(npy())
    changed(path, struct.pack("<LL", size, size), struct.pack("<LL", size, size + 1), -1)
    assert refused(path) == f"it has {size} bytes, and its size is given as {size + 1}"


def test_a_promise_that_deflate_cannot_keep(tmp_path):
    path = archive(tmp_path, method=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as found:
        (member,) = found.infolist()
    sizes = struct.pack("<LL", member.compress_size, member.file_size)
    changed(path, sizes, struct.pack("<LL", member.compress_size, 1 << 31), -1)
    assert refused(path) == f"its {member.compress_size} bytes cannot unpack to the 2147483648 it promises"


def test_an_encrypted_member(tmp_path):
    path = archive(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert refused(path) == "it is encrypted; unpack it with its password, and pack it again without one"


def test_other_compression(tmp_path):
    path = archive(tmp_path, method=zipfile.ZIP_BZIP2)
    assert refused(path) == (
        "it is compressed by method 12; 0 (not at all) and 8 (deflate) are known here, np.load may do"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no array", "it is no .npy file, or its header is damaged: "),
        (npy()[:-1], "it has 4127 bytes, and its header tells of 4128: 128 of its own, then shape (1000,) of int32"),
        (npy() + b"x", "it has 4129 bytes, and its header tells of 4128: 128 of its own, then shape (1000,) of int32"),
        (npy().replace(b"(1000,)", b"(-100,)"), "its header has the shape (-100,); sizes must be whole numbers from 0"),
        (npy().replace(b"'<i4'", b"'|O' "), "it holds pickled objects, which are unsafe to load; save it again"),
    ],
)
def test_members_that_are_no_arrays(tmp_path, method, content, message):
    assert refused(archive(tmp_path, [("x.npy", content)], method)).startswith(message)


@pytest.mark.parametrize(
    ("kind", "why"), [("checksum", "Bad CRC-32 for file 'x.npy'"), ("stream", "Error -3 while decompressing data: ")]
)
def test_damage_that_shows_when_it_is_read(tmp_path, kind, why):
    path = archive(tmp_path, [("x.npy", npy(np.random.default_rng(0).integers(0, 9, 100_000)))], zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    if kind == "checksum":
        data[data.rindex(b"PK\1\2") + 16] ^= 1
    else:
        data[-30_000:-29_000] = b"\xff" * 1000
    path.write_bytes(data)
    found = read(path)
    with pytest.raises(FormatError) as caught:
        found.arrays["x"].fetch(Request())
    assert str(caught.value).startswith(f"the member 'x.npy' of {str(path)!r} cannot be unpacked: {why}")
    found.close()


def test_a_packed_array_in_any_order(tmp_path):
    array = np.random.default_rng(0).integers(0, 9, (60, 5, 7))
    stored = read(archive(tmp_path, [("x.npy", npy(array))], zipfile.ZIP_DEFLATED))
    found = stored.arrays["x"]
    for index in [np.s_[0:3,], np.s_[3:60,], np.s_[10:11, 1:3, 2:7], np.s_[59:60,], np.s_[0:1,], np.s_[5:5,], ()]:
        piece = found.read(index)
        assert piece.tolist() == array[(*index, ...)].tolist()
        assert piece.flags.writeable
    assert found.host_bytes(Request(copy=None)) == array.nbytes
    assert found.host_bytes(Request(dtype=np.dtype("f4"))) == array.nbytes * 3 // 2
    assert found.fetch(Request(dtype=np.dtype("f4"))).tolist() == array.tolist()
    with pytest.raises(CopyRequired) as caught:
        found.fetch(Request(copy=False))
    assert str(caught.value) == (
        "copy=False allows only a view, and it lies compressed in its file; pass copy=None or copy=True"
    )
    copy = found.fetch(Request())
    stored.close()
    assert copy.tolist() == array.tolist()
    with pytest.raises(FormatError) as closed:
        found.fetch(Request())
    assert str(closed.value).endswith("cannot be unpacked: Attempt to use ZIP archive that was already closed")


def test_pieces_in_order_are_unpacked_once(tmp_path, monkeypatch):
    array = np.zeros((400, 1 << 15), "u1")
    stored = read(archive(tmp_path, [("x.npy", npy(array))], zipfile.ZIP_DEFLATED))
    found = stored.arrays["x"]
    read_bytes, real = [0], zipfile.ZipExtFile.read

    def counted(self, n=-1):
        data = real(self, n)
        read_bytes[0] += len(data)
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    for index in found.regions(1 << 18):
        found.read(index)
    assert read_bytes[0] < array.nbytes + 1000
    stored.close()


def test_a_stored_array_is_mapped_and_not_read(tmp_path):
    path = archive(tmp_path)
    found = read(path)
    view = found.arrays["x"].fetch(Request(copy=False))
    found.close()
    assert not view.flags.writeable
    with path.open("r+b") as file:
        file.seek(30 + 5 + 128)
        file.write(struct.pack("<i", 77))
    assert view[:2].tolist() == [77, 1]


@settings(max_examples=300)
@given(st.data())
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path_factory, data):
    tmp_path = tmp_path_factory.mktemp("any")
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    path = archive(tmp_path, [("x.npy", npy(ARRAY[:20])), ("y.npy", npy())], method)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    path.write_bytes(whole[: data.draw(st.none() | st.integers(0, len(whole)))])
    found = None
    try:
        found = read(path)
        for array in found.arrays.values() if found else ():
            array.fetch(Request())
    except FormatError:
        pass
    finally:
        if found:
            found.close()
