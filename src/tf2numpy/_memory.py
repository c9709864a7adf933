"""How many bytes the host has free for a new array. Reads counters; allocates nothing.

Free is the least of: the machine's available RAM, what the control groups (v1 and v2) leave, and what
RLIMIT_AS leaves. Sources: the kernel's cgroup-v1/memory and cgroup-v2 documents, getrlimit(2).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ._errors import HostMemoryError
from ._units import format_bytes

# Below this an allocation is not worth a look at the counters (some 100 us); malloc's own failure is caught.
WORTH_CHECKING_BYTES = 16 << 20

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_SELF_CGROUP = Path("/proc/self/cgroup")


def free_bytes() -> int:
    """Give the bytes of host memory that this process can still take, as far as the system tells."""
    import psutil

    limits = [int(psutil.virtual_memory().available)]
    limits += _cgroup_free(_CGROUP_ROOT, _SELF_CGROUP)
    limits += _address_space_free()
    return max(0, min(limits))


def require(needed_bytes: int, *, device: str, remedy: str) -> None:
    """Refuse, before anything is allocated, an array that does not fit.

    Raises: HostMemoryError with the bytes needed, the bytes free, where the value is, and the remedy.
    """
    if needed_bytes < WORTH_CHECKING_BYTES:
        return
    free = free_bytes()
    if needed_bytes > free:
        raise HostMemoryError(
            f"needs {format_bytes(needed_bytes)} of host memory ({needed_bytes} bytes) and "
            f"{format_bytes(free)} ({free} bytes) are free; the value is on {device}. {remedy}"
        )


def _address_space_free() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        import psutil

        yield limit - psutil.Process().memory_info().vms


def _cgroup_free(root: Path, membership: Path) -> Iterator[int]:
    """Give what each memory control group on the way from ours to the root leaves."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _free_up_the_tree(root, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            yield from _free_up_the_tree(
                root / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            )


def _free_up_the_tree(root: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    group = Path(os.path.normpath("/" + path.lstrip("/")))
    for level in (group, *group.parents):
        folder = root / level.relative_to("/")
        try:
            limit_bytes = int((folder / limit).read_text())  # "max" means none: ValueError
            used = int((folder / usage).read_text())
            stat = dict(row.split() for row in (folder / "memory.stat").read_text().splitlines())
            reclaimable_bytes = int(stat.get(reclaimable, 0))
        except (OSError, ValueError):
            continue
        yield limit_bytes - used + reclaimable_bytes
