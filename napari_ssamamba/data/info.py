"""What there is to say about a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube


def describe(cube: Cube) -> dict[str, Any]:
    """Describe a scene in values that JSON can hold.

    Parameters
    ----------
    cube : Cube

    Returns
    -------
    dict
        ``name``, ``files``, ``rows``, ``columns``, ``bands``, ``dtype`` (as stored, without byte
        order), ``interleave``, ``wavelengths`` and ``fwhm`` (nm, or None), ``good_bands`` (list of
        bool), ``n_good_bands``, ``nodata`` (None where NaN alone is), ``scale`` and ``offset``
        (one value a band, or None), ``crs``, ``transform`` (GDAL order, or None), ``synthetic``.
    """
    finite_nodata = cube.nodata is not None and bool(np.isfinite(cube.nodata))
    return {
        "name": cube.name,
        "files": [str(path) for path in cube.paths],
        "rows": cube.rows,
        "columns": cube.columns,
        "bands": cube.bands,
        "dtype": cube.raw.dtype.name,
        "interleave": cube.interleave,
        "wavelengths": _numbers(cube.wavelengths),
        "fwhm": _numbers(cube.fwhm),
        "good_bands": [bool(good) for good in cube.good_bands],
        "n_good_bands": int(cube.good_bands.sum()),
        "nodata": cube.nodata if finite_nodata else None,
        "scale": _numbers(cube.scale),
        "offset": _numbers(cube.offset),
        "crs": cube.crs,
        "transform": None if cube.transform is None else list(cube.transform),
        "synthetic": cube.synthetic,
    }


def _numbers(values: NDArray[np.float64] | None) -> list[float] | None:
    return None if values is None else [float(v) for v in values]
