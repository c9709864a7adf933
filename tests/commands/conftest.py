"""What the tests of commands share: running one, and a file of a made-up format."""

import numpy as np
import pytest

from tf2numpy import _opened, cli
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain


@pytest.fixture
def tf2numpy(capsys):
    """Run `tf2numpy ...`; give the exit code, the lines of stdout and those of stderr."""

    def run(*words):
        code = cli.main([*map(str, words)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def opens(monkeypatch):
    """Let any path be a file of these arrays, other names and things left out."""

    def opens(arrays, aliases=None, left_out=None, close=lambda: None):
        sources = {name: Plain(np.asarray(array)) for name, array in arrays.items()}
        stored = Stored("test file", sources, close, aliases or {}, left_out or {})
        monkeypatch.setattr(_opened, "stored_in", lambda path, options: stored)

    return opens
