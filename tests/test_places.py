"""Names of files and folders, wherever they lie; nothing is asked of any store here."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._places import _parsed, local_path, place_of


@pytest.mark.parametrize(
    ("name", "kind", "shown", "key"),
    [
        ("s3://b/k/x.npy", "s3", "s3://b/k/x.npy", "k/x.npy"),
        ("S3://b/k?versionId=1#x", "s3", "s3://b/k?versionId=1#x", "k?versionId=1#x"),
        ("gs://b", "gs", "gs://b", ""),
        ("gs://b/dir/", "gs", "gs://b/dir", "dir"),
        ("az://c/a%20b", "az", "az://c/a%20b", "a%20b"),
        ("abfss://c@account.dfs.core.windows.net/x", "az", "abfss://c@account.dfs.core.windows.net/x", "x"),
        ("https://h/a%20b/ü.npy", "http", "https://h/a b/ü.npy", "a b/ü.npy"),
        ("https://u:SECRET@h:81/x?sig=SECRET#SECRET", "http", "https://h:81/x?...", "x"),
        ("http://[::1]:8000/x/", "http", "http://[::1]:8000/x", "x"),
    ],
)
def test_names_in_stores(name, kind, shown, key):
    found = _parsed(name)
    assert (found.kind, found.shown, found.key) == (kind, shown, key)


@pytest.mark.parametrize("name", ["x.npy", "dir/x", "/a:b", "C:\\x", "s3:x", "://x", "", "1://x"])
def test_local_names(name):
    assert place_of(name) == Path(name) == local_path(name)


def test_local_names_as_urls(tmp_path):
    path = tmp_path / "a b.npy"
    np.save(path, np.arange(3))
    with t2n.open(f"file://{tmp_path}/a%20b.npy") as file:
        assert file.path == path
    assert t2n.save(np.arange(2), f"FILE://localhost{tmp_path}/new.npy") == tmp_path / "new.npy"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "ftp://h/x",
            "nothing is known of ftp:// names; known are file://, gs://, s3://, s3a://, az://, azure://, abfs://, "
            "abfss://, http://, https://, and local paths",
        ),
        ("file://other/x", "file://other/... is on another machine; only file:///... names a local file"),
        ("s3:///x", "names of s3:// begin with a bucket: s3://bucket/path"),
        ("s3://id:SECRET@b/x", "names of s3:// hold no credentials; give them by the store's environment variables"),
        ("https:///x", "names of https:// begin with a server: https://host/path"),
        (
            "https://h:port/SECRET",
            "a name that begins with http:// or https:// is no URL; compare it with the original",
        ),
        (
            "s3://b/a/../x",
            "'s3://b/a/../x' has the part '..' between its slashes, which no request can ask for; give the name "
            "without it, or copy the object to another name",
        ),
        (
            "gs://b//x",
            "'gs://b//x' has the part '' between its slashes, which no request can ask for; give the name without it, "
            "or copy the object to another name",
        ),
        (
            "https://h/%2e/x?sig=SECRET",
            "'https://h/./x?...' has the part '.' between its slashes, which no request can ask for; give the name "
            "without it, or copy the object to another name",
        ),
        (
            "az://c/a\nb",
            "'az://c/a\\nb' has a control character, which no request can ask for; copy the object to another name",
        ),
        (
            "https://h/a%00b",
            "'https://h/a\\x00b' has a control character, which no request can ask for; copy the object to another "
            "name",
        ),
        (
            "https://h/a\tb?sig=SECRET",
            "'https://h/ab?...' has a control character, which no request can ask for; copy the object to another name",
        ),
        (Path("gs://b/x"), "'gs:/b/x' lost a slash as a pathlib.Path; give the name of a store as text"),
    ],
)
def test_names_that_are_none(name, message):
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "shown", "way"),
    [
        ("s3://b/x.npy", "s3://b/x.npy", "with aws s3 cp"),
        ("gs://b/x.npy", "gs://b/x.npy", "with gcloud storage cp"),
        ("az://c/x.npy", "az://c/x.npy", "with azcopy copy"),
        ("https://u:SECRET@h/x.npy?sig=SECRET", "https://h/x.npy?...", "by the server's own way"),
    ],
)
def test_nothing_is_written_to_a_store(tmp_path, monkeypatch, name, shown, way):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.arange(3))
    message = f"'{shown}' cannot be written: outputs are local files; write one, and copy it there {way}"
    for write in (
        lambda: t2n.save(np.arange(3), name),
        lambda: t2n.convert("x.npy", name),
        lambda: t2n.plan(np.arange(3), name),
        lambda: t2n.to_numpy({"x": np.arange(3)}, spill=name),
    ):
        with pytest.raises(t2n.InvalidArgument) as caught:
            write()
        assert str(caught.value) == message
    assert [one.name for one in tmp_path.iterdir()] == ["x.npy"]


def test_without_the_library(monkeypatch):
    def missing(name, *args):
        if name == "obstore":
            raise ModuleNotFoundError("No module named 'obstore'", name="obstore")
        return real(name, *args)

    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(t2n.MissingExtra) as caught:
        t2n.open("gs://bucket/x")
    assert str(caught.value) == (
        "reading from Google Cloud Storage needs obstore, which is not installed; pip install 'tf2numpy[remote]'"
    )


def test_no_outputs_of_a_model_are_written_to_a_store(tf):
    with pytest.raises(t2n.InvalidArgument, match=r"^'s3://b/x.npy' cannot be written: outputs are local files; "):
        t2n.predict(lambda x: x, np.arange(3), "s3://b/x.npy")
