"""Names of files and folders: local paths, and URLs of object stores and servers. What is read there may not enter.

Nothing that is secret in a name (a password, a signed query) is in what is shown of it.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ._errors import InvalidArgument
from ._protocols import Place

_GLOB = frozenset("*?[")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SQUASHED = re.compile(r"(gs|s3|s3a|az|azure|abfss?|https?|file):[/\\][^/\\]")  # what pathlib makes of "gs://..."
# How a scheme is read, and what copies a local file there.
_KINDS = {
    "gs": ("gs", "with gcloud storage cp"),
    "s3": ("s3", "with aws s3 cp"),
    "s3a": ("s3", "with aws s3 cp"),
    "az": ("az", "with azcopy copy"),
    "azure": ("az", "with azcopy copy"),
    "abfs": ("az", "with azcopy copy"),
    "abfss": ("az", "with azcopy copy"),
    "http": ("http", "by the server's own way"),
    "https": ("http", "by the server's own way"),
}


class Url(NamedTuple):
    """A name in a store: kind is "gs", "s3", "az" or "http"; text, which may hold secrets, is never to be shown.

    root: the bucket or server, as it may be shown; key: the name there; tail: what stands for a query.
    """

    kind: str
    text: str
    root: str
    key: str
    tail: str = ""

    @property
    def shown(self) -> str:
        """The name, without secrets."""
        return f"{self.root}{'/' if self.key else ''}{self.key}{self.tail}"


def is_pattern(path: Place) -> bool:
    """Tell whether the last part of a name is a pattern."""
    return not _GLOB.isdisjoint(path.name)


def fitting(pattern: Place) -> list[Place]:
    """Give what a pattern fits, be it files or folders, in no order; its last part alone can hold *, ? and [].

    What is hidden is meant only by a pattern that begins as it does.
    """
    if not pattern.parent.is_dir():
        return []
    hidden = pattern.name.startswith(".")
    found = (one for one in pattern.parent.iterdir() if fnmatchcase(one.name, pattern.name))
    return [one for one in found if hidden or not one.name.startswith(".")]


def place_of(name: str | os.PathLike[str] | Place) -> Place:
    """Find the place that a name means: a local path, or one in a store, at which nothing is asked yet.

    Raises: InvalidArgument for what is no name, or one of no known kind; MissingExtra without the library that reads
    from stores.
    """
    if not isinstance(name, str | os.PathLike):
        if not hasattr(name, "is_file"):
            several = "; a pattern, 'train-*.tfrecord', or their folder names files that are one table"
            raise InvalidArgument(
                f"an object of type {type(name).__name__} names no file; give a path, or the name of one in a store"
                f"{several if isinstance(name, list | tuple) else ''}"
            )
        return name
    found = _parsed(name)
    if isinstance(found, Path):
        if "\0" in str(found):
            raise InvalidArgument(f"{str(found)!r} cannot be read: no name can hold a NUL; give another name")
        return found
    from ._remote_stores import place_in  # which only names of this kind need

    return place_in(found)


def local_path(name: str | os.PathLike[str]) -> Path:
    """Give the path of an output.

    Raises: InvalidArgument for a name in a store.
    """
    found = _parsed(name)
    if isinstance(found, Path):
        return found
    way = _KINDS[found.text.partition(":")[0].lower()][1]
    raise InvalidArgument(
        f"{found.shown!r} cannot be written: outputs are local files; write one, and copy it there {way}"
    )


def _parsed(name: str | os.PathLike[str]) -> Path | Url:
    text = os.fspath(name)
    match = _URL.fullmatch(text)
    if match is None:
        if isinstance(name, os.PathLike) and _SQUASHED.match(text):
            raise InvalidArgument(f"{text!r} lost a slash as a pathlib.Path; give the name of a store as text")
        return Path(text)
    scheme, rest = match[1].lower(), match[2]
    if scheme == "file":
        return _local(rest)
    if scheme not in _KINDS:
        known = ", ".join(f"{one}://" for one in ("file", *_KINDS))
        raise InvalidArgument(f"nothing is known of {scheme}:// names; known are {known}, and local paths")
    kind = _KINDS[scheme][0]
    return _of_server(text) if kind == "http" else _of_bucket(kind, scheme, rest)


def _local(rest: str) -> Path:
    host, _, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise InvalidArgument(f"file://{host}/... is on another machine; only file:///... names a local file")
    from urllib.request import url2pathname  # slow to import, and seldom needed

    return Path(url2pathname(f"/{path}"))


def _of_bucket(kind: str, scheme: str, rest: str) -> Url:
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise InvalidArgument(f"names of {scheme}:// begin with a bucket: {scheme}://bucket/path")
    if "@" in bucket and not scheme.startswith("abfs"):
        raise InvalidArgument(
            f"names of {scheme}:// hold no credentials; give them by the store's environment variables"
        )
    root = f"{scheme}://{bucket}"
    found = Url(kind, f"{root}/{key}", root, key.rstrip("/"))
    return _reachable(found, ("", ".", ".."))


def _of_server(text: str) -> Url:
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise InvalidArgument(
            "a name that begins with http:// or https:// is no URL; compare it with the original"
        ) from None
    if not parts.hostname:
        raise InvalidArgument(f"names of {parts.scheme}:// begin with a server: {parts.scheme}://host/path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    key = unquote(parts.path).strip("/")
    found = Url("http", text, f"{parts.scheme}://{host}{port}", key, "?..." if parts.query else "")
    return _reachable(found, (".", ".."))


def _reachable(found: Url, lost: tuple[str, ...]) -> Url:
    """Refuse names that no request can be made for. lost: the parts that do not arrive, or lead elsewhere."""
    part = next((part for part in found.key.split("/") if part in lost), None) if found.key else None
    if part is not None:
        raise InvalidArgument(
            f"{found.shown!r} has the part {part!r} between its slashes, which no request can ask for; give the name "
            "without it, or copy the object to another name"
        )
    if _CONTROL.search(found.text + found.key):
        raise InvalidArgument(
            f"{found.shown!r} has a control character, which no request can ask for; copy the object to another name"
        )
    return found
