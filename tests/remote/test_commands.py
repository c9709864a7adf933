"""The commands take names in stores wherever they take a path to read, and refuse them where they write."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import cli

from .outcomes import npy
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


@pytest.mark.parametrize("words", [(), ("--stats",), ("--tree",), ("--tree", "--stats"), ("--select", "*/kernel")])
def test_inspect(run, web, url, words):
    code, out, err = run("inspect", url, *words)
    local = run("inspect", WHOLE, *words)[1]
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f".keras archive {web.url('whole.keras')}?..."
    assert out.splitlines()[1:] == local.splitlines()[1:]


@pytest.mark.parametrize("words", [("--json",), ("--json", "--stats")])
def test_inspect_as_json(run, web, url, words):
    code, out, err = run("inspect", url, *words)
    assert (code, err) == (0, "")
    local = json.loads(run("inspect", WHOLE, *words)[1])
    assert json.loads(out) == local | {"path": f"{web.url('whole.keras')}?..."}


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


def test_convert_to_see_what_would_be_written(run, url, tmp_path):
    words = (tmp_path / "x.npz", "--dry-run", "--rename", r"(.*)/kernel=\1.weight")
    assert run("convert", url, *words) == run("convert", WHOLE, *words)


def test_what_a_conversion_leaves_out_is_named(run, web, tmp_path):
    name = "events.out.tfevents.0.host"
    web.put(name, (GOLDEN / "events" / "v2" / name).read_bytes()[:-1])
    code, out, err = run("convert", f"{web.url(name)}?sig=SECRET", tmp_path / "x.zarr", "--quiet")
    assert (code, out) == (0, "")
    assert err.startswith(f"tf2numpy: warning: '{web.url(name)}?...' has what no array can be, and it is left out: ")


def test_diff_and_verify(run, url):
    count = len(t2n.open(WHOLE))
    same = f"0 only in A, 0 only in B, 0 differ, {count} equal\n"
    assert run("diff", WHOLE, url) == run("diff", url, WHOLE) == run("diff", url, url) == (0, same, "")
    assert run("verify", url, WHOLE) == (0, "equal: the same arrays, bit for bit\n", "")


def test_diff_and_verify_of_others(run, web, url):
    web.put("x.npy", npy(np.zeros(3)))
    code, out, err = run("diff", WHOLE, url.replace("whole.keras", "x.npy"))
    assert (code, err) == (1, "")
    assert out.splitlines()[-1] == f"{len(t2n.open(WHOLE))} only in A, 1 only in B, 0 differ, 0 equal"
    code, out, err = run("verify", web.url("x.npy"), WHOLE)
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == f"data: only in {web.url('x.npy')}"


def test_trouble(run, web):
    web.status["x"] = 403, b""
    code, out, err = run("inspect", f"{web.url('x')}?sig=SECRET")
    assert (code, out) == (1, "")
    assert err == (
        "tf2numpy: error: [Errno 13] the store refuses it (403 Forbidden); credentials are taken from the name itself: "
        f"https://user:password@host/..., or a signed URL: '{web.url('x')}?...'\n"
    )
    assert run("diff", WHOLE, web.url("x"))[0] == 2
    assert run("verify", WHOLE, web.url("x"))[0] == 1


def test_a_folder_in_a_bucket(run, s3):
    s3.put_folder(GOLDEN / "checkpoint", "commands")
    code, out, err = run("inspect", s3.url("commands/objects/"))
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == run("inspect", GOLDEN / "checkpoint" / "objects")[1].splitlines()[1:]
