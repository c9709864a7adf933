"""The command line: parses words, calls a verb, prints. It owns no conversion logic and starts fast."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ._version import __version__

OK, FAILED, MISUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tf2numpy ...`: exit code 0 done, 1 failed (one line on stderr, no traceback unless --debug), 2 misused."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_usage(sys.stderr)
        print("tf2numpy: error: give a command; tf2numpy --help lists them", file=sys.stderr)
        return MISUSED
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("tf2numpy: interrupted", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own flush at exit fails
        return OK
    except Exception as error:
        if options.debug:
            raise
        message = " ".join(str(error).splitlines()) or type(error).__name__
        print(f"tf2numpy: error: {message}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(f"  {note}", file=sys.stderr)
        return FAILED


def _run(options: argparse.Namespace) -> int:
    if options.command == "devices":
        from ._devices import devices

        print(devices())
        return OK
    if options.command == "verify":
        from pathlib import Path

        from ._differences import differences

        found = list(differences(Path(options.left), Path(options.right)))
        print("\n".join(found) or "equal: the same arrays, bit for bit")
        return FAILED if found else OK
    from ._demo import demo

    return demo(options.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tf2numpy", description="Whatever TensorFlow 2 holds becomes NumPy.")
    parser.add_argument("--version", action="version", version=f"tf2numpy {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("devices", help="list the devices tensors can live on, and their memory")
    verify = commands.add_parser(
        "verify",
        help="compare two files of any formats: the same arrays, bit for bit?",
        description="Compare two files, or folders, of any formats, as tf2numpy itself reads them: do they hold the "
        "same arrays, bit for bit? To check a file by its format's own library, write it with save(..., verify=True).",
    )
    verify.add_argument("left", metavar="A")
    verify.add_argument("right", metavar="B")
    demo = commands.add_parser("demo", help="convert a real photograph in every way and check each against TensorFlow")
    demo.add_argument("--output", default="demo-output", metavar="FOLDER", help="where to write (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
