import json
import tracemalloc
import warnings

import numpy as np
import pytest

from sinks.zarr_folders import files, numbers, sink_at, written
from tf2numpy._types import ArraySpec, Chunk, Request
from tf2numpy.formats.zarr import zarr as reader
from tf2numpy.layouts.zarr_grid import Grid, cut
from tf2numpy.sinks import _zarr_layout
from tf2numpy.sinks._zarr_layout import chunk_of, grid_of

MIB = 1 << 20


def document(path, name="x"):
    return json.loads((path / name / "zarr.json").read_bytes())


def test_an_uncompressed_chunk_is_the_raw_bytes(tmp_path):
    array = numbers(5, 3)
    written(tmp_path / "a.zarr", array)
    assert files(tmp_path / "a.zarr") == ["x/c/0/0", "x/zarr.json", "zarr.json"]
    assert (tmp_path / "a.zarr" / "x/c/0/0").read_bytes() == array.tobytes()


@pytest.mark.parametrize("compression", [None, "zstd", "gzip", "blosc"])
@pytest.mark.parametrize("rows", [1, 4, 10, 37])
@pytest.mark.parametrize("unknown", [False, True])
def test_chunks_of_the_callers_choice(tmp_path, compression, rows, unknown):
    array = numbers(37, 5, 4, dtype=">i4")
    path = written(tmp_path / "a.zarr", array, rows, unknown, compression=compression, chunks=(10, 2, 4))
    grid = document(path)["chunk_grid"]["configuration"]["chunk_shape"]
    if unknown and compression:
        assert [n % size for n, size in zip(grid, (10, 2, 4), strict=True)] == [0, 0, 0]
    else:
        assert grid == [10, 2, 4]
        assert len(files(path)) == 2 + 4 * 3
    zarr = pytest.importorskip("zarr", "3")
    assert (zarr.open_group(path, mode="r")["x"][...] == array).all()
    assert (reader(path, b"").arrays["x"].fetch(Request()) == array).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_a_few_unknown_rows_are_one_small_chunk(tmp_path, compression, rows):
    array = numbers(rows, 3)
    path = written(tmp_path / "a.zarr", array, 4, unknown=True, compression=compression)
    found = document(path)
    assert found["shape"] == [rows, 3]
    assert found["chunk_grid"]["configuration"]["chunk_shape"] == [max(rows, 1), 3]
    assert found["codecs"][0]["name"] == "bytes"
    assert sum(file.stat().st_size for file in path.glob("x/c/**/*") if file.is_file()) <= array.nbytes + 50


