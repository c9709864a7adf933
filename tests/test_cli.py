import os
import subprocess
import sys

import pytest

import tf2numpy
from tf2numpy import _devices, cli
from tf2numpy._devices import Device, Devices

COMMAND = [sys.executable, "-m", "tf2numpy"]
HOST = Devices((Device("host", "CPU", "host", 8 << 30, 2 << 30),), None)
TABLE = (
    "TensorFlow is not installed (pip install 'tf2numpy[tensorflow]'): only the host is known\n"
    "device  kind  role  free     total    detail\n"
    "host    CPU   host  2.0 GiB  8.0 GiB\n"
)


def run(*words, **options):
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, **options)


@pytest.fixture
def failing(monkeypatch):
    def fail():
        error = ValueError("first line\nsecond line")
        error.add_note("while looking")
        raise error

    monkeypatch.setattr(_devices, "devices", fail)


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tf2numpy {tf2numpy.__version__}\n", "")


def test_help_names_every_command():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("usage: tf2numpy", "devices", "list the devices tensors can live on, and their memory", "demo"):
        assert words in done.stdout


def test_no_command():
    done = run()
    usage, *error = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert usage.startswith("usage: tf2numpy ")
    assert error == ["tf2numpy: error: give a command; tf2numpy --help lists them"]


def test_an_unknown_command():
    done = run("fly")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("tf2numpy: error: argument COMMAND: invalid choice: 'fly'")
    assert "Traceback" not in done.stderr


def test_devices(monkeypatch, capsys):
    monkeypatch.setattr(_devices, "devices", lambda: HOST)
    assert cli.main(["devices"]) == 0
    assert capsys.readouterr() == (TABLE, "")


def test_devices_for_real():
    done = run("devices")
    assert done.returncode == 0
    title, head, *rows = done.stdout.splitlines()
    assert title.startswith("TensorFlow ")
    assert head.split() == ["device", "kind", "role", "free", "total", "detail"]
    assert any(row.split()[1] == "CPU" for row in rows)


def test_a_failure_is_one_line_and_its_notes(failing, capsys):
    assert cli.main(["devices"]) == 1
    assert capsys.readouterr() == ("", "tf2numpy: error: first line; second line\n  while looking\n")


def test_an_error_without_a_message_is_named(monkeypatch, capsys):
    def fail():
        raise MemoryError

    monkeypatch.setattr(_devices, "devices", fail)
    assert cli.main(["devices"]) == 1
    assert capsys.readouterr().err == "tf2numpy: error: MemoryError\n"


def test_debug_shows_the_error_itself(failing):
    with pytest.raises(ValueError, match="first line\nsecond line"):
        cli.main(["--debug", "devices"])


def test_interrupted(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(_devices, "devices", interrupt)
    assert cli.main(["devices"]) == 1
    assert capsys.readouterr() == ("", "tf2numpy: interrupted\n")


def test_an_interruption_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    def interrupt(*_, **__):
        interruption = KeyboardInterrupt()
        interruption.add_note("save it with resume=True to go on from there")
        raise interruption

    monkeypatch.setattr("tf2numpy._conversion.convert", interrupt)
    assert cli.main(["convert", "a", str(tmp_path / "b.npz")]) == 1
    assert capsys.readouterr() == ("", "tf2numpy: interrupted\n  save it with --resume to go on from there\n")


def test_what_the_terminal_cannot_show_is_escaped():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    program = (
        "import sys\nfrom tf2numpy import _devices, cli\n"
        "_devices.devices = lambda: 'caf\\xe9 \\udcff'\nsys.exit(cli.main(['devices']))"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "caf\\xe9 \\udcff\n", "")


def test_nothing_to_write_to_is_no_error():
    program = (
        "import sys\nfrom tf2numpy import _devices, cli\n"
        "_devices.devices, sys.stdout = lambda: 'x', None\nsys.exit(cli.main(['devices']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_error(unbuffered):
    program = (
        "import sys\nfrom tf2numpy import _devices, cli\n"
        "_devices.devices = lambda: 'x' * 10\nsys.exit(cli.main(['devices']))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with os.fdopen(writing, "w") as gone:
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, stdout=gone, stderr=subprocess.PIPE, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_script_is_this():
    entry = 'tf2numpy = "tf2numpy.cli:main"'
    with open(os.path.join(os.path.dirname(__file__), "..", "pyproject.toml")) as file:
        assert entry in file.read().splitlines()


def test_the_command_line_starts_without_numpy():
    program = "import sys, tf2numpy.cli\nprint(sorted({'numpy', 'tensorflow', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
