"""What one table cannot hold is refused before anything is written, all of it at once."""

import os

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._types import ArraySpec, Chunk, Layout
from tf2numpy._workspace import Workspace

pytest.importorskip("pyarrow")

from tf2numpy.sinks.arrow import ArrowSink
from tf2numpy.sinks.parquet import ParquetSink

OTHERS = "choose .h5 or .zarr, which hold any arrays"
SPARSE = t2n.SparseArray(np.array([[0, 0], [2, 1]]), np.array([1.0, 2.0]), (3, 2))
REFUSED = {
    "a number": (
        {"x": np.zeros(3), "step": np.float32(1)},
        f"a .parquet file is one table: 'step' is without an axis, and so without rows; leave them out (select=), or "
        f"{OTHERS}",
    ),
    "nothing but a number": (
        np.float32(1),
        f"a .parquet file is one table: 'data' is without an axis, and so without rows; leave them out (select=), or "
        f"{OTHERS}",
    ),
    "numbers of rows": (
        {
            "x": np.zeros(3),
            "y": np.zeros((4, 2)),
            "z": np.zeros(3),
            "t": t2n.RaggedArray(np.zeros(2), np.array([0, 2])),
        },
        "a .parquet file is one table: all its arrays have the same number of rows, found 1 rows: 't'; 3 rows: "
        f"'x', 'z'; 4 rows: 'y'; save them apart, or {OTHERS}",
    ),
    "missing of other rows": (
        {"x": np.zeros(3), "x/missing": np.zeros(2, bool)},
        "a .parquet file is one table: all its arrays have the same number of rows, found 3 rows: 'x'; 2 rows: "
        f"'x/missing'; save them apart, or {OTHERS}",
    ),
    "a sparse value": (
        {"x": np.zeros(3), "s": SPARSE},
        "a .parquet file is one table: the indices, values and shape of a sparse value ('s') are no rows of one; make "
        f"it dense or ragged first, or {OTHERS}",
    ),
    "a sparse value alone": (
        SPARSE,
        "a .parquet file is one table: the indices, values and shape of a sparse value are no rows of one; make "
        f"it dense or ragged first, or {OTHERS}",
    ),
    "dtypes": (
        {"x": np.zeros(3, [("a", "i4")]), "y": np.zeros(3, "g"), "z": np.zeros(3, "g")},
        "a .parquet file is one table: 'x' has void32, which no column can hold; cast or reshape, or choose .npy or "
        f".npz\na .parquet file is one table: 'y', 'z' have {np.dtype('g').name}, which no column can hold; cast or "
        "reshape, or choose .npy or .npz",
    ),
    "long rows": (
        {"x": np.broadcast_to(np.int8(1), (1, 2**16, 2**16))},
        "a .parquet file is one table: 'x' has rows of the shape (65536, 65536), which are too long for a column; cast "
        "or reshape, or choose .npy or .npz",
    ),
    "one column twice": (
        {"values": np.zeros(3), "row_splits": np.array([0, 1, 1, 3]), "data": np.zeros(3)},
        "a .parquet file is one table: 'data' and 'row_splits' would be one column, 'data'; rename one of them",
    ),
    "names": (
        {"x\ud800": np.zeros(3)},
        "a .parquet file is one table: 'x\\ud800' cannot name a column, which takes valid Unicode; rename them",
    ),
    "several reasons": (
        {"x": np.zeros(3, "g"), "y": np.zeros(4), "n": np.float32(1), "s": SPARSE},
        f"a .parquet file is one table: 'x' has {np.dtype('g').name}, which no column can hold; cast or reshape, or "
        "choose .npy or .npz\na .parquet file is one table: the indices, values and shape of a sparse value ('s') are "
        f"no rows of one; make it dense or ragged first, or {OTHERS}\na .parquet file is one table: 'n' is without an "
        f"axis, and so without rows; leave them out (select=), or {OTHERS}\na .parquet file is one table: all its "
        f"arrays have the same number of rows, found 3 rows: 'x'; 4 rows: 'y'; save them apart, or {OTHERS}",
    ),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_what_is_no_table(tmp_path, suffix, value, message):
    with pytest.raises(t2n.FormatError) as caught:
        t2n.save(value, tmp_path / f"x{suffix}")
    assert str(caught.value) == message.replace(".parquet", suffix)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"resume": True},
            t2n.InvalidArgument,
            "an interrupted .parquet file cannot be gone on from, as it lacks its footer, without which no row of it "
            "can be read; leave resume=True out, or choose .h5 or .zarr",
        ),
        (
            {"chunks": (2, 2)},
            t2n.InvalidArgument,
            "chunks=(2, 2) has 2 sizes, and of a .parquet file it says how many rows make a group; give one, "
            "chunks=(n,)",
        ),
        (
            {"compression": "blosc"},
            t2n.FormatError,
            "compression='blosc' is not for .parquet files: the format offers 'zstd', 'gzip', 'snappy', 'lz4'; choose "
            ".h5 or .hdf5 or .zarr",
        ),
    ],
)
def test_options_that_do_not_suit(tmp_path, options, error, message):
    with pytest.raises(error) as caught:
        t2n.save(np.zeros((3, 2)), tmp_path / "x.parquet", **options)
    assert str(caught.value) == message
    assert os.listdir(tmp_path) == []


