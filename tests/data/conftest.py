"""Tiny scenes written on the spot, as tests of readers need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
from spectral.io.envi import dtype_to_envi

from napari_ssamamba.data.cube import Cube

if TYPE_CHECKING:
    from pathlib import Path

TRANSFORM = (500_000.0, 30.0, 0.0, 5_600_000.0, 0.0, -30.0)
"""Of made-up scenes in EPSG:32633."""


class WriteEnvi(Protocol):
    def __call__(
        self, data: Path, values: np.ndarray[Any, Any], interleave: str = "bsq", **fields: object
    ) -> Path: ...


@pytest.fixture
def write_envi() -> WriteEnvi:
    """Write an ENVI pair by hand, so that no library decides what a header looks like."""

    def write(
        data: Path, values: np.ndarray[Any, Any], interleave: str = "bsq", **fields: object
    ) -> Path:
        rows, columns, bands = values.shape
        order = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
        header = data.with_suffix(".hdr")
        offset = int(str(fields.get("header_offset", 0)))
        data.write_bytes(b"\x07" * max(0, offset) + values.transpose(order).tobytes())
        lines = {
            "samples": columns,
            "lines": rows,
            "bands": bands,
            "data type": dtype_to_envi[values.dtype.newbyteorder("=").char],
            "interleave": interleave,
            "byte order": int(values.dtype.byteorder == ">"),
        } | {name.replace("_", " "): value for name, value in fields.items()}
        text = "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)
        header.write_text("ENVI\n" + text, encoding="utf-8")
        return data

    return write


@pytest.fixture
def ramp() -> np.ndarray[Any, np.dtype[np.int16]]:
    """A cube (4 rows, 5 columns, 6 bands) whose every value is different."""
    return np.arange(120, dtype=np.int16).reshape(4, 5, 6)


@pytest.fixture
def scene(ramp: np.ndarray[Any, np.dtype[np.int16]]) -> Cube:
    """A georeferenced scene in memory, 4 × 5 pixels of 30 m."""
    return Cube(name="scene", raw=ramp, crs="EPSG:32633", transform=TRANSFORM)
