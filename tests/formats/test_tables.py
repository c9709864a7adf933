"""Parquet and Arrow files that were saved here come back as they were; those of others as what they clearly are."""

import datetime
import decimal
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same
from tables_of_rows import tables
from tf2numpy import _fetch
from tf2numpy._options import resolver_of
from tf2numpy._types import Request

from .table_files import SUFFIXES, opened, read, write

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def flat(value):
    source = resolver_of(None)(value)
    return {name: np.asarray(leaf.fetch(Request())) for name, leaf in _fetch.leaves(source)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_table_comes_back(tmp_path_factory, suffix):
    folder = tmp_path_factory.mktemp("any")

    @settings(max_examples=100)
    @given(
        value=tables(),
        chunks=st.sampled_from([None, (1,), (3,), (100,)]),
        compression=st.sampled_from([None, "zstd", "lz4"]),
        max_bytes=st.sampled_from([30_000, 64 << 20]),
    )
    def check(value, chunks, compression, max_bytes):
        path = t2n.save(
            value,
            folder / f"x{suffix}",
            chunks=chunks,
            compression=compression,
            max_bytes=max_bytes,
            overwrite=True,
            verify=True,
        )
        wanted = flat(value)
        with t2n.open(path) as file:
            assert sorted(file) == sorted(wanted)
            for name, array in wanted.items():
                assert_same(np.asarray(file[name]), array)
                cuts = [*range(0, len(array), 3), len(array)]
                for start, stop in itertools.combinations(cuts, 2):
                    assert_same(np.asarray(file[name][start:stop]), array[start:stop])
            again = t2n.save(file, folder / f"y{suffix}", max_bytes=30_000, overwrite=True, verify=True)
        assert opened(again)[0].keys() == wanted.keys()
        assert read(again).num_rows == read(path).num_rows

    check()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pyarrow_reads_what_was_saved(tmp_path, suffix):
    ragged = t2n.RaggedArray(np.arange(5, dtype="f4"), np.array([0, 2, 2, 5]))
    value = {
        "x": np.arange(12, dtype="i2").reshape(3, 2, 2),
        "y": np.array([1.5, 0, -2]),
        "y/missing": np.array([False, True, False]),
        "s": np.array([b"a\0", b"", b"\xff"], object),
        "u": np.array(["é", "", "abc"]),
        "t": ragged,
        "tt": t2n.RaggedArray(ragged, np.array([0, 0, 1, 3])),
        "b": np.array([True, False, True]),
    }
    table = read(t2n.save(value, tmp_path / f"x{suffix}"))
    assert table.to_pydict() == {
        "x": [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
        "y": [1.5, None, -2],
        "s": [b"a\0", b"", b"\xff"],
        "u": ["é", "", "abc"],
        "t": [[0, 1], [], [2, 3, 4]],
        "tt": [[], [[0, 1]], [[], [2, 3, 4]]],
        "b": [True, False, True],
    }
    types = {field.name: str(field.type) for field in table.schema}
    assert types["x"] == "extension<arrow.fixed_shape_tensor[value_type=int16, shape=[2,2]]>"
    assert types["t"].startswith("large_list<")
    assert (types["s"], types["u"], types["y"], types["b"]) == ("large_binary", "large_string", "double", "bool")
    assert [field.name for field in table.schema if field.nullable] == ["y"]
    assert table.column("x").combine_chunks().to_numpy_ndarray().tolist() == value["x"].tolist()


OTHERS = {
    "i": (pa.array([1, None, 3], pa.int32()), {"i": np.array([1, 0, 3], "i4"), "i/missing": np.array([0, 1, 0], bool)}),
    "f": (pa.array([1.5, 2, 3]), {"f": np.array([1.5, 2, 3])}),
    "b": (pa.array([True, None, True]), {"b": np.array([1, 0, 1], bool), "b/missing": np.array([0, 1, 0], bool)}),
    "s": (pa.array(["é", None, ""]), {"s": np.array(["é".encode(), b"", b""], object), "s/missing": [0, 1, 0]}),
    "y": (pa.array([b"\xff", b"", b"a\0"]), {"y": np.array([b"\xff", b"", b"a\0"], object)}),
    "fixed": (pa.array([b"ab", b"\0\0", b"cd"], pa.binary(2)), {"fixed": np.array([b"ab", b"\0\0", b"cd"], object)}),
    "l": (
        pa.array([[1, 2], None, []], pa.list_(pa.int64())),
        {"l/row_splits": np.array([0, 2, 2, 2]), "l/values": np.array([1, 2]), "l/missing": np.array([0, 1, 0], bool)},
    ),
    "in": (
        pa.array([["a"], [None, "b"], []]),
        {
            "in/row_splits": np.array([0, 1, 3, 3]),
            "in/values": np.array([b"a", b"", b"b"], object),
            "in/values/missing": np.array([0, 1, 0], bool),
        },
    ),
    "ll": (
        pa.array([[[1], []], [], [[2, 3]]], pa.large_list(pa.list_(pa.int8()))),
        {
            "ll/row_splits": np.array([0, 2, 2, 3]),
            "ll/values/row_splits": np.array([0, 1, 1, 3]),
            "ll/values/values": np.array([1, 2, 3], "i1"),
        },
    ),
    "fsl": (
        pa.array([[1, 2], None, [5, 6]], pa.list_(pa.float32(), 2)),
        {"fsl": np.array([[1, 2], [0, 0], [5, 6]], "f4"), "fsl/missing": np.array([0, 1, 0], bool)},
    ),
    "d": (pa.array(["x", "y", "x"]).dictionary_encode(), {"d": np.array([b"x", b"y", b"x"], object)}),
    "di": (pa.array([7, None, 7]).dictionary_encode(), {"di": np.array([7, 0, 7]), "di/missing": [0, 1, 0]}),
    "ns": (
        pa.array([1, None, 3], pa.timestamp("ns")),
        {"ns": np.array([1, "NaT", 3], "M8[ns]"), "ns/missing": np.array([0, 1, 0], bool)},
    ),
    "day": (pa.array([datetime.date(1970, 1, 2)] * 3), {"day": np.array(["1970-01-02"] * 3, "M8[D]")}),
    "took": (pa.array([1, 2, 3], pa.duration("us")), {"took": np.array([1, 2, 3], "m8[us]")}),
    "half": (pa.array(np.array([1, 2, 3], "f2")), {"half": np.array([1, 2, 3], "f2")}),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("options", [{}, {"compression": "zstd"}, {"row_group_size": 2}], ids=str)
@pytest.mark.parametrize("name", OTHERS)
def test_columns_of_others(tmp_path, suffix, options, name):
    column, wanted = OTHERS[name]
    table = pa.table({name: column, "last": pa.array([1, 2, 3])})
    if options.get("row_group_size") and str(column.type).startswith("dict"):
        pytest.skip("pyarrow writes one dictionary for all")
    if name == "fsl" and suffix == ".parquet" and int(pa.__version__.partition(".")[0]) < 26:
        pytest.skip("this pyarrow cannot read lists of fixed size that are null from Parquet")
    arrays, left_out = opened(write(tmp_path / f"x{suffix}", table, **options))
    assert left_out == {}
    assert arrays.pop("last").tolist() == [1, 2, 3]
    assert sorted(arrays) == sorted(wanted)
    for part, array in wanted.items():
        assert_same(arrays[part], np.asarray(array, bool if part.endswith("missing") else None))


LEFT_OUT = {
    "zone": (
        pa.array([1], pa.timestamp("us", "Europe/Berlin")),
        "times in the zone 'Europe/Berlin', which NumPy's times cannot name; cast them to timestamp[us]",
    ),
    "decimal": (pa.array([decimal.Decimal("1.5")]), "decimal128(2, 1), which no array of NumPy's holds"),
    "struct": (
        pa.array([{"a": 1}]),
        "struct<a: int64>, which no array of NumPy's holds",
    ),
    "map": (
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        "map<string, int8>, which no array of NumPy's holds",
    ),
    "null": (pa.nulls(1), "null, which no array of NumPy's holds"),
    "time": (pa.array([1], pa.time32("ms")), "time32[ms], which no array of NumPy's holds"),
    "listed": (pa.array([[decimal.Decimal("1.5")]]), "decimal128(2, 1), which no array of NumPy's holds"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", LEFT_OUT)
def test_columns_that_no_array_holds(tmp_path, suffix, name):
    column, why = LEFT_OUT[name]
    arrays, left_out = opened(write(tmp_path / f"x{suffix}", pa.table({name: column, "x": [1]})))
    assert list(arrays) == ["x"]
    assert {name: text.replace(" ('map')", "") for name, text in left_out.items()} == {name: why}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_of_one_name(tmp_path, suffix):
    table = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["x", "x", "y"])
    arrays, left_out = opened(write(tmp_path / f"x{suffix}", table))
    assert list(arrays) == ["y"]
    assert left_out == {"x": "several columns of one name"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_that_what_is_missing_would_have(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}", pa.table({"x/missing": [True], "x": pa.array([None], pa.int8())}))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: another array is called 'x/missing' already"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nulls_within_rows_of_fixed_size(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}", pa.table({"x": pa.array([[1, None]], pa.list_(pa.int64(), 2))}))
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x"][:]
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: some rows of fixed size have nulls within, which no array of "
        "NumPy's can have; fill them"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_thousands_of_columns(tmp_path, suffix):
    """Each piece of each column costs no look at all the others."""
    value = {f"c{number}": np.arange(3) + number for number in range(1000)}
    path = t2n.save(value, tmp_path / f"x{suffix}")
    assert opened(path)[0].keys() == value.keys()
    assert read(path).column("c999").to_pylist() == [999, 1000, 1001]


def test_a_slice_decodes_only_the_groups_that_it_is_in(tmp_path, monkeypatch):
    path = t2n.save({"x": np.arange(100), "y": np.zeros((100, 3))}, tmp_path / "x.parquet", chunks=(10,))
    asked = []
    whole = pq.ParquetFile.iter_batches

    def iter_batches(self, *args, **options):
        asked.append((options["row_groups"], options["columns"]))
        return whole(self, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", iter_batches)
    with t2n.open(path) as file:
        assert asked == []
        assert file["x"][35:47].tolist() == list(range(35, 47))
        assert asked == [([3], ["x"]), ([4], ["x"])]


def test_an_arrow_file_is_a_view_of_the_mapped_file(tmp_path):
    array = np.arange(3000.0).reshape(1000, 3)
    path = t2n.save({"x": array, "y": np.arange(1000)}, tmp_path / "x.arrow")
    with t2n.open(path) as file:
        first, second = (t2n.to_numpy(file["x"], copy=False) for _ in range(2))
        assert np.shares_memory(first, second)
        assert not first.flags.writeable
        assert_same(np.array(first), array)
        assert np.shares_memory(file["x"][5:7], first)


def test_groups_of_a_mapped_file_are_views(tmp_path):
    path = t2n.save(np.arange(1000.0), tmp_path / "x.arrow", chunks=(300,))
    with t2n.open(path) as file:
        assert np.shares_memory(file["data"][310:320], file["data"][300:600])
        regions = list(file["data"].source.regions(1 << 20))
        assert regions == [(slice(a, b),) for a, b in itertools.pairwise([0, 300, 600, 900, 1000])]
        with pytest.raises(t2n.CopyRequired) as caught:
            t2n.to_numpy(file["data"], copy=False)
    assert str(caught.value) == (
        "copy=False allows only a view, and its rows lie in pieces in the file; pass copy=None or copy=True"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pieces_of_which_all_rows_are_missing(tmp_path, suffix):
    """Lists of lists of vectors: of null alone, pyarrow makes no items of such a type."""
    inner = t2n.RaggedArray(np.zeros((0, 1), bool), np.zeros(1, np.int64))
    value = {"x": t2n.RaggedArray(inner, np.zeros(4, np.int64)), "x/missing": np.array([False, False, True])}
    path = t2n.save(value, tmp_path / f"x{suffix}", chunks=(1,), verify=True)
    with t2n.open(path) as file:
        assert file["x/missing"][...].tolist() == [False, False, True]
        assert (file["x/row_splits"][...].tolist(), file["x/values/values"].shape) == ([0] * 4, (0, 1))
