"""The commands take names in stores wherever they take a path to read, and refuse them where they write."""

from __future__ import annotations

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import cli

from .test_golden import GOLDEN

WHOLE = GOLDEN / "keras" / "whole.keras"


@pytest.fixture
def run(capsys):
    """Run `tf2numpy ...`; give the exit code, stdout and stderr."""

    def run(*words):
        code = cli.main([*map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def url(web):
    web.put("whole.keras", WHOLE.read_bytes())
    return f"{web.url('whole.keras')}?sig=SECRET"


def test_inspect(run, url):
    code, out, err = run("inspect", url)
    local = run("inspect", WHOLE)[1]
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == local.splitlines()[1:]
    assert "SECRET" not in out


def test_convert(run, url, tmp_path):
    assert run("convert", url, tmp_path / "x.npz", "--quiet") == (0, "", "")
    with t2n.open(tmp_path / "x.npz") as found, t2n.open(WHOLE) as expected:
        assert sorted(found) == sorted(expected)
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name])


def test_convert_to_a_store(run, url):
    code, out, err = run("convert", url, "s3://bucket/x.npz")
    assert (code, out) == (1, "")
    assert err == (
        "tf2numpy: error: 's3://bucket/x.npz' cannot be written: outputs are local files; write one, and copy it there "
        "with aws s3 cp\n"
    )


def test_diff_and_verify(run, url):
    assert run("diff", WHOLE, url)[0] == 0
    assert run("verify", url, WHOLE)[:2] == (0, "equal: the same arrays, bit for bit\n")


def test_trouble(run, web):
    web.status["x"] = 403, b""
    code, out, err = run("inspect", f"{web.url('x')}?sig=SECRET")
    assert (code, out) == (1, "")
    assert "the store refuses it (403 Forbidden)" in err
    assert "SECRET" not in err


def test_a_folder_in_a_bucket(run, s3):
    s3.put_folder(GOLDEN / "checkpoint", "commands")
    code, out, err = run("inspect", s3.url("commands/objects/"))
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == run("inspect", GOLDEN / "checkpoint" / "objects")[1].splitlines()[1:]
