"""Where a scene lies: coordinate reference systems and GDAL transforms, through rasterio."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_ssamamba.data.cube import GeoTransform


CACHE_MB = 256
"""Of decoded blocks that GDAL keeps: as much as a row of tiles of a large scene holds. By itself it
takes a twentieth of the machine's memory. The environment variable of the same name goes first."""

CACHE_OPTION = "GDAL_CACHEMAX"


@contextmanager
def without_georeference_warning() -> Iterator[None]:
    """Silence rasterio's warning that a raster has no position; a scene may well have none."""
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def open_raster(path: Path, driver: str) -> Any:
    """Open a raster through rasterio.

    Parameters
    ----------
    path : Path
    driver : str
        GDAL's name of the format; the file is opened as nothing else.

    Returns
    -------
    rasterio.DatasetReader

    Raises
    ------
    FileFormatError
        Where the file is damaged or of another format.
    """
    import rasterio
    from rasterio.errors import RasterioError

    _limit_cache()
    try:
        with without_georeference_warning():
            return rasterio.open(path, driver=driver, sharing=False)
    except (RasterioError, UnicodeDecodeError) as error:
        raise FileFormatError(
            path,
            f"it cannot be opened as {driver} ({error})",
            "Copy it again from its source; it may be damaged or of another format.",
        ) from error


@cache
def _limit_cache() -> None:
    """Tell GDAL before it reads for the first time; it does not listen later."""
    from rasterio.env import set_gdal_config

    if CACHE_OPTION not in os.environ:
        set_gdal_config(CACHE_OPTION, CACHE_MB)


def position(dataset: Any) -> tuple[str | None, GeoTransform | None]:
    """Tell the CRS and the transform of a rasterio dataset, None where it has none."""
    transform = dataset.transform
    if transform.is_identity:
        return crs_text(dataset.crs), None
    a, b, c, d, e, f = (float(v) + 0.0 for v in transform.to_gdal())  # + 0.0 turns −0 into 0
    return crs_text(dataset.crs), (a, b, c, d, e, f)


def crs_text(crs: Any) -> str | None:
    """Write a rasterio CRS as ``"EPSG:…"`` where it has a code, else as WKT."""
    if not crs:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())
