"""What errors say of Python's options is said in the command line's words."""

import pytest

from tf2numpy.commands._wording import as_flags

OPTIONS = {"overwrite", "check", "select", "max_bytes", "checkpoint", "chunks"}


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("pass overwrite=True to replace it", "pass --overwrite to replace it"),
        ("check=False reads it", "--no-check reads it"),
        ("select='a b' fits none", "--select 'a b' fits none"),
        ("select='*/k' fits none", "--select '*/k' fits none"),
        ("max_bytes=10 is too few", "--max-bytes 10 is too few"),
        ("chunks=(0,) is no shape", "--chunks 0 is no shape"),
        ("chunks=(10, -2) is no shape; give one, chunks=(n,)", "--chunks 10,-2 is no shape; give one, --chunks n"),
        ("pass checkpoint= with one of these names", "pass --checkpoint with one of these names"),
        ("spill='x.npy' is Python's", "spill='x.npy' is Python's"),
        ("an array 'overwrite=Truely'", "an array 'overwrite=Truely'"),
        ("an array 'myoverwrite=True'", "an array 'myoverwrite=True'"),
    ],
)
def test_options_become_flags(message, flags):
    assert as_flags(message, OPTIONS) == flags
