"""Stores on this machine, and an environment that knows of no others."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tf2numpy import _remote_stores

from .servers import CLOSED_PORT, WebServer, amazon, azure, has_azurite

_FOREIGN = ("AWS_", "GOOGLE_", "AZURE_", "AZURITE_", "MSI_", "IDENTITY_")


@pytest.fixture(autouse=True)
def _needs_library():
    pytest.importorskip("obstore", reason="obstore is not installed in this environment")


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path_factory):
    """No credentials but those of a test, and no way to ask a cloud for some; no long waits for what is broken."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    empty = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("HOME", str(empty))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", CLOSED_PORT)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("GCE_METADATA_HOST", CLOSED_PORT.removeprefix("http://"))
    monkeypatch.setattr(_remote_stores, "_MOST_RETRIES", 1)


@pytest.fixture(scope="session")
def _web():
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def web(_web):
    """An HTTP server, which holds nothing yet."""
    _web.files.clear()
    _web.reset()
    return _web


@pytest.fixture(scope="session")
def _amazon():
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("moto[server] is not installed in this environment")
    with amazon() as stores:
        yield stores


@pytest.fixture(scope="session")
def _azure():
    if not has_azurite():
        pytest.skip("azurite-blob is not on the path")
    with azure() as store:
        yield store


@pytest.fixture(scope="session", params=["s3", "gs", "az"])
def _any(request):
    return (
        request.getfixturevalue("_azure")
        if request.param == "az"
        else (request.getfixturevalue("_amazon")[request.param == "gs"])
    )


def _used(store, monkeypatch):
    for name, value in store.env.items():
        monkeypatch.setenv(name, value)
    store.sent_bytes = 0
    store.requests.clear()
    return store


@pytest.fixture
def s3(_amazon, monkeypatch):
    """A bucket of S3, shared by all tests."""
    return _used(_amazon[0], monkeypatch)


@pytest.fixture
def bucket(_any, monkeypatch):
    """A bucket of each kind of store, shared by all tests."""
    return _used(_any, monkeypatch)
