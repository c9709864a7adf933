import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB; only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount a small tmpfs here")
    yield folder
    subprocess.run(["umount", folder], check=True)
