"""Chunks on their way through the encoding threads: in order, few at a time, and none lost."""

import threading

import pytest

from tf2numpy.sinks import _pool
from tf2numpy.sinks._pool import Pool


@pytest.fixture
def pool():
    made = Pool(2)
    yield made
    made.close()


def test_what_jobs_give_is_delivered_in_order(pool):
    found = []
    for number in range(50):
        pool.submit(lambda number=number: number, found.append, nbytes=1)
    pool.drain()
    assert found == list(range(50))


@pytest.mark.parametrize(("nbytes", "most"), [(1, 2 * 2 + 1), (40, 2), (100, 1), (1000, 1)])
def test_few_jobs_are_waiting(pool, monkeypatch, nbytes, most):
    monkeypatch.setattr(_pool, "_MOST_BYTES", 100)
    pool.threads = 2
    submitted, found = [], []
    for number in range(50):
        pool.submit(lambda: None, found.append, nbytes=nbytes)
        submitted.append(number)
        assert len(submitted) - len(found) <= most
    pool.drain()
    assert len(found) == 50


def test_borrowed_memory_is_given_back_and_the_rest_goes_on(pool):
    gate, found = threading.Event(), []
    pool.submit(lambda: "borrows", found.append, nbytes=1, borrows=True)
    pool.submit(lambda: gate.wait(10) and "owns", found.append, nbytes=1)
    pool.give_back()
    assert found == ["borrows"]
    gate.set()
    pool.drain()
    assert found == ["borrows", "owns"]


def test_a_delivery_that_failed_is_done_again(pool):
    found, full = [], [True, True]

    def deliver(data):
        if full:
            full.pop()
            raise OSError("full")
        found.append(data)

    pool.submit(lambda: "x", deliver, nbytes=1)
    for _ in range(2):
        with pytest.raises(OSError, match=r"^full$"):
            pool.drain()
    pool.drain()
    pool.drain()
    assert found == ["x"]


def test_what_a_job_raises_is_raised(pool):
    pool.submit(lambda: 1 // 0, print, nbytes=1)
    with pytest.raises(ZeroDivisionError):
        pool.drain()
    pool.close()
    pool.drain()
