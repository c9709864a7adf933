"""The bytes of one object in a store, fetched by range when they are asked for. Names and folders may not enter.

Small reads go through blocks that are kept for a while, since an index, a footer or a directory is read in many small
pieces; one that goes on where the last one ended fetches further and further ahead. Large reads are fetched in parts,
several at once, straight to where they belong.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._blobs import Blob, Held, check_range
from ._errors import StoreError
from ._host import allocate, read_only
from ._remote_errors import Asked, changed, explained, says_nothing_is_there
from ._units import format_bytes

BLOCK_BYTES = 64 << 10
LARGE_BYTES = 1 << 20  # from here on a read is fetched on its own
_MOST_AHEAD_BYTES = 4 << 20
_MOST_KEPT_BYTES = 32 << 20  # in blocks, of all objects of one `open`
_PART_BYTES = 4 << 20
_MOST_PARTS = 8  # at once
_WHOLE_FIRST_BYTES = 8 << 20  # asked for at first of an object that is read whole: most chunks have no more
MOST_UNRANGED_BYTES = 64 << 20  # that are taken of a server that sends nothing but whole files
_numbers = itertools.count()  # of objects, in the keys of blocks
_NOTHING = np.empty(0, np.uint8)


class Blocks:
    """What was read last of the objects of one store, block by block; several threads may ask at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def get(self, blob: int, number: int) -> NDArray[np.uint8] | None:
        """Give a block of an object, by the numbers of both; None if it is not kept."""
        with self._lock:
            found = self._kept.get((blob, number))
            if found is not None:
                self._kept.move_to_end((blob, number))
            return found

    def put(self, blob: int, number: int, block: NDArray[np.uint8]) -> None:
        """Keep a block, and let go of those that were not used for longest."""
        with self._lock:
            if (blob, number) in self._kept:
                return
            self._kept[blob, number] = block
            self._nbytes += block.nbytes
            while self._nbytes > _MOST_KEPT_BYTES:
                _, old = self._kept.popitem(last=False)
                self._nbytes -= old.nbytes


class Source:
    """One object, and how to ask the library for it. asked: how it is named in messages."""

    def __init__(self, obstore: Any, store: Any, key: str, asked: Asked) -> None:
        self._obstore, self._store, self._key = obstore, store, key
        self.asked = asked

    def get(self, options: dict[str, Any] | None) -> tuple[Any, Any]:
        """Give what the store tells of the object, and its bytes, by the options of the library.

        Raises: NotRanged, and else what `explained` makes of the library's errors.
        """
        start, stop = (options or {}).get("range", (None, None))
        try:
            result = self._obstore.get(self._store, self._key, options=options)
            if options is None and result.meta["size"] > MOST_UNRANGED_BYTES:
                raise StoreError(
                    f"{self.asked.text} cannot be read in parts: the server sends nothing but the whole of its "
                    f"{format_bytes(result.meta['size'])}, and at most {format_bytes(MOST_UNRANGED_BYTES)} are taken "
                    "so; download it, and open the copy"
                )
            return result.meta, result.bytes()
        except self._obstore.exceptions.NotSupportedError:
            raise NotRanged from None
        except (self._obstore.exceptions.BaseError, FileNotFoundError, ValueError) as error:
            if isinstance(error, StoreError):
                raise
            if start == 0 and says_nothing_is_there(error):
                raise Empty from None
            raise explained(error, self.asked._replace(start=start, stop=stop)) from None

    def size(self) -> int:
        """Ask for nothing but the size, in bytes.

        Raises: as `get`.
        """
        try:
            return int(self._obstore.head(self._store, self._key)["size"])
        except (self._obstore.exceptions.BaseError, FileNotFoundError, ValueError) as error:
            raise explained(error, self.asked) from None


class NotRanged(Exception):
    """The server sends whole files only; never leaves this file."""


class Empty(Exception):
    """The server says that not even the first byte exists; never leaves this file."""


def opened(source: Source, blocks: Blocks, listed: Any | None, *, whole: bool) -> Blob:
    """Give the bytes of an object; unless its size is known, the first ones are fetched with the request for that.

    listed: what the store told of it with others; None if nothing. whole: all of it will be read, once.
    Raises: FileNotFoundError; PermissionError; StoreError.
    """
    shown = source.asked.shown
    if listed is not None and not whole:
        return Fetched(source, blocks, listed, _NOTHING) if listed["size"] else Held(b"", shown)
    wanted = _WHOLE_FIRST_BYTES if whole else BLOCK_BYTES
    try:
        meta, data = source.get({"range": (0, wanted)})
    except NotRanged:
        return Held(bytes(source.get(None)[1]), shown)
    except Empty:
        if size := source.size():
            raise StoreError(f"{shown!r} has {size} bytes, and the store gives none of them; try again") from None
        return Held(b"", shown)
    if len(data) != min(wanted, meta["size"]):
        raise StoreError(f"{shown!r} has {meta['size']} bytes, and of the first {wanted} the store gives {len(data)}")
    return Fetched(source, blocks, meta, np.frombuffer(data, np.uint8))


