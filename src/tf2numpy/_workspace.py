"""The hidden folder beside a destination where an output grows, and from where it appears whole or not at all.

Knows paths, locks and the file system's refusals. No array and no file format may enter.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ._errors import InvalidArgument, OutputBusy, OutputExists, StorageFull
from ._units import format_bytes

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REMOVERS = 4
_NAME_CHARS = 50  # of the destination's name, so that the hidden name stays under 255 bytes in UTF-8


class Workspace:
    """A folder of our own, locked by the one process that fills it, whose `output` becomes the destination.

    path: the destination, where symbolic links lead. folder: hidden, beside it; what an interrupted process left
    there can be gone on from. output: the file or folder in it that will be published. written: bytes written so far,
    for messages; whoever writes adds to it.
    """

    def __init__(self, path: Path, *, overwrite: bool, marker: str = "") -> None:
        """Look at the destination; touch nothing.

        marker: a name that every output has in it, where an output is a folder: no other folder is ever replaced.
        Raises: InvalidArgument for a device or another folder as path, a parent folder that is missing or read-only,
        and a path that the system cannot follow; OutputExists.
        """
        self._shown = repr(str(path))
        if "\0" in str(path):
            raise InvalidArgument(f"{self._shown} cannot be written: no name can hold a NUL; choose another name")
        self.path = Path(os.path.realpath(path))
        self.folder = self.path.with_name(_hidden(self.path.name))
        self.output = self.folder / "output"
        self.written = 0
        self.published = False
        self._overwrite = overwrite
        self._marker = marker
        self._lock = -1
        self._check_destination()

    def open(self, *, keep: bool = False) -> None:
        """Create and lock the folder, unless it is open; keep: what an interrupted process left there.

        Raises: OutputBusy if another process, or another call in this one, fills it; InvalidArgument if the folder
        above takes no new one, or if what has its name is not ours.
        """
        if self._lock >= 0:
            return
        try:
            self._lock = _locked(self.folder)
        except BlockingIOError as error:
            raise OutputBusy(
                f"{self._shown} is being written already, by this or another process; wait for it to end, or choose "
                "another name"
            ) from error
        except OSError as error:
            raise self._not_writable(error.strerror) from error
        if not keep:
            self.clear()

    def clear(self) -> None:
        """Remove what an interrupted process left in the folder."""
        for left in self.folder.iterdir():
            if left.name != "lock":
                _remove(left)

    def require(self, nbytes: int) -> None:
        """Refuse an output of which so many bytes are sure to be written, if they do not fit; more may follow.

        Raises: StorageFull.
        """
        folder = self.path.parent
        system = os.statvfs(folder)
        free = system.f_bavail * system.f_frsize
        if system.f_blocks and nbytes > free:  # some virtual file systems count no blocks at all
            raise StorageFull(
                f"{self._shown} needs {format_bytes(nbytes)} ({nbytes} bytes), and "
                f"{format_bytes(free)} ({free} bytes) are free on the file system of {str(folder)!r}; "
                f"free some room there, or choose a path on another file system"
            )

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn "no room" into StorageFull."""
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise StorageFull(
                f"no room to write {self._shown} ({error.strerror}) after {format_bytes(self.written)} "
                f"({self.written} bytes); free some room, or choose a path on another file system"
            ) from error

    def publish(self) -> None:
        """Give the output, which is durable already, its name, and remove the folder.

        Raises: OutputExists if the destination appeared meanwhile and overwrite is False; StorageFull; any
        other OSError of the system. The output then stays where it is.
        """
        with self.guard():
            sync_folder(self.folder)
            if self.output.is_dir():
                self._rename_folder()
            elif self._overwrite:
                os.replace(self.output, self.path)
            else:
                self._link()
        self.published = True
        sync_folder(self.path.parent)
        self.discard()

    def discard(self) -> None:
        """Remove the folder, if it is open; a published output stays."""
        if self._lock >= 0:
            with suppress(FileNotFoundError):  # someone tidied up
                for left in sorted(self.folder.iterdir(), key=lambda path: path.name == "lock"):
                    _remove(left)  # the lock last: until then the folder is ours
                self.folder.rmdir()
            self.release()

    def release(self) -> None:
        """Let go of the folder and leave what is in it, to be gone on from."""
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            os.close(lock)

    def _rename_folder(self) -> None:
        """Give a folder its name. What it replaces waits in our folder: for that moment nothing has the name."""
        if not self._overwrite and os.path.lexists(self.path):
            raise self._exists()
        with suppress(FileNotFoundError):
            os.rename(self.path, self.folder / "replaced")
        os.rename(self.output, self.path)

    def _link(self) -> None:
        """Give a file its name where no file has it: unlike a rename, a hard link never replaces one."""
        try:
            os.link(self.output, self.path)
        except FileExistsError:
            raise self._exists() from None
        except OSError:  # FAT, some FUSE and network file systems have no hard links
            self._claim()
        else:
            self.output.unlink()

    def _claim(self) -> None:
        """Take the name with an empty file, which only one process can, and replace that."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            raise self._exists() from None
        try:
            os.replace(self.output, self.path)
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
                self._check_folder()
            elif not stat.S_ISREG(mode):
                raise InvalidArgument(f"{self._shown} is not an ordinary file, and no other kind can be replaced")
            if not self._overwrite:
                raise self._exists()
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._not_writable(os.strerror(errno.EACCES))

    def _check_folder(self) -> None:
        if not self._marker:
            raise InvalidArgument(f"{self._shown} is a folder; give the name of a file in it")
        if not (self.path / self._marker).is_file():
            raise InvalidArgument(
                f"{self._shown} is a folder without {self._marker!r} in it, so it is none that was saved here; "
                "choose another name"
            )

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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system lets a folder be synced."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _hidden(name: str) -> str:
    """Name the folder of a destination, the same one each time."""
    if len(name) > _NAME_CHARS:
        name = f"{name[:_NAME_CHARS]}-{hashlib.sha1(os.fsencode(name), usedforsecurity=False).hexdigest()[:8]}"
    return f".{name}.partial"


def _locked(folder: Path) -> int:
    """Make a folder of ours, and lock it by a file in it; raise BlockingIOError if another has it locked."""
    import fcntl

    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise FileExistsError(errno.EEXIST, f"{folder.name!r} there is not ours")
        with suppress(FileNotFoundError):  # whoever had the lock ended, and removed both, between our steps
            fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # file systems without locks
                        raise
                if os.path.samestat(os.fstat(fd), os.stat(folder / "lock")):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # A file system may tell the disk of every file as it goes, and wait: several at once wait no longer than one.
        with ThreadPoolExecutor(_REMOVERS) as threads:
            for folder, _, names in os.walk(path):
                for _ in threads.map(os.unlink, [os.path.join(folder, name) for name in names]):
                    pass
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
