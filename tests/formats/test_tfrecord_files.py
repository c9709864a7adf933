"""Which files make up one table of records, and what is said where they do not."""

import shutil

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from real_files import real

from .example_files import GOLDEN, flat, plain, row, written


@pytest.fixture
def shards(tmp_path):
    """Twelve files, of which the one without a number in between is empty."""
    for number in range(12):
        rows = [row(n=[number], **({"late": [b"l"]} if number == 11 else {}))] * (number != 3)
        written(tmp_path / f"train-{number}.tfrecord", *rows, compression=["none", "gzip"][number % 2])
    return tmp_path


WANTED = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]


def test_a_pattern_is_one_table_in_the_order_of_numbers(shards):
    file = t2n.open(shards / "train-*.tfrecord")
    assert t2n.to_numpy(file)["n"].tolist() == WANTED
    assert file["n"][2:5].tolist() == [2, 4, 5]
    assert file["late/missing"][:].tolist() == [True] * 10 + [False]
    saved = t2n.save(file, shards / "x.h5")
    np.testing.assert_array_equal(t2n.open(saved)["n"], WANTED)
    assert t2n.to_numpy(t2n.open(shards / "train-1?.tfrecord"))["n"].tolist() == [10, 11]


def test_a_folder_is_one_table(shards):
    (shards / "_SUCCESS").touch()
    (shards / ".part.crc").write_bytes(b"x")
    assert t2n.to_numpy(t2n.open(shards))["n"].tolist() == WANTED
    (shards / "README.txt").write_text("no records")
    with pytest.raises(t2n.FormatError, match="is of no format that can be read; it has"):
        t2n.open(shards)


def test_a_first_record_of_any_length(tmp_path):
    """The sum of its length may begin as the JSON of a .safetensors file does."""
    lengths = [130, 162, 587, 619, 9196, 21110, 43006, 44160]
    begins = set()
    for length in lengths:
        path = written(tmp_path / "x", b"\xff" * length)
        begins.add(path.read_bytes()[8:10])
        assert t2n.to_numpy(t2n.open(path))["record"].tolist() == [b"\xff" * length]
    assert {b"{}", b"{ ", b"{\n", b'{"'} < begins
    assert all(begin.startswith(b"{") for begin in begins)


def test_a_pattern_that_fits_other_files(shards):
    (shards / "train-x").write_bytes(b"no records")
    pattern = shards / "train-*"
    with fails(
        t2n.FormatError,
        f"{str(shards / 'train-x')!r}, which {str(pattern)!r} fits, is no TFRecord file; give a pattern that fits only "
        "such files",
    ):
        t2n.open(pattern)
    with pytest.raises(FileNotFoundError):
        t2n.open(shards / "eval-*")
    with pytest.raises(FileNotFoundError):
        t2n.open(shards / "train-12.tfrecord")


def a_folder(path):
    path.mkdir()


def a_link_to_nothing(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("make", "what"),
    [(a_folder, "a folder"), (a_link_to_nothing, "neither a file nor a folder")],
    ids=["folder", "link"],
)
def test_a_pattern_that_fits_what_is_no_file(shards, make, what):
    make(shards / "train-x")
    with fails(
        t2n.FormatError,
        f"{str(shards / 'train-x')!r}, which {str(shards / 'train-*')!r} fits, is {what}; a pattern means TFRecord "
        "files alone: open others by their own names",
    ):
        t2n.open(shards / "train-*")


