"""What HDF5 does not survive, or takes any memory for, is found before HDF5 is asked for it."""

import h5py
import numpy as np
import pytest

from hostile.limits import limited
from tf2numpy._errors import FormatError
from tf2numpy._types import Request

from .hdf5 import opened

WORDS = [b"a", b"", b"b" * 100]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def changed(path, old, new):
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


def refusal(path, read=lambda source: source.fetch(Request())):
    stored = opened(path)
    with pytest.raises(FormatError) as caught:
        read(stored.arrays["x"])
    stored.close()
    return str(caught.value).removeprefix(f"{str(path)!r}: ")


def reference(path):
    """The first reference to a string that there is, and what is left of it without its length."""
    with h5py.File(path) as file:
        offset = file["x"].id.get_offset() or file["x"].id.get_chunk_info(0).byte_offset
    return path.read_bytes()[offset : offset + 16], path.read_bytes()[offset + 4 : offset + 16]


def test_structures_of_fields_that_are_larger_in_memory(path):
    with h5py.File(path, "w") as file:
        half = h5py.h5t.IEEE_F16LE.copy()
        half.set_fields(15, 7, 8, 0, 7)  # an exponent that only larger floats have in NumPy
        kind = h5py.h5t.create(h5py.h5t.COMPOUND, 10)
        kind.insert(b"a", 0, half)
        kind.insert(b"b", 2, h5py.h5t.IEEE_F64LE)
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((2,)))
    assert refusal(path).startswith("the dataset 'x' holds structures whose fields overlap in memory, {'names': ['a', ")


def test_what_is_neither_a_sequence_nor_a_text(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2,), h5py.vlen_dtype(np.uint8)).attrs["dtype"] = "string"
    changed(path, b"\x19\0\0\0\x10\0\0\0", b"\x19\4\0\0\x10\0\0\0")
    assert refusal(path) == (
        "the dataset 'x' holds sequences of uint8 of differing lengths, which has no NumPy form; choose other arrays "
        "of this file"
    )


def test_elements_of_another_size_in_the_chunks(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(3.0), chunks=(3,), compression="gzip")
    changed(path, b"\3\0\0\0\x08\0\0\0", b"\3\0\0\0\4\0\0\0")
    if h5py.version.hdf5_version_tuple >= (2,):  # which finds it itself
        with pytest.raises(FormatError, match=r"is a damaged HDF5 file: .*does not match datatype description"):
            opened(path)
    else:
        assert refusal(path) == "the dataset 'x' has elements of 8 bytes, and of 4 in its chunks; the file is damaged"


def test_chunks_of_a_gigabyte(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(3.0), chunks=(1 << 27,), maxshape=(None,), compression="gzip")
    assert refusal(path) == (
        "the dataset 'x' is in chunks of 1.0 GiB, far more than all of it has; rewrite the file with smaller ones: "
        "h5repack -l CHUNK"
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (2,)},
        {"chunks": (2,), "compression": "gzip", "shuffle": True},
        {"compression": "lzf", "chunks": (3,)},
    ],
)
@pytest.mark.parametrize("userblock", [0, 512])
def test_strings_are_read_where_they_are(path, options, userblock):
    with h5py.File(path, "w", userblock_size=userblock) as file:
        file.create_dataset("x", data=WORDS, dtype=h5py.string_dtype(), **options)
    stored = opened(path)
    source = stored.arrays["x"]
    assert source.fetch(Request()).tolist() == WORDS
    assert source.lengths(0, 3).tolist() == [1, 0, 100]
    assert [source.read((slice(i, i + 1),))[0] for i in range(3)] == WORDS
    stored.close()


@pytest.mark.parametrize("options", [{}, {"chunks": (2,)}])
@pytest.mark.parametrize("read", [lambda source: source.fetch(Request()), lambda source: source.lengths(0, 1)])
def test_strings_longer_than_the_file(path, options, read):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=WORDS, dtype=h5py.string_dtype(), **options)
    old, rest = reference(path)
    changed(path, old, b"\xff\xff\xff\x7f" + rest)
    size = "7.5 KiB" if options else "6.0 KiB"
    assert refusal(path, read) == (
        f"the dataset 'x' is said to have strings of 2.0 GiB, and the whole file has {size}; the file is damaged"
    )


