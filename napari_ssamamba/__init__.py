"""Classify hyperspectral scenes in napari with SSA-Mamba.

Importing this package imports neither torch, nor Qt, nor napari.
"""

from importlib.metadata import version

__version__ = version("napari-ssamamba")
