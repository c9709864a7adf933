"""Files and folders in object stores and on HTTP servers, as places that readers can read. Their bytes are elsewhere.

One `Store` is what one `open` sees of a bucket or server: what it has learned of it, it asks for once.
"""

from __future__ import annotations

import errno
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ._blobs import Blob
from ._errors import InvalidArgument
from ._remote_blob import Blocks, Source, opened
from ._remote_errors import Asked, CannotList, explained

_MOST_BLOBS = 256
_NOT_THERE = object()


class Store:
    """A bucket or a server.

    kind: "s3", "gs", "az" or "http". root: its name as messages show it, without any secret; tail: what they show after
    a key. opened: the key that was named to `open`; a server that cannot list counts it as a folder if it is no file.
    """

    def __init__(self, obstore: Any, store: Any, *, kind: str, root: str, tail: str, opened: str) -> None:
        self._obstore, self._store = obstore, store
        self._kind, self._root, self._tail, self._opened = kind, root, tail, opened
        self._blocks = Blocks()
        self._blobs: OrderedDict[str, Blob] = OrderedDict()
        self._absent: set[str] = set()
        # What lies in a folder, by name: what the store tells of an object, None for a folder.
        self._listings: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def shown(self, key: str) -> str:
        """Name an object or a folder for people."""
        return f"{self._root}{'/' if key else ''}{key}{self._tail}"

    def blob(self, key: str, *, whole: bool = False) -> Blob:
        """Give the bytes of an object; those that are read whole are not remembered.

        Raises: FileNotFoundError; PermissionError; StoreError.
        """
        with self._lock:
            known = self._blobs.get(key)
        if known is not None:
            return known
        if not key and self._kind != "http":
            raise FileNotFoundError(errno.ENOENT, "there is no such object", self.shown(key))
        folder, _, name = key.rpartition("/")
        source = Source(self._obstore, self._store, key, Asked(self._kind, self.shown(key)))
        try:
            blob = opened(source, self._blocks, self._listings.get(folder, {}).get(name), whole=whole)
        except FileNotFoundError:
            self._absent.add(key)
            raise
        if not whole:
            with self._lock:
                self._blobs[key] = blob
                while len(self._blobs) > _MOST_BLOBS:
                    self._blobs.popitem(last=False)
        return blob

    def is_file(self, key: str) -> bool:
        """Tell whether there is an object of this key."""
        folder, _, name = key.rpartition("/")
        if folder in self._listings:
            return self._listings[folder].get(name) is not None
        if key in self._absent or self._is_no_folder(folder):
            return False
        try:
            self.blob(key)
        except FileNotFoundError:
            return False
        return True

    def is_dir(self, key: str) -> bool:
        """Tell whether there are objects below this key; of a server that cannot list, whether there may be."""
        folder, _, name = key.rpartition("/")
        if key in self._blobs:
            return False
        if key and folder in self._listings:
            return name in self._listings[folder] and self._listings[folder][name] is None
        if self._kind == "http":
            return not key or (f"{self._opened}/".startswith(f"{key}/") and not self.is_file(key))
        return bool(self.names(key))

    def _is_no_folder(self, key: str) -> bool:
        """Tell, by what was listed already, that nothing can lie below a key."""
        above, _, name = key.rpartition("/")
        return bool(key) and above in self._listings and self._listings[above].get(name, _NOT_THERE) is not None

    def names(self, key: str) -> list[str]:
        """Name what lies in a folder; nothing in one that is not there.

        Raises: CannotList; FileNotFoundError for a bucket that is not there; PermissionError; StoreError.
        """
        if key not in self._listings:
            if self._kind == "http":
                raise CannotList(
                    f"{self.shown(key)!r} is on a server that cannot list folders; name a file in it, such as the "
                    ".index of a checkpoint"
                )
            with self._explaining(key):
                found = self._obstore.list_with_delimiter(self._store, prefix=key or None)
            listing: dict[str, Any] = {path.rpartition("/")[2]: None for path in found["common_prefixes"]}
            # An object that is called like the folder only marks it.
            listing |= {one["path"].rpartition("/")[2]: one for one in found["objects"] if one["path"] != key}
            self._listings[key] = listing
        return list(self._listings[key])

    def _explaining(self, key: str) -> _Explaining:
        return _Explaining(Asked(self._kind, self.shown(key)), self._obstore.exceptions.BaseError)


class _Explaining:
    """A context that leaves no error of the library's."""

    def __init__(self, asked: Asked, base: type[Exception]) -> None:
        self._asked, self._base = asked, base

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, self._base | FileNotFoundError | ValueError):
            raise explained(error, self._asked) from None


class RemotePlace:
    """An object, or a folder: what the keys of several objects begin with. Like `pathlib.Path`, but not local."""

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key = store, key
        self._pure = PurePosixPath(key)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """The last part, without its suffix."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """The end of the last part from its last dot on."""
        return self._pure.suffix

    @property
    def parent(self) -> RemotePlace:
        """The folder that it lies in."""
        return RemotePlace(self._store, self._key.rpartition("/")[0])

    def __truediv__(self, name: str) -> RemotePlace:
        parts = [part for part in name.split("/") if part]
        if ".." in parts or "." in parts:
            raise InvalidArgument(f"{name!r} leads out of {str(self)!r}, which no name in a store may")
        return RemotePlace(self._store, "/".join(filter(None, (self._key, *parts))))

    def is_dir(self) -> bool:
        """Tell whether objects lie below it."""
        return self._store.is_dir(self._key)

    def is_file(self) -> bool:
        """Tell whether it is an object."""
        return self._store.is_file(self._key)

    def exists(self) -> bool:
        """Tell whether there is anything."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[RemotePlace]:
        """Give what lies in the folder."""
        return iter([self / name for name in self._store.names(self._key)])

    def blob(self, *, whole: bool = False) -> Blob:
        """Give the bytes of the object."""
        return self._store.blob(self._key, whole=whole)

    def __str__(self) -> str:
        return self._store.shown(self._key)

    def __repr__(self) -> str:
        return f"RemotePlace({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePlace) and (self._store, self._key) == (other._store, other._key)

    def __hash__(self) -> int:
        return hash((id(self._store), self._key))
