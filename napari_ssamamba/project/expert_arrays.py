"""The spectral expert as named arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.expert.discriminant import LinearScores
from napari_ssamamba.expert.kernel import KernelScores
from napari_ssamamba.expert.quadratic import QuadraticScores
from napari_ssamamba.expert.spectral_expert import KINDS, VIEWS, Components, SpectralExpert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def expert_arrays(expert: SpectralExpert) -> dict[str, NDArray[np.float64]]:
    """Return the expert's arrays by name; views have the same shapes, and are stacked."""
    return {
        "center": expert.components.center,
        "axes": expert.components.axes,
        "linear_weights": np.stack([scores.weights for scores in expert.linear]),
        "linear_bias": np.stack([scores.bias for scores in expert.linear]),
        "kernel_centers": np.concatenate([scores.centers for scores in expert.kernel]),
        "kernel_coefficients": np.concatenate([scores.coefficients for scores in expert.kernel]),
        "kernel_gamma": np.array([scores.gamma for scores in expert.kernel]),
        "kernel_pixels": np.array([len(scores.centers) for scores in expert.kernel], np.float64),
        "quadratic_means": np.stack([scores.means for scores in expert.quadratic]),
        "quadratic_whitening": np.stack([scores.whitening for scores in expert.quadratic]),
        "quadratic_bias": np.stack([scores.bias for scores in expert.quadratic]),
        "logistic_weights": np.concatenate([scores.weights for scores in expert.logistic]),
        "logistic_bias": np.stack([scores.bias for scores in expert.logistic]),
        "floor": np.array([expert.floor]),
        "pool": expert.weights,
        "shift": expert.shift,
    }


def with_idle_quadratic(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give arrays from before the quadratic analysis one of weight 0, which changes no score."""
    filled = dict(arrays)
    if {"axes", "linear_bias", "pool"} <= arrays.keys() and arrays["pool"].size % 2 == 0:
        views, classes = len(arrays["pool"]) // 2, arrays["linear_bias"].shape[-1]
        components = arrays["axes"].shape[-1]
        filled["quadratic_means"] = np.zeros((views, classes, components))
        filled["quadratic_whitening"] = np.zeros((views, classes, components, components))
        filled["quadratic_bias"] = np.zeros((views, classes))
        filled["pool"] = _with_one_idle(arrays["pool"], 2)
    return filled


def with_idle_logistic(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give arrays from before the logistic regression one of weight 0, which changes no score."""
    filled = dict(arrays)
    known = {"kernel_coefficients", "linear_bias", "pool"} <= arrays.keys()
    if known and arrays["pool"].size % 3 == 0:
        views = len(arrays["pool"]) // 3
        filled["logistic_weights"] = np.zeros_like(arrays["kernel_coefficients"])
        filled["logistic_bias"] = np.zeros((views, arrays["linear_bias"].shape[-1]))
        filled["pool"] = _with_one_idle(arrays["pool"], 3)
    return filled


def _with_one_idle(pool: NDArray[Any], kinds: int) -> NDArray[Any]:
    """Add a weight of 0 behind those that each view's classifiers have."""
    return np.pad(pool.reshape(-1, kinds), ((0, 0), (0, 1))).ravel()


def expert_from_arrays(
    arrays: Mapping[str, NDArray[Any]], bands: int, classes: int
) -> SpectralExpert:
    """Put the expert together.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    bands, classes : int
        Of the network that it is mixed with.

    Raises
    ------
    ValueError
        Where an array is missing, unknown, of another type or shape, or holds impossible values.
    """
    components = arrays["axes"].shape[-1] if "axes" in arrays else 0
    pixels = len(arrays["kernel_centers"]) if "kernel_centers" in arrays else 0
    views = arrays["kernel_gamma"].size if "kernel_gamma" in arrays else 0
    shapes = {
        "center": (bands,),
        "axes": (bands, components),
        "linear_weights": (views, bands, classes),
        "linear_bias": (views, classes),
        "kernel_centers": (pixels, components),
        "kernel_coefficients": (pixels, classes),
        "kernel_gamma": (views,),
        "kernel_pixels": (views,),
        "quadratic_means": (views, classes, components),
        "quadratic_whitening": (views, classes, components, components),
        "quadratic_bias": (views, classes),
        "logistic_weights": (pixels, classes),
        "logistic_bias": (views, classes),
        "floor": (1,),
        "pool": (views * len(KINDS),),
        "shift": (classes,),
    }
    if differing := sorted(shapes.keys() ^ arrays.keys()):
        raise ValueError(f"arrays of the expert are missing or unknown: {', '.join(differing)}")
    for name, shape in shapes.items():
        found = arrays[name]
        if found.shape != shape or found.dtype != np.float64:
            raise ValueError(f"{name} of the expert is {found.dtype} of shape {found.shape}")
        if not np.isfinite(found).all():
            raise ValueError(f"{name} of the expert is not finite")
    floor, pool = float(arrays["floor"][0]), arrays["pool"]
    counts = arrays["kernel_pixels"]
    if not 1 <= views <= len(VIEWS):
        raise ValueError(f"the expert has {views} views of a pixel")
    if not 0 < floor < 1 or (pool < 0).any() or (counts < 0).any() or counts.sum() != pixels:
        raise ValueError("the expert's floor, weights or numbers of pixels cannot be")
    cut = counts.cumsum()[:-1].astype(int)
    kernel = zip(
        np.split(arrays["kernel_centers"], cut),
        np.split(arrays["kernel_coefficients"], cut),
        arrays["kernel_gamma"],
        strict=True,
    )
    return SpectralExpert(
        components=Components(arrays["center"], arrays["axes"]),
        linear=tuple(
            LinearScores(weights, bias)
            for weights, bias in zip(arrays["linear_weights"], arrays["linear_bias"], strict=True)
        ),
        kernel=tuple(KernelScores(c, a, float(gamma)) for c, a, gamma in kernel),
        quadratic=tuple(
            QuadraticScores(means, whitening, bias)
            for means, whitening, bias in zip(
                arrays["quadratic_means"],
                arrays["quadratic_whitening"],
                arrays["quadratic_bias"],
                strict=True,
            )
        ),
        logistic=tuple(
            LinearScores(weights, bias)
            for weights, bias in zip(
                np.split(arrays["logistic_weights"], cut),
                arrays["logistic_bias"],
                strict=True,
            )
        ),
        floor=floor,
        weights=pool,
        shift=arrays["shift"],
    )
