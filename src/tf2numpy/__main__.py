"""`python -m tf2numpy` is the command line `tf2numpy`. Nothing else may enter."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
