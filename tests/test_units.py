import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import InvalidArgument
from tf2numpy._units import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (1, 1),
        (1 << 70, 1 << 70),
        ("1", 1),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        (" 2GB ", 2 * 10**9),
        ("2GiB", 2 << 30),
        ("1.5KiB", 1536),
        ("0.5 kb", 500),
        ("3 TB", 3 * 10**12),
        ("3TiB", 3 << 40),
        ("7B", 7),
        ("9" * 30, int(float("9" * 30))),
    ],
)
def test_parse(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "bad",
    [
        *(0, -1, True, False, 1.5, None, b"64MiB", "", "MiB", "0", "0.4B", "-1MiB", "1e3", "64Mi", "64MiBs", "1.MiB"),
        *("inf", "nan", "1 000", "9" * 31, "9" * 400, "9" * 5000, "1." + "0" * 400),
    ],
)
def test_what_is_no_number_of_bytes_is_refused(bad):
    with pytest.raises(InvalidArgument) as caught:
        parse_bytes(bad, name="budget")
    assert str(caught.value) == (
        f"budget={bad!r} is not a positive number of bytes; give an int, or text such as '64MiB' or '2GB'"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (1 << 20, "1.0 MiB"),
        (1023 << 20, "1023.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (1 << 60, "1.0 EiB"),
        (1 << 70, "1.0 ZiB"),
        (1 << 80, "1.0 YiB"),
        (1 << 100, "1048576.0 YiB"),
    ],
)
def test_format(count, text):
    assert format_bytes(count) == text


@given(st.integers(0, 1 << 200))
def test_format_keeps_the_size_and_never_fails(count):
    number, unit = format_bytes(count).split()
    power = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB").index(unit)
    assert math.isclose(float(number) * 1024**power, count, rel_tol=0.06)
    assert float(number) < 1024 or unit == "YiB"
