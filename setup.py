"""What pyproject.toml cannot say: which modules are compiled. Everything else is there."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

WIRE = Path("src/tf2numpy/wire")
MODULES = ("_framing", "_examples")

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"tf2numpy.wire.{name}",
                [str(WIRE / f"{name}.pyx")],
                include_dirs=[str(WIRE)],
                depends=[str(path) for path in (*WIRE.glob("*.h"), *WIRE.glob("*.pxd"))],
            )
            for name in MODULES
        ],
        build_dir="build/cython",
    )
)
