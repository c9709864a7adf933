"""TFRecords written to every format: in one pass, whatever the first records promise, and from where it was stopped."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy import _resume
from tf2numpy.formats import _record_shards, _record_table
from tf2numpy.wire import compression as compression_module
from tf2numpy.wire import records

from .example_files import row, sequence, written

SUFFIXES = [".npz", ".h5", ".zarr", ".safetensors", ".parquet", ".arrow", ""]
RESUMING = [".npz", ".h5", ".zarr", ".safetensors", ""]
WITH_STRINGS = [".h5", ".zarr", ".parquet", ".arrow"]
ROWS = 3000


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few records, of which the first alone is looked at beforehand."""
    monkeypatch.setattr(_record_table, "_SAMPLED_RECORDS", 1)
    monkeypatch.setattr(records, "PIECE_BYTES", 4096)
    monkeypatch.setattr(compression_module, "PIECE_BYTES", 4096)


def steady(number, suffix):
    """A record of a dense, a ragged and a sometimes missing column, all of which show at once."""
    found = {"x": [float(number), 2.0], "ragged": ("int64", list(range(number % 4)))} | (
        {"rare": [number]} if number % 3 else {}
    )
    return row(**found | ({"name": [b"%d" % number]} if suffix in WITH_STRINGS else {}))


def surprising(number, suffix):
    """A record of columns of which the last ones are not what the first ones promise."""
    late = number >= ROWS - 5
    found = {"longer": [1, 2, 3] if late else [1, 2], "new": [1.5]} if late else {"longer": [1, 2], "lost": [number]}
    return row(n=[number], **found)


def expected(path):
    """Every array of a file, found by reading each by itself."""
    with t2n.open(path) as file:
        return {name: np.asarray(file[name]) for name in file}


def check(path, wanted):
    found = expected(path)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def target(folder, suffix):
    return folder / f"out{suffix}", {"format": None if suffix else "dir"}


@pytest.fixture
def read(monkeypatch):
    """How many records each block has that is read from now on."""
    found, whole = [], _record_shards.Shard.blocks
    monkeypatch.setattr(
        _record_shards.Shard, "blocks", lambda *a: (found.append(len(block)) or block for block in whole(*a))
    )
    return found


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_are_read_once(tmp_path, read, small_blocks, suffix, compression):
    path = written(tmp_path / "x", *(steady(i, suffix) for i in range(ROWS)), compression=compression)
    wanted = expected(path)
    read.clear()
    out, options = target(tmp_path, suffix)
    t2n.convert(path, out, **options)
    assert ROWS <= sum(read) < ROWS + 200  # the first block is looked at before
    check(out, wanted)


