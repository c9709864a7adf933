"""Chunks on their way through the encoding threads. What they are encoded with, and written to, may not enter."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .._host import cpus

_MOST_THREADS = 16
_MOST_BYTES = 64 << 20  # of chunks that are being encoded, or wait for it
T = TypeVar("T")


class Pool:
    """Jobs done by threads; what each gives is delivered in order, on the thread that submits.

    However many jobs are submitted, only a few are waiting, or done and not delivered. threads: how many there are.
    """

    def __init__(self, most_threads: int = _MOST_THREADS) -> None:
        self.threads = min(cpus(), most_threads)
        self._executor: ThreadPoolExecutor | None = None
        self._jobs: deque[tuple[Future[Any], Callable[[Any], None], int, bool]] = deque()
        self._nbytes = 0

    def submit(self, job: Callable[[], T], deliver: Callable[[T], None], *, nbytes: int, borrows: bool = False) -> None:
        """Let a thread do the job, and deliver what earlier ones gave.

        nbytes: memory of the chunk. borrows: the job reads memory that the caller wants back: see `give_back`.
        Raises: what an earlier job, or its delivery, raised.
        """
        while self._jobs and (
            len(self._jobs) > 2 * self.threads or self._nbytes + nbytes > _MOST_BYTES or self._jobs[0][0].done()
        ):
            self._deliver()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="tf2numpy-encode")
        self._jobs.append((self._executor.submit(job), deliver, nbytes, borrows))
        self._nbytes += nbytes

    def give_back(self) -> None:
        """Deliver what reads borrowed memory, and all before it.

        Raises: what a job, or its delivery, raised.
        """
        while any(borrows for *_, borrows in self._jobs):
            self._deliver()

    def drain(self) -> None:
        """Deliver everything.

        Raises: what a job, or its delivery, raised.
        """
        while self._jobs:
            self._deliver()

    def close(self) -> None:
        """Drop what is not delivered; a second time does nothing."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None
        self._jobs.clear()
        self._nbytes = 0

    def _deliver(self) -> None:
        future, deliver, nbytes, _ = self._jobs[0]
        deliver(future.result())
        self._jobs.popleft()  # only now: a delivery that found no room can be tried again
        self._nbytes -= nbytes
