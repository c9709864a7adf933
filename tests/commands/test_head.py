"""`tf2numpy head`: the first rows of arrays and of records."""

from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from formats.example_files import row, written


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
            "a  float32 (None,)",
            "  1.5",
            "  2.",
            "v  int64 (None, 20)",
            "  [1, 1, 1, ..., 1, 1, 1]",
            "  [2, 2, 2, ..., 2, 2, 2]",
            "w  string (None, None)",
            "  [b'x\\n']",
            "  []",
            "w/missing  bool (None,)",
            "  False",
            "  True",
        ],
        [],
    )


def test_arrays(tf2numpy):
    t2n.save({"m": np.arange(6.0).reshape(3, 2), "s": np.array(7)}, "x.npz")
    assert tf2numpy("head", "x.npz", "-n", "1") == (
        0,
        [".npz file x.npz", "m  float64 (3, 2)", "  [0., 1.]", "s  int64 ()", "  7"],
        [],
    )


def test_ragged_rows_and_damaged_records(tf2numpy, here):
    path = written(here / "x.tfrecord", row(a=[1]), b"\xff", row(a=[2, 3]))
    assert tf2numpy("head", path.name, "--on-corrupt", "skip")[1][1:] == ["a  int64 (None, None)", "  [1]", "  [2, 3]"]
    code, _, errors = tf2numpy("head", path.name)
    assert code == 1
    assert "the record 1 is no tf.train.Example" in errors[0]


def test_inspect_counts_records_and_what_they_lack(tf2numpy, here):
    written(here / "x.tfrecord", row(a=[1], b=[1]), row(a=[2]))
    code, lines, _ = tf2numpy("inspect", "x.tfrecord")
    assert code == 0
    assert lines[-1] == "2 records: b is missing in 1"
    assert lines[0] == "TFRecords of tf.train.Example x.tfrecord"


def test_records_by_a_features_json(tf2numpy):
    folder = Path(__file__).parent.parent / "golden" / "tfds" / "small"
    files = str(folder / "small-train.tfrecord-*")
    assert tf2numpy("head", files, "-n", "2", "--select", "label", "--schema", str(folder / "features.json")) == (
        0,
        [f"TFRecords of tf.train.Example {files}", "label  int64 (None,)", "  0", "  2"],
        [],
    )
    pytest.importorskip("imagecodecs")
    code, lines, _ = tf2numpy("head", str(folder), "-n", "1", "--select", "train/image", "--images")
    assert (code, lines[:2]) == (0, [f"TensorFlow Datasets folder {folder}", "train/image  uint8 (None, 4, 5, 3)"])


def test_as_many_records_as_are_asked_for(tf2numpy, here):
    for file in range(3):
        written(here / f"x-{file}.tfrecord", *(row(n=[1000 * file + n], pad=[b"-" * 2000]) for n in range(1000)))
    code, lines, _ = tf2numpy("head", "x-*.tfrecord", "-n", "2500", "--select", "n")
    assert (code, lines[2:]) == (0, [f"  {n}" for n in range(2500)])
