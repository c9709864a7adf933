import os

import numpy as np
import pytest

from sinks.zarr_folders import change, numbers, written
from tf2numpy._errors import FormatError
from tf2numpy._types import Request
from tf2numpy.formats.zarr import zarr as reader
from tf2numpy.layouts.zarr_grid import pack_index

AGAIN = "get the folder anew from where it is whole"


def refusal(path):
    with pytest.raises(FormatError) as caught:
        reader(path, b"").arrays["x"].fetch(Request())
    return str(caught.value)


def test_version_2_is_refused(tmp_path):
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(FormatError) as caught:
        reader(tmp_path, b"")
    assert str(caught.value) == (
        f"{str(tmp_path)!r} is Zarr of version 2, and only version 3 is read here; convert it with zarr-python, "
        "zarr.copy_store or 'zarr migrate v3', first"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"[1]", "it is a list instead of an object"),
        (b"[" * 100_000, "maximum recursion depth exceeded while decoding a JSON array from a unicode string"),
        (b'{"zarr_format": 3}', "its zarr_format is 3 and its node_type None instead of 3 and 'array' or 'group'"),
        (
            b'{"zarr_format": 2, "node_type": "group"}',
            "its zarr_format is 2 and its node_type 'group' instead of 3 and 'array' or 'group'",
        ),
    ],
)
@pytest.mark.parametrize("where", ["", "x"])
def test_documents_that_are_none(tmp_path, where, text, problem):
    path = written(tmp_path / "a.zarr", numbers(4))
    (path / where / "zarr.json").write_bytes(text)
    message = refusal(path)
    assert message.startswith(f"{str(path / where / 'zarr.json')!r} is damaged: {problem[:20]}")
    assert message.endswith(f"; {AGAIN}")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"shape": [-1]}, "its shape is [-1] instead of at most 32 sizes of at least 0"),
        ({"shape": [True]}, "its shape is [True] instead of at most 32 sizes of at least 0"),
        ({"shape": "4"}, "its shape is '4' instead of at most 32 sizes of at least 0"),
        ({"shape": [1] * 33}, f"its shape is {[1] * 33} instead of at most 32 sizes of at least 0"),
        ({"shape": [4, 4]}, "its chunks have 1 axes, and its shape 2"),
        ({"shape": [1 << 62]}, f"its size ({1 << 62},) is more than any file can have"),
        ({"data_type": "float128"}, "its data type 'float128' is none that is known here"),
        ({"data_type": ["f4"]}, "its data type ['f4'] is none that is known here"),
        ({"data_type": "string"}, "its codec 'bytes' is not known here; for its data type 'vlen-utf8' is"),
        (
            {"chunk_grid": {"name": "rectilinear"}},
            "its chunk grid 'rectilinear' is none that is known here; 'regular' is",
        ),
        ({"chunk_grid": "gone"}, "its chunk grid is None instead of a name with a configuration"),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0]}}},
            "its chunk_shape is [0] instead of at most 32 sizes of at least 1",
        ),
        ({"codecs": []}, "its codecs are [] instead of a list of some"),
        ({"codecs": [{"name": "transpose"}]}, "its codec 'transpose' is not known here; for its data type 'bytes' is"),
        (
            {"codecs": [{"name": "bytes"}, {"name": "lzma"}]},
            "its codec 'lzma' is not known here; known are 'zstd', 'gzip', 'blosc', 'crc32c'",
        ),
        ({"codecs": [3]}, "its codec is 3 instead of a name with a configuration"),
        ({"fill_value": "gone"}, "its metadata has no 'fill_value'"),
        ({"fill_value": {}}, "its fill value {} is none of float32"),
        ({"storage_transformers": [{"name": "x"}]}, "it has storage transformers, and none is known here"),
        ({"extra": {"name": "x"}}, "its metadata has 'extra', which is not known here"),
        (
            {"chunk_key_encoding": {"name": "odd"}},
            "its chunk key encoding 'odd' is not known here; 'default' and 'v2' are",
        ),
        (
            {"chunk_key_encoding": {"name": "default", "configuration": {"separator": "/../"}}},
            "its chunk keys are separated by '/../' instead of '/' or '.'",
        ),
    ],
)
def test_metadata_that_cannot_be_read(tmp_path, changes, problem):
    path = written(tmp_path / "a.zarr", numbers(4))
    change(path, **changes)
    (path / "whole").mkdir()
    whole = written(tmp_path / "b.zarr", numbers(4)) / "x"
    (path / "whole" / "zarr.json").write_bytes((whole / "zarr.json").read_bytes())
    assert refusal(path) == (
        f"the array 'x' of {str(path)!r} cannot be read: {problem}; read it with the library that wrote it"
    )
    stored = reader(path, b"")
    assert list(stored.arrays) == ["whole", "x"]
    assert "x" in stored.arrays
    assert stored.arrays["whole"].fetch(Request()).tolist() == [0] * 4