class Fetched:
    """An object in a store. What is read of it later is of the very object that was opened, or an error."""

    mapped = False

    def __init__(self, source: Source, blocks: Blocks, meta: Any, head: NDArray[np.uint8]) -> None:
        """Describe it. meta: what the store told of it; head: its first bytes."""
        self.name, self.size = source.asked.shown, int(meta["size"])
        self._source, self._blocks, self._head = source, blocks, head
        self._version = _version_of(meta)
        tag = _tag_of(meta)
        self._condition = {"if_match": tag} if tag.startswith('"') else {}  # a weak one never matches, by RFC 9110
        self._number = next(_numbers)
        self._next, self._ahead = len(head), 0

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Fetch a range, or take it from what was fetched lately."""
        check_range(self, start, stop)
        if stop <= len(self._head):
            return self._head[start:stop]
        if stop - start >= LARGE_BYTES:
            target = allocate((stop - start,), np.dtype(np.uint8))
            self._large(start, target)
            return read_only(target)
        return self._small(start, stop)

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Fetch a range straight into memory, in parts that come at once if it is large."""
        check_range(self, start, start + target.size)
        if target.size >= LARGE_BYTES:
            self._large(start, target)
        elif target.size:
            target[:] = self.read(start, start + target.size)

    def release(self) -> None:
        """Keep what is kept: there is a bound for it."""

    def _large(self, start: int, target: NDArray[np.uint8]) -> None:
        known = target[: max(0, min(len(self._head) - start, target.size))]
        known[:] = self._head[start : start + known.size]
        ends = range(known.size, target.size, _PART_BYTES)

        def fetch(at: int) -> None:
            part = target[at : at + _PART_BYTES]
            part[:] = self._get(start + at, start + at + part.size)

        if len(ends) == 1:
            fetch(known.size)
        elif ends:
            with ThreadPoolExecutor(_MOST_PARTS) as threads:
                for _ in threads.map(fetch, ends):  # iterating raises what a part raised
                    pass

    def _small(self, start: int, stop: int) -> NDArray[np.uint8]:
        first, last = start // BLOCK_BYTES, (stop - 1) // BLOCK_BYTES
        found = {number: self._blocks.get(self._number, number) for number in range(first, last + 1)}
        missing = [number for number, block in found.items() if block is None]
        if missing:
            found |= self._fill(missing[0], missing[-1])
        blocks = [block for _, block in sorted(found.items()) if block is not None][: last - first + 1]
        joined = blocks[0] if first == last else np.concatenate(blocks)
        return read_only(joined[start - first * BLOCK_BYTES : stop - first * BLOCK_BYTES])

    def _fill(self, first: int, last: int) -> dict[int, NDArray[np.uint8]]:
        """Fetch blocks with one request, further ahead each time that it is where the one before ended."""
        start, stop = first * BLOCK_BYTES, (last + 1) * BLOCK_BYTES
        goes_on = start <= self._next < stop
        self._ahead = min(max(2 * self._ahead, BLOCK_BYTES), _MOST_AHEAD_BYTES) if goes_on else 0
        stop = self._next = min(stop + self._ahead, self.size)
        data = self._get(start, stop)
        found = {}
        for number in range(first, -(-stop // BLOCK_BYTES)):
            at = number * BLOCK_BYTES - start
            found[number] = data[at : at + BLOCK_BYTES].copy()  # a view would keep all of them alive
            self._blocks.put(self._number, number, found[number])
        return found

    def _get(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Fetch a range of the object that was opened.

        Raises: ChecksumError if there is another one now; StoreError.
        """
        asked = self._source.asked._replace(start=start, stop=stop)
        try:
            meta, data = self._source.get({"range": (start, stop), **self._condition})
        except NotRanged:
            raise StoreError(f"{asked.text} could not be read: the server sent the whole object") from None
        except FileNotFoundError:
            raise changed(asked) from None
        except PermissionError as error:  # which would look like damage to those who read files
            raise StoreError(f"{asked.text} could not be read: {error.strerror}") from None
        if _version_of(meta) != self._version:
            raise changed(asked)
        if len(data) != stop - start:
            raise StoreError(f"{asked.text} could not be read: {len(data)} bytes came instead")
        return np.frombuffer(data, np.uint8)


def _tag_of(meta: Any) -> str:
    """Give the tag of an object's content as a request names it; a listing may leave its quotes out."""
    tag = meta["e_tag"] or ""
    return tag if not tag or tag.endswith('"') else f'"{tag}"'


def _version_of(meta: Any) -> tuple[Any, ...]:
    """Say what tells an object from another of the same name; a time only where there is no better."""
    return meta["size"], _tag_of(meta) or meta["last_modified"]
