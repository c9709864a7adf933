import subprocess
import sys

import pytest

from tf2numpy import _progress
from tf2numpy._progress import Progress


class Bar:
    """Stands for tqdm and keeps what it is told."""

    def __init__(self, **options):
        self.options, self.counts, self.closed = options, [], False
        Bar.made.append(self)

    def update(self, count):
        self.counts.append(count)

    def close(self):
        self.closed = True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets; bars that are made are in `Bar.made`."""
    now = [100.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    monkeypatch.setattr(Bar, "made", [], raising=False)
    return now


def look(monkeypatch, terminal=False, notebook=False):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)


def test_no_bar_within_a_second(clock, monkeypatch):
    look(monkeypatch, terminal=True)
    with Progress("working", unit="rows", total=10) as progress:
        for _ in range(10):
            clock[0] += 0.1
            progress.update(1)
    assert Bar.made == []


@pytest.mark.parametrize(
    ("show", "terminal", "notebook", "shown"),
    [
        (None, True, False, True),
        (None, False, True, True),
        (None, False, False, False),
        (False, True, True, False),
    ],
)
def test_a_bar_after_a_second_if_someone_looks(clock, monkeypatch, show, terminal, notebook, shown):
    look(monkeypatch, terminal, notebook)
    with Progress("working", unit="rows", total=10, show=show) as progress:
        progress.update(2)
        clock[0] += 1.5
        progress.update(3)
        progress.update(4)
    assert len(Bar.made) == shown
    for bar in Bar.made:
        assert bar.options == {
            "desc": "working",
            "total": 10,
            "initial": 5,
            "unit": "rows",
            "unit_scale": False,
            "unit_divisor": 1000,
        }
        assert bar.counts == [4]
        assert bar.closed


def test_a_bar_at_once_where_it_is_asked_for(clock, monkeypatch):
    look(monkeypatch)
    with Progress("working", unit="rows", total=3, show=True) as progress:
        progress.update(1)
        progress.update(2)
    (bar,) = Bar.made
    assert (bar.options["initial"], bar.counts) == (1, [2])


def test_bytes_are_scaled_and_the_bar_is_closed_by_an_error(clock):
    def work():
        with Progress("writing", unit="B", total=None, show=True) as progress:
            clock[0] += 2
            progress.update(1)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    (bar,) = Bar.made
    assert (bar.options["unit_scale"], bar.options["unit_divisor"], bar.options["total"]) == (True, 1024, None)
    assert bar.closed


def test_nobody_is_asked_twice(clock, monkeypatch):
    asked = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: bool(asked.append(1)), raising=False)
    with Progress("working", unit="rows", total=None) as progress:
        clock[0] += 2
        progress.update(1)
        progress.update(1)
    assert asked == [1]


@pytest.mark.parametrize(("show", "imported"), [(False, False), (None, False), (True, True)])
def test_tqdm_is_imported_only_to_be_shown(show, imported):
    program = f"""
import sys
from tf2numpy import _progress
_progress._DELAY_S = -1
with _progress.Progress("x", unit="B", total=1, show={show}) as progress:
    progress.update(1)
print("tqdm" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == f"{imported}\n"
