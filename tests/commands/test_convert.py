"""`tf2numpy convert`: the words, and what they become."""

import json
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n

VALUE = {"a": {"kernel": np.arange(6, dtype="f4").reshape(2, 3), "bias": np.zeros(3)}, "step": np.array(7)}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return t2n.save(VALUE, "x.npz")


def arrays(path):
    with t2n.open(path) as file:
        return {name: np.asarray(file[name]) for name in file}


def test_a_file_into_another(tf2numpy, path):
    assert tf2numpy("convert", path, "y.safetensors") == (0, ["wrote y.safetensors"], [])
    assert arrays("y.safetensors")["a/kernel"].tolist() == VALUE["a"]["kernel"].tolist()
    assert tf2numpy("convert", path, "y.safetensors") == (
        1,
        [],
        [
            "tf2numpy: error: 'y.safetensors' exists already; pass --overwrite to replace it, or choose another name",
        ],
    )
    assert tf2numpy("convert", path, "y.safetensors", "--overwrite", "--quiet", "--resume", "--verify") == (0, [], [])


def test_all_that_is_refused_is_in_one_line(tf2numpy, path):
    assert tf2numpy("convert", path, "y.h5", "--rename", "step=/s", "--rename", "a/bias=../b") == (
        1,
        [],
        [
            "tf2numpy: error: the name '../b' has '.' or '..' as a part, which HDF5 cannot hold; rename the array; "
            "the name '/s' is empty or has an empty part, which HDF5 cannot hold; rename the array",
        ],
    )


def test_every_word_reaches_the_verb(tf2numpy, path):
    words = "--select a/* --format zarr --dtype bfloat16 --compression gzip --chunks 1,2 --max-bytes 1KiB"
    assert tf2numpy("convert", path, "y", *words.split()) == (0, ["wrote y"], [])
    found = arrays("y")
    assert {name: array.dtype.name for name, array in found.items()} == {"a/kernel": "bfloat16", "a/bias": "bfloat16"}
    document = json.loads(Path("y/a/kernel/zarr.json").read_text())
    assert document["chunk_grid"]["configuration"]["chunk_shape"] == [1, 2]
    assert document["codecs"][1]["name"] == "gzip"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--slots", "--slots means nothing"),
        ("--constants", "--constants means nothing"),
        ("--no-check", "--no-check means nothing"),
        ("--names=key", "--names key means nothing"),
        ("--checkpoint=x", "--checkpoint x means nothing"),
        ("--max-bytes=x", "--max-bytes x is not a positive number"),
    ],
)
def test_words_that_mean_nothing_here(tf2numpy, path, word, message):
    code, out, err = tf2numpy("convert", path, "y.npz", word)
    assert (code, out) == (1, [])
    assert err[0].startswith(f"tf2numpy: error: {message}")


def test_chunks_that_are_none(tf2numpy, path, capsys):
    with pytest.raises(SystemExit) as caught:
        tf2numpy("convert", path, "y.zarr", "--chunks", "2x2")
    assert caught.value.code == 2
    assert "error: argument --chunks: '2x2' is no shape; give a size for each axis, as 64,64" in capsys.readouterr().err


def test_a_dry_run(tf2numpy, path, tmp_path):
    assert tf2numpy("convert", path, "y.h5", "--dry-run", "--rename", r"a/(.*)=\1") == (
        0,
        [
            "old       new     dtype    shape   bytes",
            "a/bias    bias    float64  (3,)    24 B",
            "a/kernel  kernel  float32  (2, 3)  24 B",
            "step      step    int64    ()      8 B",
            "3 arrays, 56 B; nothing is written",
        ],
        [],
    )
    assert [one.name for one in tmp_path.iterdir()] == ["x.npz"]


def test_rules_from_words_and_a_file(tf2numpy, path, tmp_path):
    (tmp_path / "rules").write_text("# of layers\n\n a/(.*)=layer.\\1 \nstep=never\n", encoding="utf-8")
    words = ["--rename", "step=n", "--rename", "a/bias=b", "--rename-file", "rules"]
    assert tf2numpy("convert", path, "y.npz", *words)[0] == 0
    assert arrays("y.npz").keys() == {"layer.kernel", "b", "n"}


def test_names_from_a_file(tf2numpy, path, tmp_path):
    (tmp_path / "names.json").write_text('\n{"a/bias": "ä", "step": "n"}', encoding="utf-8")
    assert tf2numpy("convert", path, "y.npz", "--rename-file", "names.json")[0] == 0
    assert arrays("y.npz").keys() == {"a/kernel", "ä", "n"}
    assert tf2numpy("convert", path, "z.npz", "--rename-file", "names.json", "--rename", "step=n") == (
        1,
        [],
        ["tf2numpy: error: names.json maps names, and --rename gives rules; give one of them"],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}', "names.json has a new name that is no text; map old names to new ones"),
        (
            '{"a": "b", "a": "c"}',
            "names.json is no JSON object of old and new names: the name 'a' comes twice",
        ),
        (
            '{"a": ',
            "names.json is no JSON object of old and new names: Expecting value: line 1 column 7 (char 6)",
        ),
    ],
)
def test_files_of_names_that_are_none(tf2numpy, path, tmp_path, text, message):
    (tmp_path / "names.json").write_text(text)
    words = ["convert", path, "y.npz", "--rename-file", "names.json"]
    assert tf2numpy(*words) == (1, [], [f"tf2numpy: error: {message}"])


def test_a_file_of_names_that_is_no_text(tf2numpy, path):
    Path("names").write_bytes(b"a=b\n\x9f")
    assert tf2numpy("convert", path, "y.npz", "--rename-file", "names") == (
        1,
        [],
        [
            "tf2numpy: error: names is no text in UTF-8 (invalid start byte at byte 4); give a file of rules, or a "
            "JSON object of old and new names"
        ],
    )


def test_an_option_that_is_a_path(tf2numpy, path):
    code, out, (err,) = tf2numpy("convert", path, "y.npz", "--schema", "x.json")
    assert (code, out) == (1, [])
    assert err.startswith("tf2numpy: error: --schema x.json means nothing to the .npz file ")


def test_what_is_left_out_is_told_on_stderr(tf2numpy, opens, tmp_path):
    opens({"a": np.zeros(2)}, left_out={"it": "an iterator's state"})
    warning = "tf2numpy: warning: 'f' has what no array can be, and it is left out: 'it' (an iterator's state)"
    for words, out in ((["--quiet"], []), (["--dry-run", "--overwrite"], None)):
        code, printed, err = tf2numpy("convert", "f", tmp_path / "y.npz", *words)
        assert (code, err) == (0, [warning])
        assert out is None or printed == out


def test_what_the_format_cannot_hold_is_one_line(tf2numpy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    t2n.save({"x": np.array([b"a"], object), "y": np.array([b"b"], object)}, "s.h5")
    code, out, err = tf2numpy("convert", "s.h5", "y.npz")
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("tf2numpy: error: array 'x' has dtype object: .npy files")
    assert err[0].endswith("; so it is with 'y'")
