"""Event logs that were damaged in any way give what is whole in them, or an error of ours, in bounded time."""

from pathlib import Path

import pytest

from hostile.limits import limited
from hostile.mutate import mutations
from hostile.reading import is_of_elements, place, read_all

GOLDEN = Path(__file__).parent.parent / "golden" / "events"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("check", [True, False])
def test_damaged_logs(tmp_path, version, check):
    """With checksums compared, there is no value that was not in the undamaged log."""
    content = (GOLDEN / version / "events.out.tfevents.0.host").read_bytes()
    path, opened = tmp_path / "x", 0
    path.write_bytes(content)
    good = read_all(path)
    for number, data in enumerate(mutations(content, 1500, seed=check)):
        place(path, data)
        with limited(len(data), f"copy {number}"):
            found = read_all(path, check=check)
        opened += found is not None
        assert not check or is_of_elements(found, good), f"copy {number} gives other values"
    assert opened > 20