@pytest.mark.parametrize("options", [{}, {"chunks": (2,)}])
def test_strings_in_a_damaged_heap(path, options):
    """Of which an object has no size: HDF5 would look at it for ever."""
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=WORDS, dtype=h5py.string_dtype(), **options)
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 24 : heap + 32] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(data)
    assert refusal(path) == (
        f"the dataset 'x' cannot be read: the heap of texts at byte {heap} has 4080 bytes left at byte {heap + 16}, "
        f"and {2**64} are used; the file is damaged"
    )


def test_texts_of_fixed_size_that_cannot_be_there(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (100,), "S2000000", chunks=(1,))
    for read in (lambda source: source.fetch(Request()), lambda source: source.lengths(0, 1)):
        assert refusal(path, read) == (
            "the dataset 'x' has texts of 190.7 MiB, which cannot be in a file of 1.4 KiB; the file is damaged"
        )


def test_texts_of_fixed_size_are_read_in_parts(path, monkeypatch):
    monkeypatch.setattr("tf2numpy.formats._hdf5_dataset._BLOCK_BYTES", 16)
    array = np.array([[b"a", b"bc", b""], [b"defgh", b"i", b"j"]], "S5")
    with h5py.File(path, "w") as file:
        file["x"] = array
    stored = opened(path)
    assert stored.arrays["x"].fetch(Request()).tolist() == array.tolist()
    assert stored.arrays["x"].read((slice(1, 2),)).tolist() == array[1:].tolist()
    stored.close()


IN_SEVERAL = (
    "{path!r} says that it is one of several files that make up one HDF5 file, or is damaged; copy what they hold into "
    "one file, opened by h5py.File with driver='family' or 'split', or by h5repack"
)
NO_END = "{path!r} is a damaged HDF5 file: the heap of names at byte {heap} has a list of free places without an end"


@pytest.mark.parametrize(
    ("name", "first", "options"),
    [
        ("x%d", "x0", {"driver": "family", "memb_size": 4096}),
        ("x", "x-m.h5", {"driver": "split", "meta_ext": b"-m.h5", "raw_ext": b"-r.h5"}),
    ],
    ids=["family", "split"],
)
def test_a_file_in_several(tmp_path, name, first, options):
    with h5py.File(tmp_path / name, "w", libver="earliest", **options) as file:
        file["x"] = np.arange(3000)
    with pytest.raises(FormatError) as caught:
        opened(tmp_path / first)
    assert str(caught.value) == IN_SEVERAL.format(path=str(tmp_path / first))


@pytest.mark.parametrize("userblock", [0, 1024])
def test_the_memory_of_a_driver(path, userblock):
    """HDF5 makes room for what its block, here among texts, says its length is: 2 GB."""
    with h5py.File(path, "w", libver="earliest", userblock_size=userblock) as file:
        file["x"] = np.frombuffer(b"driver" * 1000, np.uint8)
        place = file["x"].id.get_offset() - userblock
    data = bytearray(path.read_bytes())
    data[userblock + 48 : userblock + 56] = place.to_bytes(8, "little")
    path.write_bytes(data)
    with limited(len(data), "a driver"), pytest.raises(FormatError) as caught:
        opened(path)
    assert str(caught.value) == IN_SEVERAL.format(path=str(path))


