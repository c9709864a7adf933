import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

import tf2numpy as t2n
from tf2numpy import Device, Devices, _memory

TOTAL = psutil.virtual_memory().total


def test_with_tensorflow(tf, monkeypatch):
    monkeypatch.setattr(_memory, "free_bytes", lambda: 3 << 30)
    found = t2n.devices()
    assert found.tensorflow == tf.__version__
    assert [(d.name, d.kind, d.role) for d in found] == [
        ("CPU:0", "CPU", "physical"),
        ("CPU:0", "CPU", "logical"),
        ("CPU:1", "CPU", "logical"),
    ]
    assert [(d.total_bytes, d.free_bytes) for d in found] == [(None, None), (TOTAL, 3 << 30), (TOTAL, 3 << 30)]
    assert len(found) == 3
    assert str(found).splitlines()[0] == f"TensorFlow {tf.__version__}"


def fake_gpus(tf, monkeypatch, used, limits):
    """Two GPUs beside the CPU, as tf.config and device_lib describe them."""
    physical = [SimpleNamespace(name=f"/physical_device:GPU:{i}", device_type="GPU") for i in range(2)]
    logical = [SimpleNamespace(name=f"/device:GPU:{i}", device_type="GPU") for i in range(2)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda: physical)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: logical)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda d: {"device_name": f"Fake <{d.name[-1]}>"})

    def info(name):
        if used[name] is None:
            raise ValueError(f"Allocator stats not available for device {name}")
        return {"current": used[name], "peak": 1 << 40}

    monkeypatch.setattr(tf.config.experimental, "get_memory_info", info)
    from tensorflow.python.client import device_lib

    local = [SimpleNamespace(name=f"/device:{name}", memory_limit=limit) for name, limit in limits.items()]
    monkeypatch.setattr(device_lib, "list_local_devices", lambda: local)


def test_gpus(tf, monkeypatch):
    fake_gpus(tf, monkeypatch, {"GPU:0": 1 << 30, "GPU:1": 9 << 30}, {"GPU:0": 4 << 30, "GPU:1": 8 << 30})
    found = t2n.devices()
    assert list(found) == [
        Device("GPU:0", "GPU", "physical", detail="Fake <0>"),
        Device("GPU:1", "GPU", "physical", detail="Fake <1>"),
        Device("GPU:0", "GPU", "logical", 4 << 30, 3 << 30),
        Device("GPU:1", "GPU", "logical", 8 << 30, 0),  # more in use than the limit says: nothing is free
    ]
    assert str(found) == (
        f"TensorFlow {tf.__version__}\n"
        "device  kind  role      free     total    detail\n"
        "GPU:0   GPU   physical  unknown  unknown  Fake <0>\n"
        "GPU:1   GPU   physical  unknown  unknown  Fake <1>\n"
        "GPU:0   GPU   logical   3.0 GiB  4.0 GiB\n"
        "GPU:1   GPU   logical   0 B      8.0 GiB"
    )


def test_gpus_whose_memory_is_not_known(tf, monkeypatch):
    fake_gpus(tf, monkeypatch, {"GPU:0": None, "GPU:1": 5}, {"GPU:0": 4 << 30})
    assert list(t2n.devices())[2:] == [
        Device("GPU:0", "GPU", "logical", 4 << 30, None),
        Device("GPU:1", "GPU", "logical", None, None),
    ]


def run_without_tensorflow(error_name):
    program = f"""
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            raise ModuleNotFoundError("No module named {error_name!r}", name={error_name!r})
sys.meta_path.insert(0, Finder())
import tf2numpy
found = tf2numpy.devices()
print(found)
(host,) = found
print(host.name, host.kind, host.role, host.total_bytes, 0 < host.free_bytes <= host.total_bytes, found.tensorflow)
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_without_tensorflow():
    done = run_without_tensorflow("tensorflow")
    assert done.returncode == 0, done.stderr
    title, head, host, facts = done.stdout.splitlines()
    assert title == "TensorFlow is not installed (pip install 'tf2numpy[tensorflow]'): only the host is known"
    assert head.split() == ["device", "kind", "role", "free", "total", "detail"]
    assert host.startswith("host    CPU   host  ")
    assert facts == f"host CPU host {TOTAL} True None"


def test_a_broken_tensorflow_is_not_taken_for_none():
    done = run_without_tensorflow("wrapt")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'wrapt'"


def test_html_escapes():
    found = Devices((Device("<a>", "CPU", "host", 1024, None, "x & y"),), "2.<0>")
    assert found._repr_html_() == (
        "<p>TensorFlow 2.&lt;0&gt;</p><table><tr><td>device</td><td>kind</td><td>role</td><td>free</td>"
        "<td>total</td><td>detail</td></tr><tr><td>&lt;a&gt;</td><td>CPU</td><td>host</td><td>unknown</td>"
        "<td>1.0 KiB</td><td>x &amp; y</td></tr></table>"
    )


def test_devices_are_frozen():
    with pytest.raises(AttributeError):
        Devices((), None).tensorflow = "2"
    with pytest.raises(AttributeError):
        Device("host", "CPU", "host").name = "x"