def test_a_cast_takes_no_pass_of_its_own(tmp_path, read, small_blocks):
    path = written(tmp_path / "x", *(steady(i, ".npz") for i in range(ROWS)), compression="gzip")
    found = t2n.to_numpy(t2n.open(path), dtype="float16")
    assert ROWS <= sum(read) < ROWS + 200
    assert (found["x"].dtype, found["ragged"].dtype) == ("float16", "float16")
    assert found["ragged"].row_splits.dtype == np.int64
    read.clear()
    t2n.convert(path, tmp_path / "y.npz", dtype="float16")
    assert ROWS <= sum(read) < ROWS + 200
    np.testing.assert_array_equal(expected(tmp_path / "y.npz")["x"], found["x"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_the_first_records_promise_may_prove_wrong(tmp_path, small_blocks, suffix):
    path = written(tmp_path / "x", *(surprising(i, suffix) for i in range(ROWS)))
    wanted = expected(path)
    assert {"longer/values", "longer/row_splits", "lost/missing", "new/missing"} <= wanted.keys()
    out, options = target(tmp_path, suffix)
    t2n.convert(path, out, **options)
    check(out, wanted)


SURPRISES = {
    "a longer row": (row(x=[1]), row(x=[1, 2])),
    "a row that lacks it": (row(x=[1]), row(y=[1])),
    "a new feature": (row(x=[1]), row(x=[1], y=[2.0])),
    "values at last": (row(x=[1], y=None), row(x=[1], y=[b"a"])),
    "another number of steps": (sequence({}, x=[[1], [2]]), sequence({}, x=[[1]])),
    "a step of another size": (sequence({}, x=[[1], [2]]), sequence({}, x=[[1], [2, 3]])),
    "a step without a kind": (sequence({}, x=[[1], [2]]), sequence({}, x=[[1], None])),
}


@pytest.mark.parametrize("case", SURPRISES)
def test_each_surprise_is_noticed(tmp_path, small_blocks, case):
    first, last = SURPRISES[case]
    path = written(tmp_path / "x", *([first] * 500), last)
    wanted = expected(path)
    t2n.convert(path, tmp_path / "y.h5")
    check(tmp_path / "y.h5", wanted)
    with t2n.open(path) as file:
        t2n.save(file, tmp_path / "z.h5", verify=True)
    check(tmp_path / "z.h5", wanted)


def test_no_records(tmp_path):
    path = tmp_path / "x.tfrecord"
    path.write_bytes(b"")
    with fails(
        t2n.FormatError,
        f"there is nothing to write to {tmp_path / 'y.h5'}: this TFRecords of tf.train.Example holds no array",
    ):
        t2n.convert(path, tmp_path / "y.h5")
    t2n.convert(path, tmp_path / "y.h5", schema={"x": t2n.Bytes, "n": ((None,), "int64")})
    assert {name: array.shape for name, array in expected(tmp_path / "y.h5").items()} == {
        "x": (0,),
        "n/values": (0,),
        "n/row_splits": (1,),
    }


def test_new_names(tmp_path, small_blocks):
    path = written(tmp_path / "x", *(surprising(i, "") for i in range(ROWS)))
    wanted = expected(path)
    t2n.convert(path, tmp_path / "y.h5", rename=[r"longer(/.*)?=long\1", "n=number"])
    found = expected(tmp_path / "y.h5")
    np.testing.assert_array_equal(found["number"], wanted["n"])
    np.testing.assert_array_equal(found["long/row_splits"], wanted["longer/row_splits"])
    rows = t2n.convert(path, tmp_path / "z.h5", rename={"n": "number"}, dry_run=True)
    assert {one.new: one.shape for one in rows if one.old == "n"} == {"number": (ROWS,)}


def test_what_is_left_out_is_told_when_it_is_known(tmp_path, small_blocks):
    path = written(tmp_path / "x", *([row(x=[1])] * 500), row(x=[1], empty=None))
    with pytest.warns(UserWarning, match=r"left out: 'empty' \(no record has values of it"):
        t2n.convert(path, tmp_path / "y.h5")


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("records_of", [steady, surprising])
@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("suffix", RESUMING)
def test_a_conversion_is_gone_on_with(tmp_path, monkeypatch, small_blocks, suffix, compression, records_of, part):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    for number in range(3):
        rows = (records_of(i, suffix) for i in range(number * ROWS // 3, (number + 1) * ROWS // 3))
        written(tmp_path / f"x-{number}", *rows, compression=compression)
    path = tmp_path / "x-*"
    wanted = expected(path)
    nbytes = sum(array.nbytes for array in wanted.values())

    def stop(done, total):
        known = total is not None  # once the first records have proved wrong
        if done > part * nbytes and known == (records_of is surprising):
            raise Interrupted

    out, options = target(tmp_path, suffix)
    with pytest.raises(Interrupted):
        t2n.convert(path, out, progress=stop, max_bytes="64KiB", **options)
    assert os.path.exists(tmp_path / f".{out.name}.partial")
    t2n.convert(path, out, resume=True, max_bytes="64KiB", **options)
    check(out, wanted)


_MEASURE = """
import sys
import tf2numpy as t2n

def status(field):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(field)).split()[1]) * 1024

out = sys.argv[2]
t2n.convert(sys.argv[1] + "-small", out, max_bytes="16MiB")
before = status("VmRSS")
try:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from here
except OSError:
    sys.exit(3)
t2n.convert(sys.argv[1], out, max_bytes="16MiB", overwrite=True)
print((status("VmHWM") - before) / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("suffix", [".parquet", ".zarr", ".h5"])
def test_192_mib_are_converted_in_a_fraction_of_it(tmp_path, suffix, compression):
    path = tmp_path / "x"
    values = np.random.default_rng(0).random(16 << 10).tolist()
    one = row(x=values, ragged=[1, 2, 3], name=[b"a name"])
    other = row(x=values, ragged=[1], name=[b"b"])
    written(path, *([one, other] * 1536), compression=compression)
    written(tmp_path / "x-small", *([one, other] * 16), compression=compression)
    out = tmp_path / f"y{suffix}"
    done = subprocess.run([sys.executable, "-c", _MEASURE, path, out], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("the kernel does not let the peak be counted anew")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) < 16 + 64
    if suffix == ".h5":
        check(out, expected(path))
