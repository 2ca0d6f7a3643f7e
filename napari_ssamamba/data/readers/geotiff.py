"""GeoTIFF scenes: one file, or several tiles of one grid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.band_lists import BandList, stated_bands
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.georeferencing import open_raster, position
from napari_ssamamba.data.good_bands import switch_off_empty_bands
from napari_ssamamba.data.readers.raster import Mosaic, Raster
from napari_ssamamba.data.readers.tile_grid import Tile, common_grid
from napari_ssamamba.data.wavelengths import to_nm, wavelengths_from_names, width_to_nm
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.band_lists import StatedWavelengths

MAX_CHECKED_BLOCKS = 4096
"""Blocks whose position is compared with the file's size; of more, that many are sampled."""

_INTERLEAVES = {"band": "bsq", "line": "bil", "pixel": "bip"}


def open_geotiff(paths: Sequence[Path], wavelengths: StatedWavelengths = None) -> Cube:
    """Open a GeoTIFF, or several that are tiles of one grid, as one scene.

    Integer tiles without a nodata value that leave gaps get the extreme value of their type as
    nodata: the smallest of signed, the largest of unsigned integers.

    Parameters
    ----------
    paths : sequence of Path
        In any order; the files stay open as long as the cube lives.
    wavelengths : Path or sequence of float, optional
        Band centres that take the place of the file's; see `stated_bands`.

    Raises
    ------
    FileFormatError
        Where a file is damaged, truncated or complex, or the tiles are not of one grid.
    """
    paths = sorted(set(paths))
    tiles = [open_tile(path) for path in paths]
    first = tiles[0]
    raw: Raster | Mosaic = first.raster
    crs, transform, nodata = first.crs, first.transform, first.nodata
    if len(tiles) > 1:
        grid = common_grid(tiles)
        transform, nodata = grid.transform, grid.fill
        raw = Mosaic([t.raster for t in tiles], grid.corners, grid.fill)
    stated = stated_bands(first.path, wavelengths, raw.shape[2])
    listed = _band_list(first.path, first.dataset, stated)
    for tile in tiles[1:] if stated is None else []:
        _check_wavelengths(tile, listed, first)
    scales, offsets = (np.array(v, float) for v in (first.dataset.scales, first.dataset.offsets))
    scaled = bool((scales != 1).any() or (offsets != 0).any())
    cube = Cube(
        name=first.path.stem if len(tiles) == 1 else f"{first.path.parent.name} ({len(tiles)})",
        raw=raw,
        wavelengths=listed.wavelengths,
        fwhm=listed.fwhm,
        good_bands=np.ones(raw.shape[2], bool) if listed.good is None else listed.good,
        nodata=nodata,
        scale=scales if scaled else None,
        offset=offsets if scaled else None,
        crs=crs,
        transform=transform,
        interleave=_INTERLEAVES.get(first.dataset.profile.get("interleave", "band"), "bsq"),
        paths=tuple(paths),
    )
    return switch_off_empty_bands(cube)


def open_tile(path: Path) -> Tile:
    """Open one GeoTIFF and check that it is whole.

    Raises
    ------
    FileFormatError
        Where it is damaged, truncated or complex.
    """
    dataset = open_raster(path, "GTiff")
    if np.dtype(dataset.dtypes[0]).kind not in "biuf":
        raise FileFormatError(
            path, f"it holds values of type {dataset.dtypes[0]}", "Save real numbers."
        )
    _check_whole(path, dataset)
    crs, transform = position(dataset)
    return Tile(path, dataset, Raster(path, dataset), crs, transform, dataset.nodata)


def _check_wavelengths(tile: Tile, listed: BandList, first: Tile) -> None:
    """Refuse a tile whose band centres are not those of the first."""
    found, expected = _band_list(tile.path, tile.dataset, None).wavelengths, listed.wavelengths
    alike = found is expected or (
        found is not None and expected is not None and np.array_equal(found, expected)
    )
    if not alike:
        raise FileFormatError(
            tile.path,
            f"its bands have other wavelengths than those of {first.path.name}",
            "Open together only tiles of one scene.",
        )


