"""The command line: the table of commands, and what becomes of their errors and warnings. It starts fast."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from ._version import __version__
from .commands import convert, demo, devices, diff, head, inspect, verify

OK, FAILED, MISUSED = 0, 1, 2

_COMMANDS: dict[str, Any] = {
    "inspect": inspect,
    "head": head,
    "convert": convert,
    "diff": diff,
    "verify": verify,
    "devices": devices,
    "demo": demo,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tf2numpy ...`: exit code 0 done, 1 failed (one line on stderr, no traceback unless --debug), 2 misused."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that cannot show a name is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_usage(sys.stderr)
        print("tf2numpy: error: give a command; tf2numpy --help lists them", file=sys.stderr)
        return MISUSED
    command = _COMMANDS[options.command]
    failed: int = getattr(command, "FAILED", FAILED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _warn
            code: int = command.run(options)
        if sys.stdout is not None:  # None if it was closed before we began
            sys.stdout.flush()
        return code
    except KeyboardInterrupt as interruption:
        _fail("tf2numpy: interrupted", interruption, options)
        return failed
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own flush at exit fails
        return OK
    except Exception as error:
        if options.debug:
            raise
        message = "; ".join(str(error).splitlines()) or type(error).__name__
        _fail(f"tf2numpy: error: {message}", error, options)
        return failed


def _fail(message: str, error: BaseException, options: argparse.Namespace) -> None:
    """Say what ended a command, and a line for each note on it."""
    from .commands._wording import as_flags  # which only errors need

    print(as_flags(message, vars(options)), file=sys.stderr)
    for note in getattr(error, "__notes__", ()):
        print(f"  {as_flags(note, vars(options))}", file=sys.stderr)


def _warn(message: Warning | str, *where: Any, **more: Any) -> None:
    print(f"tf2numpy: warning: {' '.join(str(message).splitlines())}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tf2numpy", description="Whatever TensorFlow 2 holds becomes NumPy.")
    parser.add_argument("--version", action="version", version=f"tf2numpy {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in _COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return parser
