"""`tf2numpy inspect` of TFRecords: a line for each feature, in words and as JSON; and what compares such tables."""

import json
import shutil

import numpy as np
import pytest

import tf2numpy as t2n
from formats.example_files import GOLDEN, row, sequence, written
from formats.test_tfrecord import expected

EXAMPLES = GOLDEN / "examples-gzip.tfrecord"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(tf2numpy, *words):
    code, lines, err = tf2numpy("inspect", *words, "--json")
    assert (code, err) == (0, [])
    return json.loads("\n".join(lines))


def test_a_line_for_each_feature(tf2numpy, here):
    records = [
        sequence({"id": [i], **({"w": [b"x"] * i} if i % 2 else {})}, s=[[1.5, 2.0], [3.0, 4.0]]) for i in range(10)
    ]
    written(here / "x.tfrecord", *records, compression="gzip")
    assert tf2numpy("inspect", "x.tfrecord") == (
        0,
        [
            "TFRecords of tf.train.SequenceExample x.tfrecord",
            "name  dtype    shape       missing",
            "id    int64    (10,)       0",
            "w     string   (10, None)  5",
            "s     float32  (10, 2, 2)  0",
            "10 records of 3 features in 5 arrays, 338 B, beside 1 of strings",
        ],
        [],
    )


def test_ragged_axes_one_within_another(tf2numpy, here):
    written(here / "x", sequence({}, a=[[1], [2, 3]]), sequence({}, b=[[1.5, 2.0]]), sequence({}, a=[[4, 5]]))
    assert tf2numpy("inspect", "x")[1][1:-1] == [
        "name  dtype    shape            missing",
        "a     int64    (3, None, None)  1",
        "b     float32  (3, None, 2)     2",
    ]


def test_what_is_left_out(tf2numpy, here):
    written(here / "x", row(x=None, y=[1]), row(y=[2]))
    assert tf2numpy("inspect", "x")[1][1:] == [
        "name  dtype  shape  missing",
        "y     int64  (2,)   0",
        "2 records of 1 features in 1 arrays, 16 B",
        "left out: x (no record has values of it, so that its dtype is not known)",
    ]


def test_what_a_dataset_tells_of_its_features(tf2numpy, here):
    folder = shutil.copytree(GOLDEN.parent / "tfds" / "small", here / "small")
    (folder / "in-side-kind.labels.txt").write_text("".join(f"k{number}\n" for number in range(9)))
    words = ["small", "--select", "test/label", "--select", "test/*kind", "--select", "test/heat"]
    assert tf2numpy("inspect", *words)[1][5:] == [
        "3 records of 3 features in 3 arrays, 48 B, beside 1 of strings",
        "classes: test/in/side/kind (k0, k1, k2, k3, k4, k5, k6, k7, ... 9 in all)",
        "classes: test/label (cat, dog, cow)",
        "note: test/heat (images of float32 are not decoded)",
    ]
    found = document(tf2numpy, *words)
    assert found["labels"] == {
        "test/in/side/kind": [f"k{number}" for number in range(9)],
        "test/label": ["cat", "dog", "cow"],
    }
    assert found["notes"] == {"test/heat": "images of float32 are not decoded"}


@pytest.mark.parametrize("name", ["examples", "sequences"])
def test_missing_as_tensorflow_was_given_it(tf2numpy, name):
    wanted = expected(name)
    found = document(tf2numpy, GOLDEN / f"{name}-none.tfrecord")
    assert found["records"] == 50
    assert {one["name"] for one in found["features"]} == {one.partition("/")[0] for one in wanted}
    for one in found["features"]:
        gone = wanted.get(f"{one['name']}/missing", np.zeros(50, bool))
        assert one["missing"] == gone.sum(), one["name"]
        assert wanted[one["values"]].shape[1:] == tuple(size for size in one["shape"][1:] if size is not None)
        assert one["shape"].count(None) == sum(
            part.endswith("row_splits") and part.startswith(f"{one['name']}/") for part in wanted
        )


