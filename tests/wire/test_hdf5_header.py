"""What an HDF5 attribute says of its texts, in headers that h5py wrote, old and new, and in damaged ones."""

import pytest

from tf2numpy import FormatError
from tf2numpy.wire.hdf5_header import check_heap, texts

h5py = pytest.importorskip("h5py", reason="h5py is not installed in this environment")


def slices(data):
    def read(start, stop):
        if not 0 <= start <= stop <= len(data):
            raise FormatError(f"bytes {start} to {stop} of {len(data)}")
        return data[start:stop]

    return read


def written(path, attributes, **options):
    with h5py.File(path, "w", **options) as file:
        group = file.create_group("g")
        for name, value in attributes.items():
            group.attrs[name] = value
        address = h5py.h5o.get_info(group.id).addr
    return slices(path.read_bytes()), address


MANY = {f"name{number:02}": ["some", "texts", "", f"{number}"] for number in range(6)}


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_lengths(tmp_path, libver):
    """Of one text, of several, among numbers; in headers that go on elsewhere, since they grew."""
    read, address = written(tmp_path / "x", {"one": "texté", "number": 3, **MANY}, libver=libver)
    (one,) = texts(read, address, b"one")
    assert one.nbytes == len("texté".encode())
    check_heap(read, one.heap)
    assert [text.nbytes for text in texts(read, address, b"name05")] == [4, 5, 0, 1]
    assert texts(read, address, b"number") is None
    assert texts(read, address, b"none") is None


def test_attributes_that_lie_elsewhere(tmp_path):
    read, address = written(tmp_path / "x", MANY | {f"more{n}": "text" for n in range(9)}, libver="latest")
    assert texts(read, address, b"name00") is None


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_every_damaged_byte(tmp_path, libver):
    """Any byte of the header: another answer, or the reader's own refusal of a range."""
    _, address = written(tmp_path / "x", MANY, libver=libver)
    data = bytearray((tmp_path / "x").read_bytes())
    answers = set()
    for at in range(address, min(address + 600, len(data))):
        for bits in (1, 0x80, 0xFF):
            data[at] ^= bits
            try:
                found = texts(slices(bytes(data)), address, b"name03")
                answers.add(None if found is None else len(found))
            except FormatError as error:
                assert str(error).startswith("bytes ")  # noqa: PT017
            data[at] ^= bits
    assert {None, 4} <= answers


def test_a_header_that_goes_on_in_itself():
    """It ends all the same."""
    message = b"\x10\0\x10\0\0\0\0\0" + (0).to_bytes(8, "little") + (40_000).to_bytes(8, "little")
    head = b"\1\0\1\0\1\0\0\0\x18\0\0\0\0\0\0\0"
    assert texts(slices((head + message) * 1000), 0, b"x") is None


def test_heaps(tmp_path):
    read, address = written(tmp_path / "x", MANY)
    heap = texts(read, address, b"name00")[0].heap
    check_heap(read, heap)
    with pytest.raises(FormatError, match=f"^no heap of texts begins at byte {heap + 8}$"):
        check_heap(read, heap + 8)
    with pytest.raises(FormatError, match=r"^bytes "):
        check_heap(slices((tmp_path / "x").read_bytes()[: heap + 100]), heap)