def test_a_pattern_that_fits_no_records_at_all(tmp_path):
    for name in ("b.txt", "a.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"words")
    with fails(
        t2n.FormatError,
        f"{str(tmp_path / 'a.txt')!r}, which {str(tmp_path / '*')!r} fits, is no TFRecord file; a pattern means "
        "TFRecord files alone: open others by their own names",
    ):
        t2n.open(tmp_path / "*")


@pytest.mark.parametrize("name", ["*/x.tfrecord", "**/*.tfrecord", "*/y/x.tfrecord"])
def test_a_pattern_for_folders(shards, name):
    with fails(FileNotFoundError, f"[Errno 2] only the last part of a name can be a pattern: {str(shards / name)!r}"):
        t2n.open(shards / name)


def test_files_that_disagree(tmp_path):
    first = written(tmp_path / "a-0", row(x=[1.0]), row(x=[2.0]))
    second = written(tmp_path / "a-1", row(y=[1]), row(x=[7]))
    message = (
        f"{str(second)!r} cannot be read at offset 30: the feature 'x' of the record 1 holds int64 values (at its byte "
        f"9), and its column holds float values; {str(first)!r} has those"
    )
    with fails(t2n.FormatError, message):
        t2n.to_numpy(t2n.open(tmp_path / "a-*"))
    with fails(t2n.FormatError, message):
        list(t2n.open(tmp_path / "a-*"))


def test_files_of_other_records(tmp_path):
    first, second = written(tmp_path / "a-0", row(x=[1.0])), written(tmp_path / "a-1", b"\xff\xff")
    with fails(
        t2n.FormatError,
        f"{str(first)!r} has records of tf.train.Example, and {str(second)!r} of bytes; open them apart",
    ):
        t2n.open(tmp_path / "a-*")


def test_options_that_mean_nothing_to_others(tmp_path):
    path = t2n.save(np.arange(3), tmp_path / "x.npy")
    with fails(
        t2n.InvalidArgument,
        f"partial=True means nothing to the .npy file {str(path)!r}: it takes no such options; leave partial out",
    ):
        t2n.open(path, partial=True)
    with fails(t2n.InvalidArgument, "on_corrupt='no' is not 'raise' or 'skip'"):
        t2n.open(GOLDEN / "examples-none.tfrecord", on_corrupt="no")


def parsed(tf, path, names):
    """What TensorFlow parses of a compressed file: values of the rows that have some."""
    records = list(tf.data.TFRecordDataset(str(path), "GZIP"))
    kinds = {"f": tf.float32, "i": tf.int64, "b": tf.string}
    found = tf.io.parse_example(records, {name: tf.io.RaggedFeature(kinds[kind]) for name, kind in names.items()})
    return {name: (one.values.numpy(), one.row_splits.numpy()) for name, one in found.items()}


@pytest.mark.real
def test_taxi_rides_as_tensorflow_parses_them(tf):
    path = real("tfrecord/taxi-00000-of-00012.gz")
    found = t2n.to_numpy(t2n.open(path))
    kinds = {"O": "b", "f": "f", "i": "i"}
    columns = {name: one for name, one in found.items() if not name.endswith("/missing")}
    for name, (values, splits) in parsed(tf, path, {n: kinds[one.dtype.kind] for n, one in columns.items()}).items():
        one = columns[name]
        flat_values = one.values if isinstance(one, t2n.RaggedArray) else one
        np.testing.assert_array_equal(flat_values, values, err_msg=name)
        if isinstance(one, t2n.RaggedArray):
            np.testing.assert_array_equal(one.row_splits, splits)
            np.testing.assert_array_equal(found[f"{name}/missing"], np.diff(splits) == 0)
        else:
            assert np.diff(splits).tolist() == [1] * 424
    assert len(columns) == 17


@pytest.mark.real
def test_sequences_as_tensorflow_parses_them(tf):
    path = real("tfrecord/sequence_eval.gz")
    found, records = t2n.to_numpy(t2n.open(path)), list(tf.data.TFRecordDataset(str(path), "GZIP"))
    kinds = {"i": tf.int64, "f": tf.float32}
    context, lists, _ = tf.io.parse_sequence_example(
        records,
        context_features={name: tf.io.RaggedFeature(kind) for name, kind in kinds.items()},
        sequence_features={"s": tf.io.FixedLenSequenceFeature([], tf.string)},
    )
    assert found["i"].to_list() == context["i"].to_list()
    assert found["f"].to_list() == context["f"].to_list()
    np.testing.assert_array_equal(found["s"], lists["s"].numpy())
    assert found["i/missing"].sum() == 450


@pytest.mark.real
def test_both_files_of_rides_are_one_table(tmp_path):
    for number in range(2):
        shutil.copy(real(f"tfrecord/taxi-0000{number}-of-00012.gz"), tmp_path)
    file = t2n.open(tmp_path)
    assert len(file["fare"]) == 849
    apart = [plain(t2n.to_numpy(t2n.open(one)))["company"] for one in sorted(tmp_path.iterdir())]
    assert plain(t2n.to_numpy(file))["company"] == apart[0] + apart[1]
    assert flat(file)["trip_seconds/missing"].sum() == 1