def test_json_has_the_same_facts(tf2numpy, here):
    written(here / "x", row(a=[1], b=[b"x", b"y"]), row(a=[2]))
    found = document(tf2numpy, "x", "--stats")
    assert found["records"] == 2
    assert found["features"] == [
        {"name": "a", "dtype": "int64", "shape": [2], "missing": 0, "values": "a"},
        {"name": "b", "dtype": "string", "shape": [2, None], "missing": 1, "values": "b/values"},
    ]
    assert [one["name"] for one in found["arrays"]] == ["a", "b/values", "b/row_splits", "b/missing"]
    assert found["arrays"][1]["stats"] == {"of": "lengths", "min": 1, "max": 1, "mean": 1.0, "nan": 0}


def test_statistics_are_of_the_values(tf2numpy, here):
    written(here / "x", row(a=[1.5, 2.5]), row(a=[float("nan")]), row(b=[7]))
    assert tf2numpy("inspect", "x", "--stats")[1][1:-1] == [
        "name  dtype    shape      missing  min  max  mean  NaN  of",
        "a     float32  (3, None)  1        1.5  2.5  2     1    values",
        "b     int64    (3, None)  2        7    7    7     0    values",
    ]


def test_a_tree_has_the_arrays(tf2numpy, here):
    written(here / "x", row(**{"g/a": [1], "g/b": [1.5]}), row(**{"g/a": [2], "g/b": [1.5, 2.0]}))
    assert tf2numpy("inspect", "x", "--tree")[1][1:] == [
        "name            dtype    shape     bytes",
        "g/                       3 arrays  52 B",
        "  a             int64    (2,)      16 B",
        "  b/                     2 arrays  36 B",
        "    values      float32  (3,)      12 B",
        "    row_splits  int64    (3,)      24 B",
        "2 records of 2 features in 3 arrays, 52 B",
    ]


def test_records_that_are_no_messages(tf2numpy, here):
    written(here / "x", b"\x07a", b"\xff")
    assert tf2numpy("inspect", "x")[1] == [
        "TFRecords of bytes x",
        "name    dtype   shape  missing",
        "record  string  (2,)   0",
        "2 records of 1 features in 1 arrays, 0 B, beside 1 of strings",
    ]


def test_selected_features(tf2numpy):
    lines = tf2numpy("inspect", EXAMPLES, "--select", "w*", "--select", "one")[1]
    assert [line.split()[0] for line in lines[2:-1]] == ["one", "words"]
    assert lines[-1].startswith("50 records of 2 features in 3 arrays, ")


def test_diff_and_verify(tf2numpy, here):
    """Tables of records against one another, and against what they were converted to."""
    first = written(here / "a.tfrecord", *(row(x=[i], w=[b"w"] * (1 + i % 2)) for i in range(5)))
    written(here / "b.tfrecord.gz", *(row(x=[i], w=[b"w"] * (1 + i % 2)) for i in range(5)), compression="gzip")
    written(here / "c.tfrecord", *(row(x=[i * i], w=[b"w"] * (1 + i % 2), late=[1.5]) for i in range(5)))
    t2n.convert(first, "a.h5")
    for other in ("b.tfrecord.gz", "a.h5"):
        assert tf2numpy("verify", "a.tfrecord", other) == (0, ["equal: the same arrays, bit for bit"], [])
        assert tf2numpy("diff", "a.tfrecord", other)[:2] == (0, ["0 only in A, 0 only in B, 0 differ, 3 equal"])
    assert tf2numpy("diff", "a.tfrecord", "c.tfrecord")[:2] == (
        1,
        [
            "+ late  float32 (5,)",
            "~ x  3 of 5 elements differ, by at most 12 (0.75 relative), first at [2]",
            "0 only in A, 1 only in B, 1 differ, 2 equal",
        ],
    )
    code, lines, _ = tf2numpy("verify", "a.tfrecord", "c.tfrecord")
    assert code == 1
    assert [line.partition(":")[0] for line in lines] == ["late", "x"]