def _check_whole(path: Path, dataset: Any) -> None:
    """Compare where the blocks should end with where the file does.

    Blocks that were never written (a sparse file) have no position and read as nodata.
    """
    size = path.stat().st_size
    height, width = dataset.block_shapes[0]
    down, across = -(-dataset.height // height), -(-dataset.width // width)
    layers = 1 if dataset.profile.get("interleave") == "pixel" else dataset.count
    total = down * across * layers
    written = 0
    for i in np.unique(np.linspace(0, total - 1, min(total, MAX_CHECKED_BLOCKS)).astype(int)):
        layer, block = divmod(int(i), down * across)
        where = f"{block % across}_{block // across}"
        offset = dataset.get_tag_item(f"BLOCK_OFFSET_{where}", "TIFF", bidx=layer + 1)
        length = dataset.get_tag_item(f"BLOCK_SIZE_{where}", "TIFF", bidx=layer + 1)
        if not offset:
            continue
        written += 1
        if int(offset) + int(length or 0) > size:
            raise FileFormatError(
                path,
                f"it ends after {size:,} bytes, before its data do",
                "Copy it again from its source; it is truncated.",
            )
    if written == 0:
        raise FileFormatError(
            path,
            f"it claims {dataset.height} rows × {dataset.width} columns × {dataset.count} bands, "
            "but none of the data that were looked for are there",
            "Copy it again from its source; it may be damaged.",
        )


def _band_list(path: Path, dataset: Any, stated: BandList | None) -> BandList:
    """Read what the file tells of its bands, in the several ways that are in use.

    Tags of each band ``wavelength``, ``wavelength_units``, ``fwhm`` and ``bbl`` (GDAL's ENVI
    driver, EnMAP-Box), ``CENTRAL_WAVELENGTH_UM`` and ``FWHM_UM`` in its IMAGERY domain (GDAL 3.10
    on), the same lists for all bands in the file's tags, and band names.
    """
    bands = [_lower(dataset.tags(i)) for i in dataset.indexes]
    whole = _lower(dataset.tags()) | _lower(dataset.tags(ns="ENVI"))
    bbl = _values(path, "bbl", bands, whole, ("bbl",))
    good = None if bbl is None else bbl != 0
    if stated is not None:
        return BandList(good=good).merged(stated)
    units = ("wavelength_units", "wavelength_unit", "wavelength units")
    unit = next((t[u] for t in (bands[0], whole) for u in units if u in t), None)
    centres = _values(path, "wavelength", bands, whole, ("wavelength", "wavelengths"))
    widths = _values(path, "fwhm", bands, whole, ("fwhm",))
    if centres is None:
        imagery = [_lower(dataset.tags(i, ns="IMAGERY")) for i in dataset.indexes]
        centres = _values(path, "wavelength", imagery, {}, ("central_wavelength_um",))
        if centres is not None:
            unit = "um"
            widths = _values(path, "fwhm", imagery, {}, ("fwhm_um",))
    if centres is None and all(dataset.descriptions):
        centres, unit = wavelengths_from_names(dataset.descriptions), "nm"
    if centres is None:
        return BandList(good=good)
    try:
        nm = to_nm(centres, unit)
        fwhm = None if widths is None or nm is None else width_to_nm(widths, centres, unit)
    except ValueError as error:
        raise FileFormatError(
            path, f"its tags have {error}", "Correct them, or give the wavelengths."
        ) from error
    return BandList(nm, fwhm, good)


def _values(
    path: Path,
    what: str,
    bands: Sequence[dict[str, str]],
    whole: dict[str, str],
    names: Sequence[str],
) -> NDArray[np.float64] | None:
    """One number a band, from the bands' own tags or a list in the file's; None where missing."""
    for name in names:
        if all(name in tags for tags in bands):
            texts = [tags[name] for tags in bands]
        elif name in whole:
            texts = [t for t in re.split(r"[\s,{}\[\]]+", whole[name]) if t]
        else:
            continue
        try:
            values = np.array([float(text) for text in texts])
        except ValueError as error:
            raise FileFormatError(
                path, f"its tags '{name}' are no numbers ({error})", "Correct or remove them."
            ) from error
        if values.size != len(bands):
            raise FileFormatError(
                path,
                f"its tag '{name}' lists {values.size} values of {what} for {len(bands)} bands",
                "Correct or remove it.",
            )
        return values
    return None


def _lower(tags: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in tags.items()}
