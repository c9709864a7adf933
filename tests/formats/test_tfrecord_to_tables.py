"""TFRecords into Parquet and Arrow files: read back by pyarrow alone, they have what TensorFlow was given to write."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from real_files import real
from tf2numpy import cli

from .example_files import GOLDEN, flat, row, written
from .table_files import SUFFIXES, pa, read
from .test_tfrecord import expected

ROOT = Path(t2n.__file__).parent.parent


def wanted_columns(name):
    """What went into the golden files, as rows: a list for each ragged axis, None for what is missing."""
    arrays = expected(name)
    columns = {}
    for base in {one.partition("/")[0] for one in arrays}:
        rows = _rows(arrays, base)
        gone = arrays.get(f"{base}/missing", np.zeros(len(rows), bool))
        columns[base] = [None if missing else one for one, missing in zip(rows, gone, strict=True)]
    return columns


def _rows(arrays, name):
    if f"{name}/row_splits" in arrays:
        inside = _rows(arrays, f"{name}/values")
        splits = arrays[f"{name}/row_splits"].tolist()
        return [inside[start:stop] for start, stop in pairwise(splits)]
    array = arrays[name]
    return [bytes.fromhex(one) for one in array] if array.dtype.kind == "U" else array.tolist()


def flattened(value):
    """Rows of several axes as Arrow's tensors give them: end to end."""
    return [np.asarray(one).reshape(-1).tolist() for one in value]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("name", ["examples", "sequences"])
def test_as_the_command_converts_it(tmp_path, monkeypatch, name, compression, suffix):
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        shutil.copy(GOLDEN / f"{name}-{compression}.tfrecord", f"train-{number}.tfrecord")
    assert cli.main(["convert", "train-*.tfrecord", f"train{suffix}", "--verify", "--quiet"]) == 0
    table, wanted = read(tmp_path / f"train{suffix}"), wanted_columns(name)
    assert sorted(table.column_names) == sorted(wanted)
    for column, rows in wanted.items():
        rows = flattened(rows) if column == "table" else rows
        assert table.column(column).to_pylist() == rows * 2, column
    nullable = {field.name for field in table.schema if field.nullable}
    assert nullable == {column for column, rows in wanted.items() if None in rows}
    assert cli.main(["verify", "train-*.tfrecord", f"train{suffix}"]) == 0


@pytest.mark.real
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_taxi_rides_as_tensorflow_parses_them(tf, tmp_path, suffix):
    path = real("tfrecord/taxi-00000-of-00012.gz")
    with pytest.warns(UserWarning, match="left out: 'pickup_census_tract' .no record has values of it"):
        table = read(t2n.convert(path, tmp_path / f"x{suffix}", verify=True))
    kinds = {"b": tf.string, "f": tf.float32, "i": tf.int64}
    features = {}
    for field in table.schema:
        leaf = getattr(field.type, "value_type", field.type)
        kind = "b" if pa.types.is_large_binary(leaf) else "f" if pa.types.is_floating(leaf) else "i"
        features[field.name] = tf.io.RaggedFeature(kinds[kind])
    parsed = tf.io.parse_example(list(tf.data.TFRecordDataset(str(path), "GZIP")), features)
    assert len(parsed) == 17
    for name, rows in parsed.items():
        found = table.column(name).to_pylist()
        assert [one if isinstance(one, list) else [] if one is None else [one] for one in found] == rows.to_list(), name
        assert [one is None for one in found] == [not row for row in rows.to_list()]


