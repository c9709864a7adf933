"""TFRecords of Examples as tables: against what TensorFlow was given to write, in every way that they can be read."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

from .example_files import COMPRESS, GOLDEN, flat, hexed, plain, row, sequence, written

NAMES = ["examples", "sequences"]


def expected(name):
    with np.load(GOLDEN / f"{name}.npz") as found:
        return dict(found)


@pytest.mark.parametrize("compression", ["none", "gzip", "zlib"])
@pytest.mark.parametrize("name", NAMES)
def test_what_tensorflow_wrote(name, compression):
    file, wanted = t2n.open(GOLDEN / f"{name}-{compression}.tfrecord"), expected(name)
    found = flat(file)
    assert found.keys() == wanted.keys()
    assert file.left_out == {}
    for one, array in wanted.items():
        assert found[one].dtype == (object if array.dtype.kind == "U" else array.dtype), one
        np.testing.assert_array_equal(hexed(found[one]), array, err_msg=one)


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once_is_what_each_array_is(name):
    path = GOLDEN / f"{name}-gzip.tfrecord"
    at_once, file = t2n.to_numpy(t2n.open(path)), t2n.open(path)
    for one, array in at_once.items():
        if isinstance(array, t2n.RaggedArray):
            *levels, values = [*array.nested_row_splits, array.flat_values]
            for depth, splits in enumerate(levels):
                np.testing.assert_array_equal(splits, file[f"{one}/{'values/' * depth}row_splits"])
            np.testing.assert_array_equal(values, file[f"{one}/{'values/' * len(levels)}"[:-1]])
        else:
            np.testing.assert_array_equal(array, file[one])
        whole = array.flat_values if isinstance(array, t2n.RaggedArray) else array
        assert whole.flags.writeable
    ragged = sum(len(a.nested_row_splits) for a in at_once.values() if isinstance(a, t2n.RaggedArray))
    assert len(file) == len(at_once) + ragged


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_parts_of_the_whole(name):
    file = t2n.open(GOLDEN / f"{name}-none.tfrecord")
    whole, done = t2n.to_numpy(file), 0
    for chunk in t2n.iter_chunks(file, max_bytes="40KiB"):
        (rows,) = chunk.index
        assert rows.start == done
        done = rows.stop
        for one, array in chunk.value.items():
            if isinstance(array, t2n.RaggedArray):
                assert array.to_list() == whole[one][rows].to_list()
            else:
                np.testing.assert_array_equal(array, whole[one][rows])
    assert done == 50


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("name", NAMES)
def test_saved_and_converted_files_hold_the_same(tmp_path, name, compression):
    path = GOLDEN / f"{name}-{compression}.tfrecord"
    with t2n.open(path) as file:
        saved = t2n.save(file, tmp_path / "a.h5", max_bytes="64KiB")
        wanted = flat(file)
    converted = t2n.convert(path, tmp_path / "b.h5")
    for other in (saved, converted):
        found = flat(t2n.open(other))
        assert found.keys() == wanted.keys()
        for one, array in wanted.items():
            np.testing.assert_array_equal(found[one], array, err_msg=one)


@pytest.mark.parametrize("compression", COMPRESS)
def test_slices_across_groups(tmp_path, compression):
    rows = [row(x=[float(i)] * 16000, n=[i], w=[b"%d" % i] * (i % 3)) if i % 3 else row(n=[i]) for i in range(100)]
    file = t2n.open(written(tmp_path / "x", *rows, compression=compression))
    assert file["n"][30:70].tolist() == list(range(30, 70))
    assert file["n"][5:10].tolist() == list(range(5, 10))
    assert file["n"][-1] == 99
    splits = np.cumsum([0, *(16000 * bool(i % 3) for i in range(100))])
    np.testing.assert_array_equal(file["x/row_splits"][40:], splits[40:])
    np.testing.assert_array_equal(file["x/row_splits"], splits)
    assert set(file["x/values"][splits[50] : splits[51]].tolist()) == {50.0}
    assert file["w/values"][:4].tolist() == [b"1", b"2", b"2", b"4"]
    assert file["w/missing"][:4].tolist() == [True, False, False, True]
    assert file["x/values"].shape == (splits[-1],)


CASES = {
    "one value a row has no axis": ([row(x=[1]), row(x=[2])], {"x": [1, 2]}),
    "as many values are an axis": ([row(x=[1, 2]), row(x=[3, 4])], {"x": [[1, 2], [3, 4]]}),
    "none at all is an axis of none": ([row(x=("int64", []))] * 2, {"x": [[], []]}),
    "differing ones are ragged": ([row(x=[1]), row(x=[2, 3])], {"x": [[1], [2, 3]]}),
    "a row that lacks it is told from an empty one": (
        [row(x=[1]), row(y=[1]), row(x=("int64", [])), row(x=None)],
        {"x": [[1], [], [], []], "x/missing": [False, True, False, True], "y": [[], [1], [], []]}
        | {"y/missing": [True, False, True, True]},
    ),
    "nothing is invented where others have one value": (
        [row(x=[b"a"], n=[1]), row(n=[2])],
        {"n": [1, 2], "x": [[b"a"], []], "x/missing": [False, True]},
    ),
    "bytes keep their zeros": ([row(x=[b"a\0"]), row(x=[b"\0"])], {"x": [b"a\0", b"\0"]}),
    "steps of one value": ([sequence({}, s=[[1], [2]]), sequence({}, s=[[3], [4]])], {"s": [[1, 2], [3, 4]]}),
    "steps that differ": ([sequence({}, s=[[1], [2]]), sequence({}, s=[[3]])], {"s": [[1, 2], [3]]}),
    "steps of vectors": ([sequence({}, s=[[1, 2]]), sequence({}, s=[])], {"s": [[[1, 2]], []]}),
    "steps and values that differ": (
        [sequence({}, s=[[1, 2], [3]]), sequence({}, s=[[4]])],
        {"s": [[[1, 2], [3]], [[4]]]},
    ),
    "rows without the list": (
        [sequence({"n": [1]}, s=[[1]]), sequence({"n": [2]})],
        {"n": [1, 2], "s": [[1], []], "s/missing": [False, True]},
    ),
    "steps without a kind": (
        [sequence({}, s=[[1], None]), sequence({}, s=[[2], [3]])],
        {"s": [[[1], []], [[2], [3]]], "s/values/missing": [False, True, False, False]},
    ),
    "a list and a feature of one name": (
        [sequence({"s": [1]}, s=[[2]])] * 2,
        {"s": [1, 1], "s_1": [[2], [2]]},
    ),
    "a list and a feature of one name, of different kinds": (
        [sequence({"s": [1.5]}, s=[[b"x"]])] * 2,
        {"s": [1.5, 1.5], "s_1": [[b"x"], [b"x"]]},
    ),
    "a feature that is called as a part of another": (
        [row(**{"x": [1], "x/values": [7]}), row(**{"x": [1, 2], "x/values": [8]})],
        {"x": [[1], [1, 2]], "x/values_1": [7, 8]},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_columns_become(tmp_path, case):
    rows, wanted = CASES[case]
    file = t2n.open(written(tmp_path / "x.tfrecord", *rows))
    assert plain(t2n.to_numpy(file)) == wanted
    (chunk,) = t2n.iter_chunks(file)
    assert plain(chunk.value) == wanted
    ragged = {name for name, one in t2n.to_numpy(file).items() if isinstance(one, t2n.RaggedArray)}
    assert set(wanted) - set(file) == ragged
    for name in set(wanted) & set(file):
        assert np.asarray(file[name]).tolist() == wanted[name]


def test_a_feature_without_values_is_left_out(tmp_path):
    file = t2n.open(written(tmp_path / "x", row(x=None, y=[1]), row(y=[2])))
    assert plain(t2n.to_numpy(file)) == {"y": [1, 2]}
    assert dict(file.left_out) == {"x": "no record has values of it, so that its dtype is not known"}
    assert list(file) == ["y"]


def test_select(tmp_path):
    path = written(tmp_path / "x", row(ab=[1], ac=[2], b=[b"x"]), row(ab=[1, 3], ac=[4], late=[5.0]))
    for select, names in {
        "ab": ["ab"],
        "a*": ["ab", "ac"],
        ("b", "late"): ["b", "b/missing", "late", "late/missing"],
    }.items():
        file = t2n.open(path, select=select if isinstance(select, str) else list(select))
        assert list(t2n.to_numpy(file)) == names
        assert dict(t2n.open(path, select=select if isinstance(select, str) else list(select)).left_out) == {}
    assert list(t2n.open(path, select="ab")) == ["ab/values", "ab/row_splits"]
    with fails(
        t2n.InvalidArgument,
        f"select='z' fits none of the 4 features of {str(path)!r}, which are ab, ac, b, late",
    ):
        t2n.open(path, select="z")


def test_casts_and_text(tmp_path):
    file = t2n.open(written(tmp_path / "x", row(x=[1], s=[b"a"]), row(x=[2, 3], s=[b"b"])))
    found = t2n.to_numpy(file, dtype="float16")
    assert found["x"].values.dtype == np.float16
    assert found["x"].row_splits.dtype == np.int64
    assert t2n.to_numpy(file, dtype=str)["s"].tolist() == ["a", "b"]


def test_records_that_are_no_messages(tmp_path):
    path = written(tmp_path / "x", b"\x07abc", b"", b"\xff")
    file = t2n.open(path)
    assert file.kind == "TFRecords of bytes"
    assert plain(t2n.to_numpy(file)) == {"record": [b"\x07abc", b"", b"\xff"]}
    assert file["record"][1:].tolist() == [b"", b"\xff"]
    assert [chunk.value["record"].tolist() for chunk in t2n.iter_chunks(file)] == [[b"\x07abc", b"", b"\xff"]]


def test_an_empty_file_is_a_table_by_its_name(tmp_path):
    file = t2n.open(written(tmp_path / "x.tfrecord"))
    assert t2n.to_numpy(file) == {}
    assert list(file) == []
    with pytest.raises(t2n.FormatError, match="is of no format that can be read"):
        t2n.open(written(tmp_path / "x.bin"))


def test_a_record_that_is_too_large_for_a_piece(tmp_path):
    path = written(tmp_path / "x", row(x=[1.0]), row(x=[1.0] * 5000))
    with pytest.raises(t2n.InvalidArgument, match=r"^the record 1 of '.*x' alone needs .* give a larger max_bytes$"):
        list(t2n.iter_chunks(t2n.open(path), max_bytes=4096))
