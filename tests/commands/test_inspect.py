"""`tf2numpy inspect`: a table, a tree, JSON, statistics."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n

VALUE = {
    "enc": {"dense": {"k": np.arange(6, dtype="f4").reshape(2, 3), "b": np.array([np.nan, 2])}, "s": [b"x", b"yy"]},
    "c": np.array([3 + 4j, np.inf]),
}
VALUE["enc"]["s"] = np.array(VALUE["enc"]["s"], object)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return t2n.save(VALUE, "x.h5")


def test_a_table(tf2numpy, path):
    assert tf2numpy("inspect", path) == (
        0,
        [
            "HDF5 file x.h5",
            "name         dtype       shape   bytes",
            "c            complex128  (2,)    32 B",
            "enc/s        string      (2,)    -",
            "enc/dense/b  float64     (2,)    16 B",
            "enc/dense/k  float32     (2, 3)  24 B",
            "4 arrays, 72 B, beside 1 of strings",
        ],
        [],
    )


def test_selected(tf2numpy, path):
    code, out, _ = tf2numpy("inspect", path, "--select", "*/b", "--select", "c")
    assert (code, [line.split()[0] for line in out[2:-1]]) == (0, ["c", "enc/dense/b"])
    assert tf2numpy("inspect", path, "--select", "d") == (
        1,
        [],
        [
            "tf2numpy: error: --select d fits none of the 4 arrays of 'x.h5'; a pattern has to fit a whole name: '*d*' "
            "would"
        ],
    )


def test_statistics(tf2numpy, path):
    code, out, err = tf2numpy("inspect", path, "--stats")
    assert (code, err) == (0, [])
    assert out[1:-1] == [
        "name         dtype       shape   bytes  min  max  mean  NaN  of",
        "c            complex128  (2,)    32 B   5    inf  inf   0    magnitudes",
        "enc/s        string      (2,)    -      1    2    1.5   0    lengths",
        "enc/dense/b  float64     (2,)    16 B   2    2    2     1    values",
        "enc/dense/k  float32     (2, 3)  24 B   0    5    2.5   0    values",
    ]


def test_what_has_no_statistics(tf2numpy, opens):
    opens({"text": np.array(["ab"]), "none": np.zeros(0)})
    _, out, _ = tf2numpy("inspect", "f", "--stats")
    assert out[2:] == [
        "text  str64    (1,)   8 B    -    -    -     -    -",
        "none  float64  (0,)   0 B    -    -    -     0    values",
        "2 arrays, 8 B",
    ]


def test_a_tree(tf2numpy, path):
    assert tf2numpy("inspect", path, "--tree")[1] == [
        "HDF5 file x.h5",
        "name      dtype       shape     bytes",
        "c         complex128  (2,)      32 B",
        "enc/                  3 arrays  40 B",
        "  s       string      (2,)      -",
        "  dense/              2 arrays  40 B",
        "    b     float64     (2,)      16 B",
        "    k     float32     (2, 3)    24 B",
        "4 arrays, 72 B, beside 1 of strings",
    ]
    assert (
        "    b     float64     (2,)      16 B   2    2    2     1    values"
        in tf2numpy("inspect", path, "--tree", "--stats")[1]
    )


def test_a_tree_of_odd_names(tf2numpy, opens):
    opens({"a": 1, "a/b": 1, "a//c": 1, "d/": 1, "/".join("x" * 3000): 1})
    code, out, _ = tf2numpy("inspect", "f", "--tree")
    assert code == 0
    names = [line[: line.index("  ", len(line) - len(line.lstrip()))] for line in out[2:-1]]
    assert names[:7] == ["a", "a/", "  b", "  /", "    c", "d/", "  ''"]
    assert len(names) == 7 + 64 + 1


def test_json(tf2numpy, path):
    code, out, err = tf2numpy("inspect", path, "--json", "--stats")
    found = json.loads("\n".join(out))
    assert (code, err) == (0, [])
    assert found.keys() == {"path", "kind", "chosen", "arrays", "total_bytes", "labels", "notes", "left_out"}
    assert (found["path"], found["kind"], found["total_bytes"], found["left_out"]) == ("x.h5", "HDF5 file", 72, {})
    assert found["arrays"][:2] == [
        {
            "name": "c",
            "dtype": "complex128",
            "shape": [2],
            "bytes": 32,
            "aliases": [],
            "stats": {"of": "magnitudes", "min": 5.0, "max": "inf", "mean": "inf", "nan": 0},
        },
        {
            "name": "enc/s",
            "dtype": "string",
            "shape": [2],
            "bytes": None,
            "aliases": [],
            "stats": {"of": "lengths", "min": 1, "max": 2, "mean": 1.5, "nan": 0},
        },
    ]
    assert "stats" not in json.loads("\n".join(tf2numpy("inspect", path, "--json")[1]))["arrays"][0]


def test_json_of_odd_things(tf2numpy, opens):
    left_out = {"it": "an iterator's state"}
    opens({"\ud800": np.array(["ab"]), "e": np.zeros(0)}, {"e": ["f"]}, left_out)
    found = json.loads("\n".join(tf2numpy("inspect", "f", "--json", "--stats")[1]))
    assert (found["arrays"][0]["name"], found["arrays"][0]["stats"]) == ("\ud800", None)
    assert found["arrays"][1]["stats"] == {"of": "values", "min": None, "max": None, "mean": None, "nan": 0}
    assert (found["arrays"][1]["aliases"], found["left_out"]) == (["f"], left_out)


def test_json_is_no_tree(tf2numpy, path, capsys):
    with pytest.raises(SystemExit) as caught:
        tf2numpy("inspect", path, "--json", "--tree")
    assert caught.value.code == 2
    assert "argument --tree: not allowed with argument --json" in capsys.readouterr().err


def test_other_names(tf2numpy, opens, monkeypatch):
    opens({"a": 1, "b": 2}, {"a": ["layer/a", "model/layer/a"]})
    plain = ["name  dtype  shape  bytes", "a     int64  ()     8 B", "b     int64  ()     8 B"]
    wide = [
        "name  dtype  shape  bytes  other names",
        "a     int64  ()     8 B    layer/a, model/layer/a",
        "b     int64  ()     8 B",
    ]
    monkeypatch.setenv("COLUMNS", "49")
    assert tf2numpy("inspect", "f")[1][1:-1] == wide
    monkeypatch.setenv("COLUMNS", "48")
    assert tf2numpy("inspect", "f")[1][1:-1] == plain
    assert tf2numpy("inspect", "f", "--aliases")[1][1:-1] == wide


def test_what_is_left_out(tf2numpy, opens):
    opens({"a": 1}, left_out={"it": "an iterator's state", "\x1b[2J": "a\nreason"})
    assert tf2numpy("inspect", "f")[1][-3:] == [
        "1 arrays, 8 B",
        "left out: it (an iterator's state)",
        "left out: \\x1b[2J (a\\nreason)",
    ]


def test_names_cannot_steer_the_terminal(tf2numpy, opens):
    opens({"\x1b[31mred\n": 1, "ä": 1, "\udc80": 1})
    for words in ([], ["--tree"]):
        names = [line.split()[0] for line in tf2numpy("inspect", "f", *words)[1][2:-1]]
        assert names == ["\\x1b[31mred\\n", "ä", "\\udc80"]


def test_the_file_is_closed(tf2numpy, opens):
    closed = []
    opens({"a": 1}, close=lambda: closed.append(True))
    tf2numpy("inspect", "f")
    assert closed == [True]


def test_an_option_that_means_nothing(tf2numpy, path):
    assert tf2numpy("inspect", path, "--slots") == (
        1,
        [],
        ["tf2numpy: error: --slots means nothing to the HDF5 file 'x.h5': it takes no such options; leave slots out"],
    )


def test_it_starts_without_what_is_slow(tmp_path):
    path = t2n.save({"a": np.zeros(3)}, tmp_path / "x.npz")
    slow = {"tensorflow", "keras", "h5py", "tqdm", "optree", "psutil", "tf2numpy._write"}
    program = (
        f"import sys\nfrom tf2numpy import cli\ncli.main(['inspect', {str(path)!r}])\n"
        f"print(sorted({slow} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_of_a_huge_file_nothing_is_read(tf2numpy, tmp_path):
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "f8", (1 << 18, 1 << 15)).flush()  # 64 GiB, all of them holes
    begun = time.monotonic()
    assert tf2numpy("inspect", tmp_path / "x.npy")[1][-1] == "1 arrays, 64.0 GiB"
    assert time.monotonic() - begun < 5


def test_which_checkpoint_of_a_folder(tf2numpy):
    folder = Path(__file__).parents[1] / "golden" / "checkpoint" / "objects"
    code, out, _ = tf2numpy("inspect", folder)
    assert (code, out[0]) == (0, f"checkpoint {folder}, of which ck-2")
    assert json.loads("\n".join(tf2numpy("inspect", folder, "--json")[1]))["chosen"] == "ck-2"
