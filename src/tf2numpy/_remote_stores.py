"""Which client of the library obstore reads a name in a store, and how it is set up. No bytes may be read here.

Credentials and endpoints come from the environment, as the library documents it, and from nowhere else but the name of
an HTTP server.
"""

from __future__ import annotations

import base64
import importlib.util
import os
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ._errors import InvalidArgument
from ._places import Url
from ._registry import require
from ._remote import RemotePlace, Store
from ._remote_errors import Asked, explained

_PURPOSE = {
    "gs": "reading from Google Cloud Storage",
    "s3": "reading from S3",
    "az": "reading from Azure",
    "http": "reading from an HTTP server",
}
# The time limit of the library is for a whole answer, which may be long; what counts is that something comes.
_CLIENT = {"timeout": "15 minutes", "read_timeout": "60 seconds", "connect_timeout": "10 seconds"}
_MOST_RETRIES = 6  # waits of 0.1 s, 0.2 s ... between them
# What names another endpoint; one without encryption, as servers on the same machine have, is then what is wanted.
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_AWS_SOURCES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
)


def place_in(url: Url) -> RemotePlace:
    """Give the place that a URL names.

    Raises: MissingExtra; InvalidArgument for settings in the environment that cannot be used.
    """
    obstore = require("obstore", _PURPOSE[url.kind])
    stores = require("obstore.store", _PURPOSE[url.kind])
    try:
        store, key = (_of_server if url.kind == "http" else _of_bucket)(stores, url)
    except (obstore.exceptions.BaseError, ValueError) as error:
        said = explained(error, Asked(url.kind, url.shown))
        raise InvalidArgument(f"{url.shown!r} cannot be opened: {str(said).rpartition(': ')[2]}") from None
    root = url.root if key == url.key else url.shown.removesuffix(url.tail)
    found = Store(obstore, store, kind=url.kind, root=root, tail=url.tail, opened=key)
    return RemotePlace(found, key)


def _of_bucket(stores: Any, url: Url) -> tuple[Any, str]:
    settings: dict[str, Any] = {"client_options": dict(_CLIENT), "retry_config": {"max_retries": _MOST_RETRIES}}
    if any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS[url.kind]):
        settings["client_options"]["allow_http"] = True
    if url.kind == "s3":
        settings |= _aws_profile()
    return stores.from_url(url.root, **settings), url.key


def _aws_profile() -> dict[str, Any]:
    """Let boto3, if it is installed, find credentials that the library does not know of: those of ~/.aws."""
    if any(os.environ.get(name) for name in _AWS_SOURCES) or importlib.util.find_spec("boto3") is None:
        return {}
    import boto3

    session = boto3.Session()
    if session.get_credentials() is None:
        return {}
    from obstore.auth.boto3 import Boto3CredentialProvider

    region = {"region": session.region_name} if session.region_name else {}
    return {"credential_provider": Boto3CredentialProvider(session), **region}


def _of_server(stores: Any, url: Url) -> tuple[Any, str]:
    """Set up a client for all of a server; for one name alone where its path would not come back from its parts."""
    parts = urlsplit(url.text)
    options: dict[str, Any] = {**_CLIENT, "allow_http": parts.scheme == "http"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        options["default_headers"] = {"authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    alone = "%2f" in parts.path.lower() or "//" in parts.path
    path, key = (parts.path, "") if alone else ("", url.key)
    base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, parts.query, ""))
    settings = {"client_options": options, "retry_config": {"max_retries": _MOST_RETRIES}}
    return stores.HTTPStore.from_url(base, **settings), key
