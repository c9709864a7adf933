"""What HDF5 does not look at itself before it reads: texts, elements of chunks, drivers, heaps of names.

HDF5 (1.14) makes room for what a text of variable length says its length is, up to 4 GiB, before it looks at whether
there is such a text. And it never comes to an end with some damaged heaps of texts: it goes from object to object by
their sizes, of which one may be 0, or so large that the sum begins anew at 0. So both are looked at first.
Nor does it with a heap of names whose list of free places leads back to one of them: old groups have one, and so have
datasets whose elements lie in other files.
The size of an element stands in a dataset's type and in its chunks; where they differ, it writes beyond its memory.
It makes room, too, for what an old superblock's driver says its own length is, up to 4 GiB; h5py reads no such file.
Source: the HDF5 File Format Specification 3.0, sections II.A, III.D, III.E, IV.A.1 and IV.A.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .._errors import FormatError

Read = Callable[[int, int], bytes]

SUPERBLOCK_BYTES = 256  # and more than any has
_WITH_DRIVER = 1  # the last version of a superblock that has the address of a driver's block
_FILES, _LAYOUT, _ATTRIBUTE, _CONTINUATION = 0x07, 0x08, 0x0C, 0x10
_SYMBOLS = 0x11  # a group's tree and heap of names; _FILES has the heap at the same place
_NAMES, _NAMES_HEAD_BYTES, _NO_MORE = b"HEAP", 32, 1
_CHUNKED = 2
_VARIABLE_LENGTH = 9
_SHARED = 3  # the flags of an attribute whose type or shape is elsewhere
_REFERENCE_BYTES = 16  # a length, the address of a heap, a number in it
_MOST_MESSAGES = 1 << 16
_LEAST_BYTES = 3  # of a message that is looked at
_HEAP = b"GCOL"
_HEAD_BYTES = 16  # of a heap, and of each object in it: its number, a count, 4 bytes, its size


class Reference(NamedTuple):
    """One text: how many bytes it is said to have, and the address of the heap it is said to be in."""

    nbytes: int
    heap: int


class _Layout(NamedTuple):
    """How the messages of a header version stand in a row: the bytes of what comes before each."""

    type_bytes: int
    head_bytes: int


def has_driver(superblock: bytes) -> bool:
    """Tell whether a file says that it lies in several ones: the driver that puts them together has a block of its own.

    superblock: the first bytes of HDF5. Later versions say it in a message of which HDF5 itself bounds the length.
    """
    if len(superblock) < 16 or superblock[8] > _WITH_DRIVER:
        return False
    size = superblock[13]  # of an address: of the file's begin, of nothing, of its end, and of the driver's block
    at = 24 + 4 * superblock[8] + 3 * size
    return superblock[at : at + size].strip(b"\xff") != b""


def texts(read: Read, address: int, name: bytes) -> list[Reference] | None:
    """List the texts of an attribute; None if it is not in the header, or not readable there.

    read: gives the bytes from start to stop. address: of the header of the object that has the attribute. Only files
    whose addresses and lengths have 8 bytes are read.
    Raises: what `read` raises for a range that is not within the file.
    """
    for message in _messages(read, address, _ATTRIBUTE):
        if len(message) < 8:
            continue
        version, flags = message[0], message[1]
        sizes = [int.from_bytes(message[at : at + 2], "little") for at in (2, 4, 6)]
        start = 9 if version == 3 else 8
        padded = [-(-size // 8) * 8 for size in sizes] if version == 1 else sizes
        if message[start : start + sizes[0]].rstrip(b"\0") != name:
            continue
        kind = message[start + padded[0] :]
        if (version != 1 and flags & _SHARED) or not kind or kind[0] & 15 != _VARIABLE_LENGTH:
            return None
        data = message[start + sum(padded) :]
        found = (
            data[at : at + _REFERENCE_BYTES] for at in range(0, len(data) - _REFERENCE_BYTES + 1, _REFERENCE_BYTES)
        )
        return [Reference(int.from_bytes(each[:4], "little"), int.from_bytes(each[4:12], "little")) for each in found]
    return None


def chunk_element_bytes(read: Read, address: int) -> int | None:
    """Give the size of an element as the chunks of a dataset have it; None where the header does not say it.

    read, address, errors: as for `texts`.
    """
    for message in _messages(read, address, _LAYOUT):
        version, rest = message[0], message[3:]
        if version == 3 and message[1] == _CHUNKED:
            sizes, width = rest[8:], 4
            count = message[2]
        elif version == 4 and message[1] == _CHUNKED and len(rest) >= 2:
            count, width, sizes = rest[0], rest[1], rest[2:]
        else:
            return None
        return int.from_bytes(sizes[(count - 1) * width : count * width], "little")
    return None


def check_heap(read: Read, address: int) -> None:
    """Walk a heap of texts as HDF5 does. An object of number 0 is free space, and the last.

    Raises: FormatError for a heap that is none, or whose objects do not fit in it; what `read` raises.
    """
    head = read(address, address + _HEAD_BYTES)
    if not head.startswith(_HEAP + b"\1"):
        raise FormatError(f"no heap of texts begins at byte {address}")
    heap = read(address, address + int.from_bytes(head[8:], "little"))
    at = _HEAD_BYTES
    while at + _HEAD_BYTES <= len(heap):
        size = int.from_bytes(heap[at + 8 : at + _HEAD_BYTES], "little")
        needed = _HEAD_BYTES + -(-size // 8) * 8 if heap[at : at + 2] != b"\0\0" else size
        if not 0 < needed <= len(heap) - at:
            left = f"the heap of texts at byte {address} has {len(heap) - at} bytes left at byte {address + at}"
            raise FormatError(f"{left}, and {needed} are used")
        at += needed


def check_names(read: Read, address: int) -> None:
    """Follow the list of free places in the heap of names that a header may tell of, as HDF5 does.

    read, address: as for `texts`.
    Raises: FormatError for one that has no end; what `read` raises.
    """
    for message in _messages(read, address, _SYMBOLS, _FILES):
        heap = int.from_bytes(message[8:16], "little")
        head = read(heap, heap + _NAMES_HEAD_BYTES)
        if not head.startswith(_NAMES):
            continue
        nbytes, at, start = (int.from_bytes(head[place : place + 8], "little") for place in (8, 16, 24))
        seen: set[int] = set()
        while at != _NO_MORE and at < nbytes:  # of a place beyond the heap HDF5 says so itself
            if at in seen:
                raise FormatError(f"the heap of names at byte {heap} has a list of free places without an end")
            seen.add(at)
            at = int.from_bytes(read(start + at, start + at + 8), "little")


def _messages(read: Read, address: int, *wanted: int) -> Iterator[bytes]:
    """Give the messages of some kinds in an object header."""
    head = read(address, address + 16)
    if head.startswith(b"OHDR"):
        flags = head[5]
        start = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        layout = _Layout(1, 6 if flags & 4 else 4)
        blocks = [(start + width, int.from_bytes(read(start, start + width), "little"))]
    else:
        layout = _Layout(2, 8)
        blocks = [(address + 16, int.from_bytes(head[8:12], "little"))]
    count = 0
    for start, nbytes in blocks:  # grows on the way
        at, stop = start, start + nbytes
        while at + layout.head_bytes <= stop and count < _MOST_MESSAGES:
            count += 1
            before = read(at, at + layout.head_bytes)
            kind = int.from_bytes(before[: layout.type_bytes], "little")
            size = int.from_bytes(before[layout.type_bytes : layout.type_bytes + 2], "little")
            at += layout.head_bytes
            if kind in wanted and size >= _LEAST_BYTES:
                yield read(at, at + size)
            elif kind == _CONTINUATION and size >= 16:
                where, length = (int.from_bytes(read(at + i, at + i + 8), "little") for i in (0, 8))
                blocks.append((where, length) if layout.type_bytes == 2 else (where + 4, length - 8))
            at += size
