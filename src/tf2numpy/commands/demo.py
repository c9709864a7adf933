"""`tf2numpy demo`: a photograph converted in every way. The demo itself is elsewhere."""

from __future__ import annotations

import argparse

HELP = "convert a real photograph in every way and check each against TensorFlow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say where to write."""
    parser.add_argument(
        "--output", default="demo-output", metavar="FOLDER", help="where to write (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the demo."""
    from .._demo import demo

    return demo(options.output)
