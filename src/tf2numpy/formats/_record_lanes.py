"""Several streams, each made on a thread, taken one after the other. What is in them may not enter."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
# Begins a stream; it is given what tells whether the stream is still wanted, for one that works long between two items.
Maker: TypeAlias = Callable[[Callable[[], bool]], Iterator[T]]


def in_order(makers: Sequence[Maker[T]], threads: int, ahead: int) -> Iterator[T]:
    """Give the items of all streams, stream by stream.

    threads: how many streams are made at once: that which is taken, and those after it. ahead: how many items of each
    may wait; one more is being made.
    Raises: at once what any of them raises, which ends the others; of the stream that is taken, after its items.
    """
    lanes = _Lanes(makers, threads, ahead)
    workers = [
        threading.Thread(target=lanes.work, name="tf2numpy records", daemon=True)
        for _ in range(min(threads, len(makers)))
    ]
    for worker in workers:
        worker.start()
    try:
        for number in range(len(makers)):
            yield from lanes.taken(number)
    finally:
        lanes.stop()
        for worker in workers:
            worker.join()


class _Lanes:
    """What the threads and the one who takes share; all of it under one condition."""

    def __init__(self, makers: Sequence[Maker[Any]], threads: int, ahead: int) -> None:
        self._makers, self._threads, self._most = makers, threads, ahead
        self._changed = threading.Condition()
        self._waiting: list[deque[Any]] = [deque() for _ in makers]
        self._complete = [False] * len(makers)
        self._begun = self._taken = 0
        self._failed: tuple[int, BaseException] | None = None
        self._stopped = False

    def work(self) -> None:
        """Make one stream after the other, on a thread."""
        while (number := self._next()) is not None:
            try:
                for item in self._makers[number](lambda: not self._stopped):
                    if not self._put(number, item):
                        return
                self._end(number, None)
            except BaseException as error:  # it belongs to whoever takes the items
                self._end(number, error)

    def taken(self, number: int) -> Iterator[Any]:
        """Give the items of a stream as they come."""
        with self._changed:
            self._taken = number
            self._changed.notify_all()
        waiting = self._waiting[number]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: waiting or self._complete[number] or self._failed)
                if self._failed and (self._failed[0] != number or not waiting):
                    raise self._failed[1]
                if not waiting:
                    return
                item = waiting.popleft()
                self._changed.notify_all()
            yield item
            del item  # before the next one is waited for

    def stop(self) -> None:
        """Have the threads end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._begun < self._taken + self._threads)
            if self._stopped or self._begun == len(self._makers):
                return None
            self._begun += 1
            return self._begun - 1

    def _put(self, number: int, item: Any) -> bool:
        waiting = self._waiting[number]
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(waiting) < self._most)
            waiting.append(item)
            self._changed.notify_all()
            return not self._stopped

    def _end(self, number: int, error: BaseException | None) -> None:
        with self._changed:
            self._complete[number] = error is None
            if error is not None:
                self._failed, self._stopped = self._failed or (number, error), True
            self._changed.notify_all()
