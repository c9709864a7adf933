"""Whatever TensorFlow 2 holds becomes NumPy. Importing this imports neither TensorFlow nor NumPy.

>>> import tf2numpy as t2n
"""

from ._version import __version__

__all__ = ["__version__"]