@pytest.mark.parametrize("which", [0, 1])
def test_names_whose_free_places_have_no_end(path, which):
    """HDF5 would follow them until its memory is full; those of a sound file have an end."""
    with h5py.File(path, "w", libver="earliest") as file:
        for name in ("a", "b", "c", "d"):
            file[f"group/{name * 30}"] = 1
            file[name * 30] = 1
        for name in ("a", "c"):
            del file[f"group/{name * 30}"], file[name * 30]
    stored = opened(path)
    assert sorted(stored.arrays) == ["b" * 30, "d" * 30, "group/" + "b" * 30, "group/" + "d" * 30]
    stored.close()
    data = bytearray(path.read_bytes())
    heap = [at for at in range(0, len(data), 8) if data[at : at + 4] == b"HEAP"][which]
    free, start = (int.from_bytes(data[heap + at : heap + at + 8], "little") for at in (16, 24))
    assert data[start + free : start + free + 8] != b"\1".ljust(8, b"\0")  # there are several
    data[start + free : start + free + 8] = free.to_bytes(8, "little")
    path.write_bytes(data)
    with limited(len(data), "free places"), pytest.raises(FormatError) as caught:
        opened(path)
    assert str(caught.value) == NO_END.format(path=str(path), heap=heap)


def test_names_of_other_files_whose_free_places_have_no_end(path):
    """HDF5 reads them when it opens the dataset, before anyone can ask whether its elements lie in other files."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", shape=(4,), dtype="i4", external=[("other", 0, 16)])
    data = bytearray(path.read_bytes())
    heap = data.rindex(b"HEAP")
    free, start = (int.from_bytes(data[heap + at : heap + at + 8], "little") for at in (16, 24))
    assert data[start + 8 : start + 14] == b"other\0"
    data[start + free : start + free + 8] = free.to_bytes(8, "little")
    path.write_bytes(data)
    with limited(len(data), "free places"), pytest.raises(FormatError) as caught:
        opened(path)
    assert str(caught.value) == NO_END.format(path=str(path), heap=heap)


def test_addresses_of_four_bytes(path):
    """What is looked at beforehand has eight, and takes nothing that is narrower for damaged."""
    settings = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    settings.set_sizes(4, 4)
    with h5py.File(h5py.h5f.create(bytes(path), fcpl=settings)) as file:
        for number in range(30):
            file["group/x"] = number
            file["group"].attrs[f"a{number}"] = [number] * 9
            del file["group/x"]
        file["group/y"] = 7
    stored = opened(path)
    assert stored.arrays["group/y"].fetch(Request())[()] == 7
    stored.close()


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("chunks", [None, (1, 1, 1), (2, 3, 4), (5, 2, 1)])
def test_regions_are_read_a_few_chunks_at_once(path, monkeypatch, chunks, most):
    monkeypatch.setattr("tf2numpy.formats._hdf5_opened._MOST_CHUNKS", most)
    array = np.arange(5 * 7 * 4, dtype=">i2").reshape(5, 7, 4)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=array, chunks=chunks)
        file.create_dataset("texts", data=array.astype("S"), chunks=chunks)
        file.create_dataset("pairs", data=array[..., 0].astype("i4,f4"), chunks=chunks and chunks[:2])
    stored = opened(path)
    for region in (np.s_[:, :, :], np.s_[1:4, 2:7, 3:4], np.s_[4:5, 0:1, 1:3], np.s_[2:2, 0:7, 0:4]):
        whole = tuple(slice(*s.indices(n)) for s, n in zip(region, array.shape, strict=True))
        assert np.asarray(stored.arrays["x"].read(whole)).tolist() == array[region].tolist()
        assert stored.arrays["texts"].read(whole).tolist() == array[region].astype("S").tolist()
    assert stored.arrays["pairs"].fetch(Request()).tolist() == array[..., 0].astype("i4,f4").tolist()
    stored.close()


def test_the_memory_of_many_small_chunks(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (40_000,), "f4", chunks=(1,), fillvalue=7)
    stored = opened(path)
    with limited(path.stat().st_size, "40,000 chunks of which none was written"):
        assert (stored.arrays["x"].fetch(Request()) == 7).all()
    stored.close()


def test_strings_in_the_header(path):
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.COMPACT)
    with h5py.File(path, "w") as file:
        kind = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((2,)), dcpl=settings)
    assert refusal(path) == (
        "the dataset 'x' has strings in its header, which are not read there; rewrite the file with h5repack -l CONTI"
    )