@pytest.mark.parametrize(
    ("shape", "itemsize", "encoded", "grid"),
    [
        ((), 4, False, Grid(())),
        ((0, 5), 4, True, Grid((1, 5))),
        ((1000, 1000), 4, False, Grid((1000, 1000))),
        ((8192, 1024), 4, False, Grid((4096, 1024))),
        ((8192, 1024), 4, True, Grid((1024, 1024))),
        ((1025, 1024), 4, True, Grid((513, 1024))),
        ((3, 5 * MIB), 1, True, Grid((1, 5 * MIB // 2))),
        ((None, 1024), 4, False, Grid((4096, 1024))),
        ((None, 1024), 4, True, Grid((1024, 1024), (64, 1))),
        ((1 << 20, 1024), 4, True, Grid((1024, 1024), (64, 1))),
        ((1 << 28, 1024), 4, True, Grid((1024, 1024), (256, 1))),
        ((1 << 20, 1024), 4, False, Grid((4096, 1024))),
        ((1 << 26, 1024), 4, False, Grid((4096, 1024), (16, 1))),
    ],
)
def test_default_grids(shape, itemsize, encoded, grid):
    assert grid_of(shape, itemsize, chunk=None, encoded=encoded) == grid


def test_a_shard_has_a_bounded_index():
    assert grid_of((1 << 30,), 1, chunk=(1,), encoded=True).in_file == 1 << 14
    assert chunk_of((7, 1), 3) == (3, 1)


def test_the_pieces_of_a_region():
    index = np.s_[1:7, 2:5]
    whole, again = numbers(9, 6), np.zeros((6, 3), "f4")
    for coords, inside, part in cut(index, (4, 3)):
        first = [c * n for c, n in zip(coords, (4, 3), strict=True)]
        box = tuple(slice(s.start + f, s.stop + f) for s, f in zip(inside, first, strict=True))
        again[part] = whole[box]
    assert (again == whole[index]).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_shards_as_others_read_them(tmp_path, monkeypatch, compression):
    monkeypatch.setattr(_zarr_layout, "_MOST_RAW_FILES", 4)
    monkeypatch.setattr(_zarr_layout, "_MOST_ENCODED_FILES", 4)
    monkeypatch.setattr(_zarr_layout, "_MOST_IN_SHARD", 4)
    array = numbers(21, 6)
    path = written(tmp_path / "a.zarr", array, 5, compression=compression, chunks=(2, 3))
    found = document(path)
    assert found["codecs"][0]["name"] == "sharding_indexed"
    assert found["chunk_grid"]["configuration"]["chunk_shape"] == [4, 6]
    zarr = pytest.importorskip("zarr", "3")
    assert (zarr.open_group(path, mode="r")["x"][3:20, 1:] == array[3:20, 1:]).all()
    assert (reader(path, b"").arrays["x"].read(np.s_[3:20, 1:6]) == array[3:20, 1:]).all()


@pytest.mark.parametrize("compression", [None, "zstd", "gzip", "blosc"])
@pytest.mark.parametrize("dtype", ["bool", "i1", "u8", "f2", "f8", "c8"])
@pytest.mark.parametrize("sharded", [False, True])
def test_tensorstore_reads_it(tmp_path, monkeypatch, compression, dtype, sharded):
    tensorstore = pytest.importorskip("tensorstore")
    if sharded:
        monkeypatch.setattr(_zarr_layout, "_MOST_RAW_FILES", 1)
        monkeypatch.setattr(_zarr_layout, "_MOST_ENCODED_FILES", 1)
    array = numbers(21, 6, dtype=dtype)
    path = written(tmp_path / "a.zarr", array, 5, compression=compression, chunks=(2, 3))
    spec = {"driver": "zarr3", "kvstore": f"file://{path}/x/"}
    found = tensorstore.open(spec, open=True).result().read().result()
    assert found.dtype == array.dtype
    assert (found == array).all()


@pytest.mark.parametrize("dtype", ["S3", "U3", ">U2", "M8[ns]", "M8[25s]", ">m8[D]"])
@pytest.mark.parametrize("compression", [None, "blosc"])
def test_texts_and_times_of_fixed_length(tmp_path, dtype, compression):
    array = np.array([0, 1, 22], "i8").astype(dtype)
    path = written(tmp_path / "a.zarr", array, compression=compression)
    found = reader(path, b"").arrays["x"].fetch(Request())
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    zarr = pytest.importorskip("zarr", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of dtypes that no specification has yet
        assert (zarr.open_group(path, mode="r")["x"][...] == array).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("rows", [3, 1000])
def test_bounded_memory(tmp_path, compression, rows):
    """Pieces of a twentieth of the array, and chunks that lie across all of them."""
    array = np.random.default_rng(0).integers(0, 9, (20, 4 * MIB // 4), "i4")  # 80 MiB
    sink = sink_at(tmp_path / "a.zarr", compression=compression, chunks=(20, 4 * MIB // 4 // 16))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    tracemalloc.start()
    try:
        for row in range(20):
            sink.write(Chunk("x", (slice(row, row + 1),), array[row : row + 1]))
        sink.commit()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60 * MIB
    assert (reader(tmp_path / "a.zarr", b"").arrays["x"].fetch(Request()) == array).all()