SHARDING = {
    "chunk_shape": [2],
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    "index_location": "end",
}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"chunk_shape": [3]}, "its shards (4,) are no whole number of its chunks (3,)"),
        ({"chunk_shape": [2, 2]}, "its shards (4,) are no whole number of its chunks (2, 2)"),
        (
            {"index_codecs": [{"name": "zstd"}]},
            "the index of its shards has the codecs ['zstd']; ['bytes', 'crc32c'] are known here",
        ),
        ({"index_location": "middle"}, "the index of its shards is at 'middle'; 'start' and 'end' are known here"),
        (
            {"codecs": [{"name": "sharding_indexed"}]},
            "its codec 'sharding_indexed' is not known here; for its data type 'bytes' is",
        ),
    ],
)
def test_shards_that_cannot_be_read(tmp_path, changes, problem):
    path = written(tmp_path / "a.zarr", numbers(4))
    change(path, codecs=[{"name": "sharding_indexed", "configuration": SHARDING | changes}])
    assert refusal(path) == (
        f"the array 'x' of {str(path)!r} cannot be read: {problem}; read it with the library that wrote it"
    )


def test_shards_that_are_damaged(tmp_path):
    path = written(tmp_path / "a.zarr", numbers(4))
    change(path, codecs=[{"name": "sharding_indexed", "configuration": SHARDING}])
    chunk = path / "x/c/0"
    assert refusal(path) == f"{str(chunk)!r} is damaged: it has 16 bytes, less than its index of 36; {AGAIN}"
    chunk.write_bytes(bytes(36))
    assert refusal(path) == f"{str(chunk)!r} is damaged: the checksum of its index is wrong; {AGAIN}"
    for entry, problem in [
        ((40, 8), "its index tells of a chunk at 40 of 8 bytes, and it has 36"),
        ((2**64 - 9, 8), f"its index tells of a chunk at {2**64 - 9} of 8 bytes, and it has 36"),
        ((0, 9), "a chunk has 9 bytes instead of 8"),
    ]:
        chunk.write_bytes(pack_index(np.array([entry, entry], np.uint64)))
        assert refusal(path) == f"{str(chunk)!r} is damaged: {problem}; {AGAIN}"


@pytest.mark.parametrize("nbytes", [0, 15, 17])
def test_raw_chunks_of_the_wrong_size(tmp_path, nbytes):
    path = written(tmp_path / "a.zarr", numbers(4))
    (path / "x/c/0").write_bytes(bytes(nbytes))
    assert refusal(path) == f"{str(path / 'x/c/0')!r} is damaged: a chunk has {nbytes} bytes instead of 16; {AGAIN}"


@pytest.mark.parametrize("compression", ["zstd", "gzip", "blosc"])
def test_encoded_chunks_that_are_damaged(tmp_path, compression):
    path = written(tmp_path / "a.zarr", numbers(4), compression=compression)
    chunk = path / "x/c/0"
    whole = chunk.read_bytes()
    small = written(tmp_path / "small.zarr", numbers(3), compression=compression) / "x/c/0"
    large = written(tmp_path / "large.zarr", np.zeros(1 << 20, "f4"), compression=compression) / "x/c/0"
    chunk.write_bytes(small.read_bytes())
    assert refusal(path) == f"{str(chunk)!r} is damaged: a chunk has 12 bytes instead of 16; {AGAIN}"
    chunk.write_bytes(large.read_bytes())
    assert refusal(path) == f"{str(chunk)!r} is damaged: it decodes to more than 16 bytes; {AGAIN}"
    for data in (whole[:-3], b"", whole[:8], b"garbage" * 9):
        chunk.write_bytes(data)
        message = refusal(path)
        assert message.startswith(f"{str(chunk)!r} is damaged: ")
        assert message.endswith(AGAIN)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it holds 0 elements instead of 2"),
        (b"\3\0\0\0", "it holds 3 elements instead of 2"),
        (b"\2\0\0\0\1\0\0\0a", "its last elements are missing"),
        (b"\2\0\0\0\1\0\0\0a\xff\0\0\0b", "an element ends behind the chunk"),
        (b"\2\0\0\0\1\0\0\0a\1\0\0\0bc", "1 bytes follow its last element"),
    ],
)
def test_strings_that_are_damaged(tmp_path, data, problem):
    path = written(tmp_path / "a.zarr", np.array([b"a", b"b"], object))
    (path / "x/c/0").write_bytes(data)
    assert refusal(path) == f"{str(path / 'x/c/0')!r} is damaged: {problem}; {AGAIN}"


def test_links_that_lead_out_of_the_folder(tmp_path):
    path = written(tmp_path / "a.zarr", numbers(4))
    other = written(tmp_path / "b.zarr", numbers(4) + 1)
    chunk = path / "x/c/0"
    chunk.unlink()
    chunk.symlink_to(other / "x/c/0")
    out = str(other / "x/c/0")
    assert refusal(path) == (f"{str(chunk)!r} is damaged: a symbolic link leads out of the folder, to {out!r}; {AGAIN}")
    document = path / "x/zarr.json"
    document.unlink()
    document.symlink_to(other / "x/zarr.json")
    assert refusal(path) == (
        f"{str(document)!r} is damaged: a symbolic link leads out of the folder, to "
        f"{str(other / 'x/zarr.json')!r}; {AGAIN}"
    )
    (path / "linked").symlink_to(other / "x")
    assert list(reader(path, b"").arrays) == ["x"]


def test_what_is_no_file(tmp_path):
    path = written(tmp_path / "a.zarr", numbers(4))
    chunk = path / "x/c/0"
    chunk.unlink()
    os.mkfifo(chunk)
    assert refusal(path) == f"{str(chunk)!r} is damaged: it is no ordinary file; {AGAIN}"
    chunk.unlink()
    chunk.mkdir()
    assert refusal(path) == f"{str(chunk)!r} is damaged: it is no ordinary file; {AGAIN}"
