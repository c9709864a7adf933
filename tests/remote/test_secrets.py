"""A signed name is a password: neither it nor what it was signed with is in anything that is shown."""

from __future__ import annotations

import contextlib
import traceback
import warnings

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import cli

from .outcomes import SECRET
from .servers import files_below
from .test_golden import GOLDEN, TOPICS


def said(url: str) -> str:
    """Put together all that opening a name says, whether it works or not."""
    try:
        with t2n.open(url) as file:
            found = [repr(file), str(file.path), repr(file.path), repr(dict(file.left_out)), repr(dict(file.aliases))]
            for name in file:
                found += [repr(file[name]), file[name].source.device, file[name].source.kind]
                np.asarray(file[name])
            found += [_refusal(file), _error(lambda: t2n.open(url, select="none such"))]
            return "\n".join([*found, _error(lambda: t2n.open(url, checkpoint="none such"))])
    except Exception as error:
        return "".join(traceback.format_exception(error))


def _refusal(file: t2n.File) -> str:
    return _error(lambda: file["none such"])


def _error(call) -> str:
    with pytest.raises((KeyError, ValueError)) as caught:
        call()
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("topic", TOPICS)
def test_in_nothing_that_is_said_of_a_file(web, topic):
    for name, file in files_below(GOLDEN / topic).items():
        data = file.read_bytes()
        web.put(f"{topic}/{name}", data)
        web.put(f"{topic}/half/{name}", data[: len(data) // 2])
    for name in [*web.files, topic]:
        url = f"{web.url(name)}?X-Goog-Signature={SECRET}&x={SECRET}".replace("//", f"//user:{SECRET}@", 1)
        assert SECRET not in said(url), name


def test_in_no_warning_and_no_line_of_a_command(web, tmp_path, capsys):
    name = "checkpoint/keras/ck-1"
    for below, file in files_below(GOLDEN / "checkpoint" / "keras").items():
        web.put(f"checkpoint/keras/{below}", file.read_bytes())
    url = f"{web.url(name)}.index?sig={SECRET}"
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        t2n.convert(url, tmp_path / "x.npz")
    for words in (
        ["inspect", url, "--json"],
        ["diff", url, tmp_path / "x.npz"],
        ["verify", url, url],
        ["convert", url],
    ):
        with contextlib.suppress(SystemExit):
            cli.main([*map(str, words)])
    out, err = capsys.readouterr()
    assert SECRET not in f"{out}{err}{[str(one.message) for one in found]}"
    assert SECRET not in (tmp_path / "x.npz").read_bytes().decode("latin-1")
