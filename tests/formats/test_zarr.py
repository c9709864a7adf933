import base64
import warnings

import numpy as np
import pytest

from conformance.arrays import assert_same
from sinks.zarr_folders import change, numbers, sink_at, written
from tf2numpy._dtypes import named
from tf2numpy._errors import CopyRequired, InvalidArgument
from tf2numpy._types import ArraySpec, Chunk, Request
from tf2numpy.formats import _zarr_sources
from tf2numpy.formats.zarr import zarr as reader


def by_zarr(path, array, **settings):
    """Write one array, "x", with zarr-python."""
    zarr = pytest.importorskip("zarr", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = zarr.open_group(path, mode="w").create_array("x", shape=array.shape, **{"dtype": array.dtype} | settings)
        made[...] = array
    return path


@pytest.mark.parametrize("dtype", ["bool", "i2", "u8", "f2", "f4", "c16", "S5", "U3", "M8[us]", "m8[D]"])
@pytest.mark.parametrize(
    "settings",
    [
        {"chunks": (4, 3)},
        {"chunks": (4, 3), "compressors": None},
        {"chunks": (2, 3), "shards": (8, 6)},
        {"chunks": (4, 3), "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"chunks": (4, 3), "chunk_key_encoding": {"name": "default", "separator": "."}},
    ],
    ids=["default", "raw", "sharded", "v2 keys", "dots"],
)
def test_what_zarr_writes(tmp_path, dtype, settings):
    array = numbers(11, 7, dtype="i8").astype(dtype)
    found = reader(by_zarr(tmp_path / "a.zarr", array, **settings), b"").arrays["x"]
    assert_same(found.fetch(Request()), array)
    assert_same(found.read(np.s_[3:9, 2:7]), array[3:9, 2:7])


@pytest.mark.parametrize("codec", ["ZstdCodec", "GzipCodec", "BloscCodec", "Crc32cCodec"])
def test_codecs_of_zarr(tmp_path, codec):
    codecs = pytest.importorskip("zarr.codecs")
    array = numbers(50, 7, dtype="f8")
    path = by_zarr(tmp_path / "a.zarr", array, chunks=(20, 7), compressors=getattr(codecs, codec)())
    assert_same(reader(path, b"").arrays["x"].fetch(Request()), array)


def test_text_of_zarr_is_bytes(tmp_path):
    array = np.array([["é", ""], ["c" * 300, "d"]], object)
    path = by_zarr(tmp_path / "a.zarr", array, dtype=str, chunks=(1, 2), fill_value="ü")
    found = reader(path, b"").arrays["x"]
    assert found.fetch(Request()).tolist() == [["é".encode(), b""], [b"c" * 300, b"d"]]
    assert found.fetch(Request(decode_text=True)).tolist() == array.tolist()
    (path / "x" / "c" / "0" / "0").unlink()
    assert found.read(np.s_[0:1, 0:1]).tolist() == [["ü".encode()]]


def test_strings_in_pieces(tmp_path):
    array = np.array([[b"a" * (i * j) for j in range(5)] for i in range(50)], object)
    found = reader(written(tmp_path / "a.zarr", array, chunks=(7, 2)), b"").arrays["x"]
    sizes = np.array([[41 + len(e) for e in row] for row in array])
    assert found.host_bytes(Request()) == sizes.sum()
    assert found.bytes_between(np.array([0, 3, 3, 50])).tolist() == [sizes[:3].sum(), 0, sizes[3:].sum()]
    again = np.empty_like(array)
    for index in found.regions(900):
        piece = found.read(index)
        assert sum(41 + len(e) for e in piece.flat) <= 900
        again[index] = piece
    assert again.tolist() == array.tolist()
    with pytest.raises(InvalidArgument):
        list(found.regions(100))


@pytest.mark.parametrize("name", ["bfloat16", "int4", "float8_e5m2"])
def test_names_that_tensorstore_has(tmp_path, name):
    tensorstore = pytest.importorskip("tensorstore")
    array = np.array([1, 0, 2, 1]).astype(named(name))
    where = {"driver": "zarr3", "kvstore": f"file://{tmp_path}/a.zarr/"}
    metadata = {"shape": [6], "data_type": name, "fill_value": 1}
    made = tensorstore.open({**where, "metadata": metadata}, create=True).result()
    made[:4].write(array).result()
    found = reader(tmp_path / "a.zarr", b"").arrays["data"]
    assert_same(found.fetch(Request())[:4], array)


@pytest.mark.parametrize(
    ("dtype", "value", "bits"),
    [
        ("f4", "NaN", np.float32(np.nan)),
        ("f8", "-Infinity", np.float64(-np.inf)),
        ("f4", "0x7fc00001", np.uint32(0x7FC00001)),
        ("c8", [1.5, "NaN"], np.complex64(complex(1.5, np.nan))),
        ("i8", -3, np.int64(-3)),
        ("bool", True, np.bool_(True)),
        ("S3", base64.b64encode(b"ab").decode(), np.bytes_(b"ab\0")),
        ("M8[s]", "NaT", np.int64(-(2**63))),
    ],
)
def test_missing_chunks_are_the_fill_value(tmp_path, dtype, value, bits):
    path = written(tmp_path / "a.zarr", np.zeros((4, 2), dtype), chunks=(3, 2))
    change(path, fill_value=value)
    (path / "x/c/1/0").unlink()
    found = reader(path, b"").arrays["x"].fetch(Request())
    assert not found[:3].view("u1").any()
    assert found[3].tobytes() == 2 * bits.tobytes().ljust(np.dtype(dtype).itemsize, b"\0")


def test_only_the_chunks_that_are_needed_are_read(tmp_path):
    array = numbers(40, 8)
    path = written(tmp_path / "a.zarr", array, chunks=(10, 4), compression="zstd")
    for other in ("0/0", "0/1", "1/0", "3/0", "3/1", "2/1"):
        (path / "x/c" / other).write_bytes(b"broken")
    found = reader(path, b"").arrays["x"]
    assert_same(found.read(np.s_[20:25, 0:4]), array[20:25, :4])


def test_a_chunk_that_two_regions_share_is_decoded_once(tmp_path, monkeypatch):
    array = numbers(40, 8)
    found = reader(written(tmp_path / "a.zarr", array, compression="zstd"), b"").arrays["x"]
    calls = []
    decoded = found._chunks.decoded
    monkeypatch.setattr(found._chunks, "decoded", lambda place: calls.append(place) or decoded(place))
    for index in found.regions(100):
        assert_same(found.read(index), array[index])
    assert len(calls) == 1


def test_many_chunks_by_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(_zarr_sources, "_WORTH_THREADS_BYTES", 1)
    monkeypatch.setattr(_zarr_sources, "_TOGETHER", 3)
    array = numbers(400, 8)
    for compression in (None, "zstd"):
        path = written(tmp_path / f"{compression}.zarr", array, chunks=(10, 3), compression=compression)
        assert_same(reader(path, b"").arrays["x"].fetch(Request()), array)


def test_copies_casts_and_buffers(tmp_path):
    array = numbers(40, 8)
    found = reader(written(tmp_path / "a.zarr", array, chunks=(10, 3)), b"").arrays["x"]
    assert_same(found.fetch(Request(dtype=np.dtype("f8"))), array.astype("f8"))
    out = np.zeros((8, 40), "f4").T
    assert found.fetch(Request(out=out)) is out
    assert (out == array).all()
    assert (found.host_bytes(Request()), found.host_bytes(Request(out=out))) == (array.nbytes, 0)
    with pytest.raises(CopyRequired) as caught:
        found.fetch(Request(copy=False))
    assert str(caught.value) == (
        "copy=False allows only a view, and a Zarr array lies in pieces; pass copy=None or copy=True"
    )


def test_groups_and_lone_arrays(tmp_path):
    path = tmp_path / "a.zarr"
    sink = sink_at(path)
    specs = {name: ArraySpec((2,), np.dtype("f4")) for name in ("b", "a/x", "a/deep/y")}
    sink.begin(specs)
    for name in specs:
        sink.write(Chunk(name, (), numbers(2)))
    sink.commit()
    stored = reader(path, b"")
    assert (stored.kind, list(stored.arrays), len(stored.arrays)) == ("Zarr folder", ["a/deep/y", "a/x", "b"], 3)
    assert "a" not in stored.arrays
    assert stored.arrays["b"].device == f"file {path}"
    assert list(reader(path / "a", b"").arrays) == ["deep/y", "x"]
    assert list(reader(path / "b", b"").arrays) == ["data"]


def test_huge_arrays_cost_nothing_unread(tmp_path):
    path = written(tmp_path / "a.zarr", numbers(4))
    change(path, shape=[1 << 60])
    found = reader(path, b"").arrays["x"]
    assert found.spec.shape == (1 << 60,)
    assert found.read(np.s_[(1 << 59) : (1 << 59) + 2,]).tolist() == [0, 0]
