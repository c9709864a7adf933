"""`tf2numpy head`: the first records, and the first rows of arrays."""

from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from formats.example_files import GOLDEN, row, sequence, written


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_records(tf2numpy, here):
    written(
        here / "x.tfrecord", row(a=[1.5], w=[b"x\n"], v=[1] * 20), row(a=[2.0], v=[2] * 20), row(a=[3.0], v=[3] * 20)
    )
    assert tf2numpy("head", "x.tfrecord", "-n", "2") == (
        0,
        [
            "TFRecords of tf.train.Example x.tfrecord",
            "record 0",
            "  a  1.5",
            "  v  [1, 1, 1, ..., 1, 1, 1]",
            "  w  [b'x\\n']",
            "record 1",
            "  a  2.",
            "  v  [2, 2, 2, ..., 2, 2, 2]",
            "  w  missing",
        ],
        [],
    )
    assert tf2numpy("head", "x.tfrecord", "-n", "0")[:2] == (0, ["TFRecords of tf.train.Example x.tfrecord"])
    assert tf2numpy("head", "x.tfrecord", "-n", "-1") == (
        1,
        [],
        ["tf2numpy: error: -n -1 is no number of rows; give 0 or more"],
    )


def test_records_of_several_blocks_and_files(tf2numpy, here):
    """Whatever is read at once, so many are printed as were asked for."""
    for number in range(3):
        written(here / f"x-{number}.tfrecord", *(row(n=[number * 4 + i], v=[0.5] * 200_000) for i in range(4)))
    _, lines, _ = tf2numpy("head", "x-*.tfrecord", "-n", "10")
    assert [line for line in lines if line.startswith("record")] == [f"record {n}" for n in range(10)]
    assert [line for line in lines if line.startswith("  n")] == [f"  n  {n}" for n in range(10)]
    assert sum(line.startswith("record") for line in tf2numpy("head", "x-*.tfrecord", "-n", "99")[1]) == 12


def test_long_values_are_cut(tf2numpy, here):
    written(here / "x.tfrecord", row(image=[b"\xff" * 300_000], words=[b"word"] * 100))
    _, lines, _ = tf2numpy("head", "x.tfrecord")
    assert lines[2] == f"  image  {(repr(bytes([255]) * 160))[:157]}..."
    assert lines[3] == "  words  [b'word', b'word', b'word', ..., b'word', b'word', b'word']"


def test_sequences(tf2numpy, here):
    written(here / "x", sequence({"id": [7]}, s=[[1, 2], [3]]), sequence({}, s=[[4]]), sequence({"id": [8]}))
    assert tf2numpy("head", "x")[1] == [
        "TFRecords of tf.train.SequenceExample x",
        "record 0",
        "  id  [7]",
        "  s   [[1, 2], [3]]",
        "record 1",
        "  id  missing",
        "  s   [[4]]",
        "record 2",
        "  id  [8]",
        "  s   missing",
    ]


def test_a_feature_that_is_called_missing(tf2numpy, here):
    written(here / "x", row(a=[5], **{"a/missing": [1]}), row(a=[6], **{"a/missing": [0]}))
    assert tf2numpy("head", "x", "-n", "1")[1][1:] == ["record 0", "  a          5", "  a/missing  1"]


def test_records_that_are_no_messages(tf2numpy, here):
    written(here / "x", b"\x07\x1b[31m", b"\xff")
    assert tf2numpy("head", "x")[1] == [
        "TFRecords of bytes x",
        "record 0",
        "  record  b'\\x07\\x1b[31m'",
        "record 1",
        "  record  b'\\xff'",
    ]


def test_arrays(tf2numpy):
    t2n.save({"m": np.arange(6.0).reshape(3, 2), "s": np.array(7)}, "x.npz")
    assert tf2numpy("head", "x.npz", "-n", "1") == (
        0,
        [".npz file x.npz", "m  float64 (3, 2)", "  [0., 1.]", "s  int64 ()", "  7"],
        [],
    )


def test_ragged_rows_and_damaged_records(tf2numpy, here):
    path = written(here / "x.tfrecord", row(a=[1]), b"\xff", row(a=[2, 3]))
    assert tf2numpy("head", path.name, "--on-corrupt", "skip")[1][1:] == [
        "record 0",
        "  a  [1]",
        "record 1",
        "  a  [2, 3]",
    ]
    code, _, errors = tf2numpy("head", path.name)
    assert code == 1
    assert "the record 1 is no tf.train.Example" in errors[0]


def test_a_table(tf2numpy):
    pytest.importorskip("pyarrow")
    value = {"x": np.array([1, 0]), "x/missing": np.array([False, True]), "u": np.array(["\x1b[31m", "é"])}
    t2n.save(value, "x.parquet")
    assert tf2numpy("head", "x.parquet", "-n", "1")[1] == [
        "Parquet file x.parquet",
        f"u  {np.dtype('U5').name} (2,)",
        "  '\\x1b[31m'",
        "x  int64 (2,)",
        "  1",
        "x/missing  bool (2,)",
        "  False",
    ]


@pytest.mark.parametrize(
    "folder", ["checkpoint/objects", "events/v2", "keras/whole.keras", "tf_data/save", "saved_model"]
)
def test_whatever_open_reads(tf2numpy, folder):
    """The first rows of each array are those that a slice gives."""
    for path in [GOLDEN.parent / folder, *sorted((GOLDEN.parent / folder).glob("*"))]:
        try:
            file = t2n.open(path)
        except t2n.FormatError:
            continue
        code, lines, _ = tf2numpy("head", path, "-n", "3")
        assert code == 0
        rows = [min(len(array), 3) if array.ndim else 1 for array in file.values()]
        assert len(lines) == 1 + len(file) + sum(rows)
        return
    pytest.fail("nothing was opened")


def test_records_by_a_features_json(tf2numpy):
    folder = Path(__file__).parent.parent / "golden" / "tfds" / "small"
    files = str(folder / "small-train.tfrecord-*")
    assert tf2numpy("head", files, "-n", "2", "--select", "label", "--schema", str(folder / "features.json")) == (
        0,
        [f"TFRecords of tf.train.Example {files}", "record 0", "  label  0", "record 1", "  label  2"],
        [],
    )
    pytest.importorskip("imagecodecs")
    code, lines, _ = tf2numpy("head", str(folder), "-n", "1", "--select", "train/image", "--images")
    assert (code, lines[:2]) == (0, [f"TensorFlow Datasets folder {folder}", "record 0"])
    assert lines[2].startswith("  train/image  [[[")


def test_as_many_records_as_are_asked_for(tf2numpy, here):
    for file in range(3):
        written(here / f"x-{file}.tfrecord", *(row(n=[1000 * file + n], pad=[b"-" * 2000]) for n in range(1000)))
    code, lines, _ = tf2numpy("head", "x-*.tfrecord", "-n", "2500", "--select", "n")
    assert (code, [line for line in lines if line.startswith(" ")]) == (0, [f"  n  {n}" for n in range(2500)])
