"""One output file: written under a hidden name beside its destination, visible there only once it is whole.

Knows paths, bytes and the file system's refusals. No array and no file format may enter.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .._errors import InvalidArgument, OutputExists, StorageFull
from .._units import format_bytes

# One pwrite moves at most 0x7ffff000 bytes on Linux and fails for more than 2 GiB - 1 on macOS.
_PIECE_BYTES = 1 << 30
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NAME_CHARS = 50  # of the destination's name, so that the hidden name stays under 255 bytes in UTF-8


def pwrite_all(fd: int, buffer: bytes | memoryview, offset: int) -> None:
    """Write all of a C-contiguous buffer at a byte offset of the file, without copying it.

    Raises: OSError as os.pwrite does; some of the bytes may have been written by then.
    """
    rest = memoryview(buffer)
    if not rest.nbytes:
        return  # an empty view cannot be cast
    rest = rest.cast("B")
    while rest:
        count = os.pwrite(fd, rest[:_PIECE_BYTES], offset)
        rest, offset = rest[count:], offset + count


class AtomicFile:
    """An output that appears under its name all at once, or not at all.

    fd: open for reading and writing between `create` and `publish` or `discard`.
    partial: the hidden file of that time; another library may open it too. path: the destination, where
    symbolic links lead. written: bytes written so far, for messages; whoever writes past `pwrite` adds to it.
    """

    def __init__(self, path: Path, *, overwrite: bool, on_discard: Callable[[], None] | None = None) -> None:
        """Look at the destination; touch nothing.

        on_discard: called before the hidden file goes, to close what else holds it open.
        Raises: InvalidArgument for a folder or device as path, a parent folder that is missing or read-only,
        and a path that the system cannot follow; OutputExists.
        """
        self._shown = repr(str(path))
        if "\0" in str(path):
            raise InvalidArgument(f"{self._shown} cannot be written: no name can hold a NUL; choose another name")
        self.path = Path(os.path.realpath(path))
        self.partial = self.path.with_name(f".{self.path.name[:_NAME_CHARS]}.{secrets.token_hex(4)}.partial")
        self.fd = -1
        self.written = 0
        self.published = False
        self._pending = False
        self._overwrite = overwrite
        self._on_discard = on_discard
        self._check_destination()

    def create(self, known_bytes: int) -> None:
        """Create the hidden file, empty.

        known_bytes: how much is sure to be written; more may follow.
        Raises: StorageFull, before anything is created, if that does not fit; InvalidArgument if the folder
        takes no new file.
        """
        folder = self.path.parent
        system = os.statvfs(folder)
        free = system.f_bavail * system.f_frsize
        if system.f_blocks and known_bytes > free:  # some virtual file systems count no blocks at all
            raise StorageFull(
                f"{self._shown} needs {format_bytes(known_bytes)} ({known_bytes} bytes), and "
                f"{format_bytes(free)} ({free} bytes) are free on the file system of {str(folder)!r}; "
                f"free some room there, or choose a path on another file system"
            )
        try:
            # The mode of any new file (the umask applies); tempfile's 0o600 would stay on the published one.
            self.fd = os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise self._not_writable(error.strerror) from error
        self._pending = True

    def resize(self, nbytes: int) -> None:
        """Give the file its full size at once; what is never written reads as zeros."""
        with self.guard():
            os.ftruncate(self.fd, nbytes)

    def pwrite(self, buffer: bytes | memoryview, offset: int) -> None:
        """Write all of a contiguous buffer at a byte offset; to be called inside `guard`."""
        pwrite_all(self.fd, buffer, offset)
        self.written += memoryview(buffer).nbytes

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn "no room" into StorageFull, after the hidden file is removed and its room is free again."""
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self.discard()
            raise StorageFull(
                f"no room to write {self._shown} ({error.strerror}) after {format_bytes(self.written)} "
                f"({self.written} bytes); the unfinished file is removed. "
                f"Free some room, or choose a path on another file system"
            ) from error

    def publish(self) -> None:
        """Make the file durable, then visible under its name.

        Raises: OutputExists if the destination appeared meanwhile and overwrite is False; StorageFull; any
        other OSError of the system. The hidden file is gone by then.
        """
        try:
            with self.guard():
                os.fsync(self.fd)
                self._close()
                if self._overwrite:
                    os.replace(self.partial, self.path)
                else:
                    self._link()
        except BaseException:
            self.discard()
            raise
        self.published, self._pending = True, False
        _sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove the hidden file, if there is one; a published file stays."""
        if not self._pending:
            return
        self._pending = False
        try:
            if self._on_discard is not None:
                self._on_discard()
        finally:
            self.partial.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def _link(self) -> None:
        """Give the file its name where no file has it: unlike a rename, a hard link never replaces one."""
        try:
            os.link(self.partial, self.path)
        except FileExistsError:
            raise self._exists() from None
        except OSError:  # FAT, some FUSE and network file systems have no hard links
            self._claim()
        else:
            self.partial.unlink()

    def _claim(self) -> None:
        """Take the name with an empty file, which only one process can, and replace that."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            raise self._exists() from None
        try:
            os.replace(self.partial, self.path)
        except BaseException:
            self.path.unlink()
            raise

    def _check_destination(self) -> None:
        folder = self.path.parent
        if not stat.S_ISDIR(self._mode(folder)):
            raise InvalidArgument(
                f"{self._shown} cannot be written: there is no folder {str(folder)!r}; create it first"
            )
        mode = self._mode(self.path)
        if mode:
            if stat.S_ISDIR(mode):
                raise InvalidArgument(f"{self._shown} is a folder; give the name of a file in it")
            if not stat.S_ISREG(mode):
                raise InvalidArgument(f"{self._shown} is not an ordinary file, and no other kind can be replaced")
            if not self._overwrite:
                raise self._exists()
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._not_writable(os.strerror(errno.EACCES))

    def _mode(self, path: Path) -> int:
        """Say what is at a path, in the bits of `stat`; 0 for nothing.

        Raises: InvalidArgument if the system cannot follow the path.
        """
        try:
            return os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except OSError as error:
            raise self._not_followed(error) from error

    def _not_followed(self, error: OSError) -> InvalidArgument:
        if error.errno == errno.ELOOP:  # every other link is resolved already
            link = next((part for part in reversed(self.path.parents) if part.is_symlink()), self.path)
            why = f"symbolic links lead in a circle at {str(link)!r}; remove that link, or choose another path"
        elif error.errno == errno.ENAMETOOLONG:
            why = _too_long(self.path)
        else:
            return self._not_writable(error.strerror)
        return InvalidArgument(f"{self._shown} cannot be written: {why}")

    def _exists(self) -> OutputExists:
        return OutputExists(f"{self._shown} exists already; pass overwrite=True to replace it, or choose another name")

    def _not_writable(self, reason: str | None) -> InvalidArgument:
        return InvalidArgument(
            f"{self._shown} cannot be written: the folder {str(self.path.parent)!r} takes no new file "
            f"({reason}); choose another folder"
        )


def _too_long(path: Path) -> str:
    """Tell a name that its file system does not take from a path that is too long as a whole."""
    longest = max(len(os.fsencode(part)) for part in path.parts)
    there = next(folder for folder in path.parents if os.path.isdir(folder))
    limit = os.pathconf(there, "PC_NAME_MAX")
    if longest > limit:
        return f"one of its names has {longest} bytes, and this file system takes at most {limit}; choose a shorter one"
    limit = os.pathconf(there, "PC_PATH_MAX") - 1  # the NUL at its end counts
    return f"the path has {len(os.fsencode(path))} bytes, and this system takes at most {limit}; choose a shorter one"


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system lets a folder be synced."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
