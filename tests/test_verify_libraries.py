"""The libraries that `verify=True` takes: one that is missing, or too old, is refused before anything is read."""

import os
import sys

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _registry


class Untouched:
    """A generator of batches that must not be asked for any."""

    def __iter__(self):
        return self

    def __next__(self):
        raise AssertionError("the source was read")


@pytest.mark.parametrize("format", ["zarr", "safetensors"])
def test_a_missing_library_is_refused_before_anything_is_read(tmp_path, monkeypatch, format):
    monkeypatch.setitem(sys.modules, format, None)
    for run in (t2n.save, lambda value, path, **options: t2n.predict(None, value, path, **options)):
        if run is not t2n.save:
            monkeypatch.setattr("tf2numpy._predict._source", lambda model, data, *rest: lazy(data))
        with pytest.raises(t2n.MissingExtra) as caught:
            run(Untouched(), tmp_path / f"x.{format}", verify=True)
        assert str(caught.value) == (
            f"verify=True for .{format} needs {format}, which is not installed; pip install 'tf2numpy[verify]'"
        )
    assert os.listdir(tmp_path) == []
    t2n.save(np.arange(3), tmp_path / f"x.{format}")  # writing takes no library


def lazy(data):
    return _registry.load("batches:batches", "kinds")(data, None)


@pytest.mark.parametrize(("format", "least", "found"), [("zarr", "3.1", "2.18.7"), ("safetensors", "0.7", "0.4.0")])
def test_a_library_that_is_too_old_is_refused_before_anything_is_read(tmp_path, monkeypatch, format, least, found):
    monkeypatch.setattr(pytest.importorskip(format), "__version__", found)
    with pytest.raises(t2n.MissingExtra) as caught:
        t2n.save(Untouched(), tmp_path / f"x.{format}", verify=True)
    assert str(caught.value) == (
        f"verify=True for .{format} needs {format} {least} or later, found {found}; pip install 'tf2numpy[verify]'"
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("version", ["3.1", "3.1.0rc1", "3.10.2", "4.0.dev3+g12"])
def test_versions_that_are_new_enough(monkeypatch, version):
    monkeypatch.setattr(pytest.importorskip("zarr"), "__version__", version)
    assert _registry.require("zarr", "this").__version__ == version


def test_an_unknown_suffix_is_said_first(tmp_path):
    with pytest.raises(t2n.FormatError, match=r"the suffix '\.xyz' names no format that can be written"):
        t2n.save(Untouched(), tmp_path / "x.xyz", verify=True)


def test_every_format_can_be_verified():
    for row in _registry.SINKS.values():
        assert callable(_registry.load(row.witness, "witnesses"))
