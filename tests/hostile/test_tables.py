"""Parquet and Arrow files that were damaged in any way give what is whole in them, or an error of ours.

pyarrow ends the process at some damage that it did not find: what it reads is tried in processes of their own.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from hostile.mutate import TIMES

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(t2n.__file__).parent.parent
COUNT, SECONDS = 1000, 120
PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
import numpy as np, tf2numpy as t2n
from pathlib import Path
from hostile.mutate import mutations
good, path = Path(sys.argv[3]).read_bytes(), Path(sys.argv[4])
opened = 0
for number, data in enumerate(mutations(good, int(sys.argv[5]), seed=int(sys.argv[6]))):
    path.unlink(missing_ok=True)  # an earlier one may be mapped yet
    path.write_bytes(data)
    print(number, flush=True)
    try:
        file = t2n.open(path)
        for name in file:
            try:
                if file[name].nbytes <= 64 << 20:
                    np.asarray(file[name])
                    file[name][1:2]
            except t2n.Tf2NumpyError:
                continue
        opened += 1
    except t2n.Tf2NumpyError:
        continue
print("opened", opened)
"""
VALUE = {
    "x": np.arange(12.0).reshape(6, 2),
    "y": np.array([1, 0, 3, 4, 5, 6]),
    "y/missing": np.array([0, 1, 0, 0, 0, 0], bool),
    "v": np.array([[1, 2], [0, 0], [3, 4], [5, 6], [7, 8], [9, 9]], "f4"),
    "v/missing": np.array([0, 1, 0, 0, 0, 0], bool),
    "w": np.array([[b"a", b""], [b"", b""], [b"b", b"c"], [b"d", b"e"], [b"f", b"g"], [b"h", b"i"]], object),
    "w/missing": np.array([0, 1, 0, 0, 0, 0], bool),
    "u": np.array(["é", "", "abc", "1", "2", "3"]),
    "b": np.arange(6) % 2 == 0,
    "s": np.array([b"a\0", b"", b"xyz", b"1", b"2", b"3"], object),
    "t": t2n.RaggedArray(np.arange(10, dtype="f4"), np.array([0, 2, 2, 3, 3, 9, 10])),
    "tt": t2n.RaggedArray(
        t2n.RaggedArray(np.array([b"a", b"b", b"", b"c"], object), np.array([0, 1, 1, 4])),
        np.array([0, 1, 1, 1, 3, 3, 3]),
    ),
}


def ours(path, compression):
    return t2n.save(VALUE, path, compression=compression, chunks=(4,))


def of_others(path, compression):
    """Write what only others write: columns that may have nulls, dictionaries, 32-bit lists, times."""
    table = pa.table(
        {
            "i": pa.array([1, None, 3, 4], pa.int32()),
            "s": pa.array(["é", None, "", "abc"]),
            "l": pa.array([[1, None], None, [], [2]]),
            "ls": pa.array([["a"], [], [None, "b"], ["c"]]),
            "d": pa.array(["x", "y", None, "x"]).dictionary_encode(),
            "fsl": pa.array([[1, 2], None, [5, 6], [7, 8]], pa.list_(pa.float32(), 2)),
            "ns": pa.array([1, None, 3, 4], pa.timestamp("ns")),
            "b": pa.array([True, None, False, True]),
        }
    )
    if path.suffix == ".parquet":
        if int(pa.__version__.partition(".")[0]) < 26:  # which writes no vectors that may be missing
            table = table.drop_columns("fsl")
        pq.write_table(table, path, compression=compression or "none", row_group_size=3)
        return path
    with pa.ipc.new_file(str(path), table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(table)
    return path


@pytest.mark.parametrize("write", [ours, of_others])
@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_damaged_tables(tmp_path, suffix, compression, write):
    good = write(tmp_path / f"good{suffix}", compression)
    paths = [ROOT, Path(__file__).parent.parent, good, tmp_path / "x"]
    command = [sys.executable, "-c", PROGRAM, *map(str, paths), str(COUNT), str(int(compression is None))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS * TIMES)
    assert done.returncode == 0, (done.stdout.splitlines()[-1:], done.stderr[-2000:])
    assert int(done.stdout.split()[-1]) > 20
