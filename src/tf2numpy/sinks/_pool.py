"""Chunks on their way through the encoding threads. What they are encoded with, and written to, may not enter."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_MOST_THREADS = 16


class Pool:
    """Jobs that give bytes, done by threads; the bytes are delivered in order, on the thread that submits.

    However many jobs are submitted, only a few are waiting or done and not delivered.
    """

    def __init__(self) -> None:
        self._count = min(_cpus(), _MOST_THREADS)
        self._threads: ThreadPoolExecutor | None = None
        self._jobs: deque[tuple[Future[bytes], Callable[[bytes], None]]] = deque()

    def submit(self, job: Callable[[], bytes], deliver: Callable[[bytes], None]) -> None:
        """Let a thread do the job, and deliver what earlier ones gave.

        Raises: what an earlier job, or its delivery, raised.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="encode")
        self._jobs.append((self._threads.submit(job), deliver))
        while len(self._jobs) > 2 * self._count or (self._jobs and self._jobs[0][0].done()):
            self._deliver()

    def drain(self) -> None:
        """Deliver everything.

        Raises: what a job, or its delivery, raised.
        """
        while self._jobs:
            self._deliver()

    def close(self) -> None:
        """Drop what is not delivered; a second time does nothing."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
        self._jobs.clear()

    def _deliver(self) -> None:
        future, deliver = self._jobs[0]
        deliver(future.result())
        self._jobs.popleft()  # only now: a delivery that found no room can be tried again


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
