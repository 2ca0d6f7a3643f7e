"""CRS and transform as ENVI headers state them, translated by GDAL both ways.

GDAL knows the dialects of ``map info`` and ``coordinate system string``; it is shown a raster of
one pixel that has only these fields, so that nothing else in a header can mislead it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ssamamba.data.georeferencing import open_raster, position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_ssamamba.data.cube import GeoTransform

_FIELDS = ("map info", "projection info", "coordinate system string")
_ONE_PIXEL = (
    "ENVI\nsamples = 1\nlines = 1\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n"
)


def position_from_envi(
    fields: Mapping[str, str | Sequence[str]],
) -> tuple[str | None, GeoTransform | None]:
    """Read CRS and transform from the fields of a header, None where it has none."""
    stated = {name: fields[name] for name in _FIELDS if name in fields}
    if not stated:
        return None, None
    header = _ONE_PIXEL
    for name, value in stated.items():
        text = value.strip("{} ") if isinstance(value, str) else ", ".join(value)
        header += f"{name} = {{{text}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        pixel = Path(folder) / "pixel.img"
        pixel.write_bytes(bytes(16))  # GDAL takes shorter files for none
        pixel.with_suffix(".hdr").write_text(header, "ascii", errors="replace")
        with open_raster(pixel, "ENVI") as dataset:
            return position(dataset)


def position_to_envi(
    crs: str | None, transform: GeoTransform | None
) -> dict[str, str | Sequence[str]]:
    """State CRS and transform as fields of a header; none without a transform."""
    if transform is None:
        return {}
    import rasterio
    from rasterio import Affine
    from spectral.io.envi import read_envi_header

    with tempfile.TemporaryDirectory() as folder:
        pixel = Path(folder) / "pixel.img"
        with rasterio.open(
            pixel,
            "w",
            driver="ENVI",
            count=1,
            height=1,
            width=1,
            dtype="uint8",
            crs=crs,
            transform=Affine.from_gdal(*transform),
        ):
            pass
        fields = read_envi_header(str(pixel.with_suffix(".hdr")))
    return {name: fields[name] for name in _FIELDS if name in fields}