@pytest.mark.real
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sequences_as_tensorflow_parses_them(tf, tmp_path, suffix):
    path = real("tfrecord/sequence_eval.gz")
    table = read(t2n.convert(path, tmp_path / f"x{suffix}", verify=True))
    context, lists, _ = tf.io.parse_sequence_example(
        list(tf.data.TFRecordDataset(str(path), "GZIP")),
        context_features={"i": tf.io.RaggedFeature(tf.int64), "f": tf.io.RaggedFeature(tf.float32)},
        sequence_features={"s": tf.io.FixedLenSequenceFeature([], tf.string)},
    )
    for name in "if":
        assert [one or [] for one in table.column(name).to_pylist()] == context[name].to_list()
    assert table.column("s").to_pylist() == lists["s"].numpy().tolist()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_output_that_is_there(tmp_path, suffix):
    source = written(tmp_path / "x.tfrecord", row(a=[1]), row(a=[2]))
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(t2n.OutputExists) as caught:
        t2n.convert(source, path)
    assert str(caught.value) == (
        f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
    )
    assert path.read_bytes() == b"precious"
    assert read(t2n.convert(source, path, overwrite=True)).to_pydict() == {"a": [1, 2]}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_damage_leaves(tmp_path, suffix):
    """One flipped byte of the last record: the output does not appear, and what was there stays."""
    source = written(tmp_path / "x.tfrecord", *(row(a=[i], b=[1.5] * 3000) for i in range(100)))
    data = bytearray(source.read_bytes())
    data[-100] ^= 1
    source.write_bytes(data)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(t2n.ChecksumError, match="record 99"):
        t2n.convert(source, path, overwrite=True, max_bytes="256KiB")
    assert sorted(os.listdir(tmp_path)) == sorted(["x.tfrecord", path.name])
    assert path.read_bytes() == b"precious"
    with pytest.warns(UserWarning, match="record 99"):
        t2n.convert(source, path, overwrite=True, max_bytes="256KiB", on_corrupt="skip")
    assert read(path).column("a").to_pylist() == list(range(99))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_kill_leaves(tmp_path, suffix):
    """A hidden folder and no output; the next conversion begins anew, and --resume says that it would have to."""
    source = written(tmp_path / "x.tfrecord", *(row(a=[i], b=[1.5] * 3000) for i in range(300)))
    path = tmp_path / f"x{suffix}"
    program = f"""
    import os, signal, sys
    sys.path.insert(0, {str(ROOT)!r})
    import tf2numpy as t2n
    def progress(done, total):
        if done > 1_000_000:
            os.kill(os.getpid(), signal.SIGKILL)
    t2n.convert({str(source)!r}, {str(path)!r}, max_bytes="256KiB", progress=progress)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sorted(os.listdir(tmp_path)) == [f".{path.name}.partial", "x.tfrecord"]
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.convert(source, path, resume=True)
    assert str(caught.value) == (
        f"an interrupted {suffix} file cannot be gone on from, as it lacks its footer, without which no row of it can "
        "be read; leave resume=True out, or choose .h5 or .zarr"
    )
    assert read(t2n.convert(source, path)).column("a").to_pylist() == list(range(300))
    assert sorted(os.listdir(tmp_path)) == sorted(["x.tfrecord", path.name])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up(small_disk, tmp_path, suffix):
    rng = np.random.default_rng(0)
    blobs = [row(a=[rng.bytes(100_000)], w=[b"w"] * (1 + i % 3)) for i in range(100)]
    source = written(tmp_path / "x.tfrecord", *blobs)
    path = small_disk / f"x{suffix}"
    with pytest.raises(t2n.StorageFull, match=r"^no room to write .*No space left on device.*; free some"):
        t2n.convert(source, path, max_bytes="4MiB")
    assert os.listdir(small_disk) == []
    t2n.convert(written(tmp_path / "y.tfrecord", *blobs[:20]), path, max_bytes="4MiB")
    assert os.listdir(small_disk) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_records_without_rows_or_features(tmp_path, suffix):
    empty = written(tmp_path / "x.tfrecord")
    with pytest.raises(t2n.FormatError) as caught:
        t2n.convert(empty, tmp_path / f"x{suffix}")
    assert str(caught.value) == (
        f"there is nothing to write to {tmp_path / f'x{suffix}'}: this TFRecords of tf.train.Example holds no array"
    )
    schema = {"a": ((2,), "float32"), "b": t2n.Bytes}
    table = read(t2n.convert(empty, tmp_path / f"x{suffix}", schema=schema, verify=True))
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])
    with t2n.open(tmp_path / f"x{suffix}") as file:
        assert {name: (array.shape, array.dtype) for name, array in file.items()} == {
            "a": ((0, 2), np.float32),
            "b": ((0,), object),
        }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_features_that_are_called_like_the_parts_of_a_sparse_value(tmp_path, suffix):
    features = {"s/indices": [0, 1, 1, 0], "s/values": [1.5, 2.5], "s/shape": [2, 2]}
    source = written(tmp_path / "x.tfrecord", *[row(**features)] * 3)
    assert read(t2n.convert(source, tmp_path / f"x{suffix}")).to_pydict() == {
        name: [values] * 3 for name, values in features.items()
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_comes_back_is_what_the_records_gave(tmp_path, suffix):
    for name in ("examples", "sequences"):
        source = GOLDEN / f"{name}-zlib.tfrecord"
        wanted = flat(t2n.open(source))
        found = flat(t2n.open(t2n.convert(source, tmp_path / f"{name}{suffix}", compression="zstd", chunks=(7,))))
        assert found.keys() == wanted.keys()
        for one, array in wanted.items():
            assert found[one].dtype == array.dtype
            np.testing.assert_array_equal(found[one], array, err_msg=one)