def test_nothing_is_read_of_what_is_refused(tmp_path):
    def rows():
        pytest.fail("it was read")
        yield

    with pytest.raises(t2n.InvalidArgument, match="cannot be gone on from"):
        t2n.save(rows(), tmp_path / "x.parquet", resume=True)


FOUND_LATE = {
    "a value that is missing": (
        {"x": np.array([1, 2]), "x/missing": np.array([False, True])},
        "'x' has values in rows that 'x/missing' says have none, and a table could not keep them; set them to 0 or "
        "make them empty, or rename one of the two arrays",
    ),
    "a ragged row that is missing": (
        {"t/values": np.array([1, 2]), "t/row_splits": np.array([0, 1, 2]), "t/missing": np.array([False, True])},
        "'t/row_splits' has values in rows that 't/missing' says have none, and a table could not keep them; set them "
        "to 0 or make them empty, or rename one of the two arrays",
    ),
    "no bytes": (
        {"x": np.array([b"a", 5], object)},
        "array 'x': the element at [1] is int, and only bytes can be written; give numbers a dtype of numbers, "
        "np.asarray(x, 'float64')",
    ),
    "no Unicode": (
        {"x": np.array(["a", "b\ud800"])},
        "array 'x': its text is no valid Unicode, which that of a table has to be; encode it to bytes first",
    ),
}


@pytest.mark.parametrize(("value", "message"), FOUND_LATE.values(), ids=FOUND_LATE)
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_what_is_found_while_writing_leaves_nothing(tmp_path, suffix, value, message):
    with pytest.raises(t2n.FormatError) as caught:
        t2n.save(value, tmp_path / f"x{suffix}")
    assert str(caught.value) == message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("sink_class", [ParquetSink, ArrowSink])
def test_arrays_that_end_early(tmp_path, sink_class):
    path = tmp_path / f"x{sink_class.suffix}"
    sink = sink_class(Workspace(path, overwrite=False), Layout())
    sink.begin({name: ArraySpec((None,), np.dtype("f4")) for name in "abc"})
    for name, rows in (("a", 3), ("b", 2), ("c", 2)):
        sink.write(Chunk(name, (slice(0, rows),), np.zeros(rows, "f4")))
    with pytest.raises(t2n.FormatError) as caught:
        sink.commit()
    assert str(caught.value) == (
        f"a {sink_class.suffix} file is one table: all its arrays have the same number of rows, and 'a' has 3 rows, "
        f"where others have 2; {OTHERS}"
    )
    sink.abort()
    assert os.listdir(tmp_path) == []


def test_rows_of_lists_are_counted_as_rows(tmp_path):
    arrays = {"r/row_splits": np.array([0, 1, 1, 1]), "r/values": np.arange(1), "x": np.arange(4)}
    sink = ParquetSink(Workspace(tmp_path / "x.parquet", overwrite=False), Layout())
    sink.begin({name: ArraySpec((None,), rows.dtype) for name, rows in arrays.items()})
    for name, rows in arrays.items():
        sink.write(Chunk(name, (slice(0, len(rows)),), rows))
    with pytest.raises(t2n.FormatError) as caught:
        sink.commit()
    assert str(caught.value) == (
        f"a .parquet file is one table: all its arrays have the same number of rows, and 'x' has 4 rows, where others "
        f"have 3; {OTHERS}"
    )
    sink.abort()


def test_a_state_is_of_no_use(tmp_path):
    sink = ParquetSink(Workspace(tmp_path / "x.parquet", overwrite=False), Layout())
    with pytest.raises(t2n.FormatError) as caught:
        sink.begin({"x": ArraySpec((3,), np.dtype("f4"))}, {})
    assert str(caught.value) == "an unfinished .parquet file cannot be gone on from; begin anew"
    with pytest.raises(t2n.FormatError) as caught:
        sink.state()
    assert str(caught.value) == "an unfinished .parquet file cannot be gone on from, so it has no state"


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_without_pyarrow(tmp_path, monkeypatch, suffix):
    t2n.save(np.zeros(3), tmp_path / f"x{suffix}")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setattr("importlib.import_module", _without_pyarrow(__import__("importlib").import_module))
    with pytest.raises(t2n.MissingExtra) as caught:
        t2n.save(np.zeros(3), tmp_path / f"y{suffix}")
    assert str(caught.value) == (
        f"writing {suffix} needs pyarrow, which is not installed; pip install 'tf2numpy[parquet]'"
    )
    with pytest.raises(t2n.MissingExtra) as caught:
        t2n.open(tmp_path / f"x{suffix}")
    kind = "a Parquet file" if suffix == ".parquet" else "an Arrow file"
    assert str(caught.value) == (
        f"reading {str(tmp_path / f'x{suffix}')!r}, {kind}, needs pyarrow, which is not installed; "
        "pip install 'tf2numpy[parquet]'"
    )


def _without_pyarrow(load):
    def import_module(name, package=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")
        return load(name, package)

    return import_module
