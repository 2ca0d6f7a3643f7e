"""Whatever is damaged in a file, the user gets one clear message or a scene, never a traceback."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import rasterio
from rasterio import Affine
from scipy.io import savemat

from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.errors import SSAMambaError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def whole_file(kind: str, folder: Path, values: np.ndarray[Any, Any]) -> Path:
    """Write a small scene of a format."""
    path = folder / f"whole.{kind}"
    if kind == "npy":
        np.save(path, values)
    elif kind == "mat5":
        savemat(path, {"scene": values}, appendmat=False)
    elif kind == "mat73":
        with h5py.File(path, "w", userblock_size=512) as file:
            file["scene"] = values.T
    else:
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=6,
            height=4,
            width=5,
            dtype="int16",
            crs="EPSG:32633",
            transform=Affine(30, 0, 0, 0, -30, 0),
            compress="deflate",
        ) as file:
            file.write(np.moveaxis(values, -1, 0))
    return path


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change, remove or insert a few bytes, mostly near the beginning; at times cut the end off."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 4, 20])):
        at = rng.randrange(min(len(changed), rng.choice([64, 300, 2000])))
        if rng.random() < 0.7:
            changed[at] = rng.choice([0, 1, 127, 255])
        elif rng.random() < 0.5:
            del changed[at : at + rng.randrange(1, 9)]
        else:
            changed[at:at] = rng.randbytes(3)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.2 else changed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["npy", "mat5", "mat73", "tif", "hdr"])
def test_damaged_files_end_in_a_message(
    kind: str, tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: Callable[..., Path]
) -> None:
    rng = random.Random(kind)
    if kind == "hdr":
        write_envi(tmp_path / "damaged", ramp, wavelength="{1, 2, 3, 4, 5, 6}", bbl="{1}")
        content = (tmp_path / "damaged.hdr").read_bytes()
    else:
        content = whole_file(kind, tmp_path, ramp).read_bytes()
    path = tmp_path / f"damaged.{kind}"
    for _ in range(60):
        path.write_bytes(damaged(content, rng))
        with suppress(SSAMambaError):
            open_cube(path).read(slice(0, 2), slice(0, 2))
        with suppress(SSAMambaError):
            read_labels(path)
