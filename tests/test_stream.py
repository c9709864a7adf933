"""Reading ahead: in order, on a thread that ends, and never more pieces alive than said."""

import threading
import time
import weakref

import numpy as np
import pytest

from tf2numpy._sources import Plain
from tf2numpy._stream import Ahead, Step, steps
from tf2numpy._types import Chunk


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "tf2numpy read-ahead"]


def made(count):
    for i in range(count):
        yield Step((Chunk("", (slice(i, i + 1),), np.full(3, i)),), 0, {"regions": i})


def test_in_order_and_the_thread_ends():
    assert [step.state["regions"] for step in Ahead(made(50))] == list(range(50))
    assert threads() == []


def test_an_error_comes_after_what_was_read_before_it():
    def broken():
        yield from made(5)
        raise RuntimeError("boom")

    stream = iter(Ahead(broken()))
    assert [next(stream).state["regions"] for _ in range(5)] == list(range(5))
    with pytest.raises(RuntimeError, match="boom"):
        next(stream)
    assert threads() == []


def test_leaving_early_ends_the_thread():
    stream = iter(Ahead(made(10_000)))
    next(stream)
    assert threads()
    stream.close()
    assert threads() == []


def test_no_more_pieces_are_alive_than_said():
    alive, most = [], 0

    def pieces():
        for i in range(30):
            array = np.full(3, i)
            alive.append(weakref.ref(array))
            step = Step((Chunk("", (), array),), 0, {})
            del array
            yield step
            del step

    for step in Ahead(pieces()):
        time.sleep(0.002)
        most = max(most, sum(array() is not None for array in alive))
        del step
    assert most <= Ahead.ALIVE


@pytest.mark.parametrize("begin", range(5))
def test_steps_begin_where_an_earlier_one_ended(begin):
    source = Plain(np.arange(10.0))
    whole = list(steps(source, 16))
    rest = list(steps(source, 16, leaf=0, state={"regions": begin}))
    assert [(s.state, s.chunks[0].index) for s in rest] == [(s.state, s.chunks[0].index) for s in whole[begin:]]
