"""What tests share: TensorFlow with two logical CPU devices, or a skip that says it is absent; a small disk."""

from __future__ import annotations

import importlib.util
import os
import subprocess

import pytest
from hypothesis import settings

# Nothing is timed in a test: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if HAS_TENSORFLOW:
        return
    skip = pytest.mark.skip(reason="TensorFlow is not installed in this environment")
    for item in items:
        if "tf" in item.keywords or "tf" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def tf():
    """TensorFlow, set up once: the host's CPU as two logical devices."""
    import tensorflow

    (cpu,) = tensorflow.config.list_physical_devices("CPU")
    try:
        tensorflow.config.set_logical_device_configuration(
            cpu, [tensorflow.config.LogicalDeviceConfiguration() for _ in range(2)]
        )
    except RuntimeError:  # something initialised the devices before this fixture ran
        assert len(tensorflow.config.list_logical_devices("CPU")) == 2
    return tensorflow


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
