"""Streams made on threads: their order, how far they run ahead, and how they end."""

import threading
import time

import pytest

from conformance.kind import fails
from tf2numpy.formats._record_lanes import in_order


class Damaged(Exception):
    pass


def waited_for(condition):
    """Wait, for as long as a machine that is busy with other things may need."""
    for _ in range(2000):
        if condition():
            return True
        time.sleep(0.005)
    return False


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "tf2numpy records"]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("side_by_side", [1, 2, 3, 10])
def test_items_come_in_order(count, side_by_side):
    makers = [lambda _, n=n: iter([(n, i) for i in range(n % 4)]) for n in range(count)]
    assert list(in_order(makers, side_by_side, 2)) == [(n, i) for n in range(count) for i in range(n % 4)]
    assert threads() == []


def test_no_more_is_made_than_may_wait():
    made = []

    def maker(number):
        def make(_):
            for i in range(10):
                made.append((number, i))
                yield number, i

        return make

    found = in_order([maker(number) for number in range(4)], 2, 3)
    assert next(found) == (0, 0)
    # One was taken, three wait and the next is made already; of the second stream the same; none of the others.
    assert waited_for(lambda: len(made) == 9)
    time.sleep(0.05)
    assert sorted(made) == [(0, i) for i in range(5)] + [(1, i) for i in range(4)]
    found.close()
    assert threads() == []


def test_streams_are_made_side_by_side():
    both = threading.Barrier(2)

    def make(_):
        both.wait(20)
        yield True

    assert list(in_order([make, make], 2, 1)) == [True, True]


def test_what_fails_later_stops_what_is_taken_now():
    begun, gone_on = threading.Event(), []

    def long(wanted):
        yield 0
        begun.wait(20)
        while wanted():
            time.sleep(0.001)
        gone_on.append(False)
        yield 1

    def damaged(_):
        begun.set()
        raise Damaged("the second stream")
        yield

    found = in_order([long, damaged], 2, 1)
    with fails(Damaged, "the second stream"):
        list(found)
    assert gone_on == [False]
    assert threads() == []


def test_what_came_before_an_error_is_given():
    def damaged(_):
        yield 0
        yield 1
        raise Damaged("after two")

    taken = []
    with fails(Damaged, "after two"):
        for item in in_order([damaged, damaged], 1, 5):
            time.sleep(0.02)
            taken.append(item)
    assert taken == [0, 1]
