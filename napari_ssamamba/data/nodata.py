"""Which stored values are measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_measured(stored: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Tell which stored values are measurements: finite and not nodata.

    Parameters
    ----------
    stored : ndarray, any shape and numeric type
    nodata : float or None
        A value that the stored type cannot hold marks nothing.
    """
    measured = np.asarray(np.isfinite(stored))
    if nodata is None or not np.isfinite(nodata):
        return measured
    if stored.dtype.kind in "iub":
        limits = np.iinfo(stored.dtype) if stored.dtype.kind != "b" else np.iinfo(np.uint8)
        if not limits.min <= nodata <= limits.max or nodata != int(nodata):
            return np.asarray(measured)
        return np.asarray(measured & (stored != int(nodata)))
    with np.errstate(over="ignore"):  # a nodata of 1e39 is infinite in float32
        return np.asarray(measured & (stored != np.asarray(nodata).astype(stored.dtype)))
