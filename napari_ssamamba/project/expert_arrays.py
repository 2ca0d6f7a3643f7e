"""The spectral expert as named arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.expert.components import Components
from napari_ssamamba.expert.discriminant import LinearScores
from napari_ssamamba.expert.kernel import KernelScores
from napari_ssamamba.expert.quadratic import QuadraticScores
from napari_ssamamba.expert.spectral_expert import KINDS, VIEWS, SpectralExpert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def expert_arrays(expert: SpectralExpert) -> dict[str, NDArray[np.float64]]:
    """Return the expert's arrays by name; views have the same shapes, and are stacked."""
    return {
        "center": expert.components.center,
        "axes": expert.components.axes,
        "linear_weights": np.stack([scores.weights for scores in expert.linear]),
        "linear_bias": np.stack([scores.bias for scores in expert.linear]),
        **_regression_arrays("", expert.kernel, expert.logistic),
        "quadratic_means": np.stack([scores.means for scores in expert.quadratic]),
        "quadratic_whitening": np.stack([scores.whitening for scores in expert.quadratic]),
        "quadratic_bias": np.stack([scores.bias for scores in expert.quadratic]),
        "slope_center": expert.slopes.center,
        "slope_axes": expert.slopes.axes,
        **_regression_arrays("slope_", expert.slope_kernel, expert.slope_logistic),
        "floor": np.array([expert.floor]),
        "pool": expert.weights,
        "shift": expert.shift,
    }


def _regression_arrays(
    prefix: str, kernel: Sequence[KernelScores], logistic: Sequence[LinearScores]
) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of two regressions with the same centers."""
    return {
        f"{prefix}kernel_centers": np.concatenate([scores.centers for scores in kernel]),
        f"{prefix}kernel_coefficients": np.concatenate([s.coefficients for s in kernel]),
        f"{prefix}kernel_gamma": np.array([scores.gamma for scores in kernel]),
        f"{prefix}kernel_pixels": np.array([len(s.centers) for s in kernel], np.float64),
        f"{prefix}logistic_weights": np.concatenate([scores.weights for scores in logistic]),
        f"{prefix}logistic_bias": np.stack([scores.bias for scores in logistic]),
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
        filled["pool"] = _with_idle(arrays["pool"], 2)
    return filled


def with_idle_logistic(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give arrays from before the logistic regression one of weight 0, which changes no score."""
    filled = dict(arrays)
    known = {"kernel_coefficients", "linear_bias", "pool"} <= arrays.keys()
    if known and arrays["pool"].size % 3 == 0:
        views = len(arrays["pool"]) // 3
        filled["logistic_weights"] = np.zeros_like(arrays["kernel_coefficients"])
        filled["logistic_bias"] = np.zeros((views, arrays["linear_bias"].shape[-1]))
        filled["pool"] = _with_idle(arrays["pool"], 3)
    return filled


def with_idle_slopes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give arrays from before the slopes' regressions two of weight 0, which change no score."""
    filled = dict(arrays)
    if {"center", "linear_bias", "pool"} <= arrays.keys() and arrays["pool"].size % 4 == 0:
        views, classes = len(arrays["pool"]) // 4, arrays["linear_bias"].shape[-1]
        nothing = LinearScores(np.zeros((0, classes)), np.zeros(classes))
        empty = KernelScores(np.zeros((0, 1)), np.zeros((0, classes)), 1.0)
        filled["slope_center"] = arrays["center"]
        filled["slope_axes"] = np.zeros((len(arrays["center"]), 1))
        filled |= _regression_arrays("slope_", [empty] * views, [nothing] * views)
        filled["pool"] = _with_idle(arrays["pool"], 4, 2)
    return filled


def _with_idle(pool: NDArray[Any], kinds: int, more: int = 1) -> NDArray[Any]:
    """Add weights of 0 behind those that each view's classifiers have."""
    return np.pad(pool.reshape(-1, kinds), ((0, 0), (0, more))).ravel()


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
    views = arrays["kernel_gamma"].size if "kernel_gamma" in arrays else 0
    shapes = {
        "center": (bands,),
        "linear_weights": (views, bands, classes),
        "linear_bias": (views, classes),
        **_regression_shapes(arrays, "", bands, views, classes),
        "quadratic_means": (views, classes, components),
        "quadratic_whitening": (views, classes, components, components),
        "quadratic_bias": (views, classes),
        "slope_center": (bands,),
        **_regression_shapes(arrays, "slope_", bands, views, classes),
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
    if not 1 <= views <= len(VIEWS):
        raise ValueError(f"the expert has {views} views of a pixel")
    if not 0 < floor < 1 or (pool < 0).any():
        raise ValueError("the expert's floor or weights cannot be")
    kernel, logistic = _regressions(arrays, "")
    slope_kernel, slope_logistic = _regressions(arrays, "slope_")
    return SpectralExpert(
        components=Components(arrays["center"], arrays["axes"]),
        slopes=Components(arrays["slope_center"], arrays["slope_axes"]),
        linear=tuple(
            LinearScores(weights, bias)
            for weights, bias in zip(arrays["linear_weights"], arrays["linear_bias"], strict=True)
        ),
        kernel=kernel,
        quadratic=tuple(
            QuadraticScores(means, whitening, bias)
            for means, whitening, bias in zip(
                arrays["quadratic_means"],
                arrays["quadratic_whitening"],
                arrays["quadratic_bias"],
                strict=True,
            )
        ),
        logistic=logistic,
        slope_kernel=slope_kernel,
        slope_logistic=slope_logistic,
        floor=floor,
        weights=pool,
        shift=arrays["shift"],
    )


def _regression_shapes(
    arrays: Mapping[str, NDArray[Any]], prefix: str, bands: int, views: int, classes: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the arrays of two regressions, and their components', need to have."""
    axes, centers = arrays.get(f"{prefix}axes"), arrays.get(f"{prefix}kernel_centers")
    components = 0 if axes is None else axes.shape[-1]
    pixels = 0 if centers is None else len(centers)
    return {
        f"{prefix}axes": (bands, components),
        f"{prefix}kernel_centers": (pixels, components),
        f"{prefix}kernel_coefficients": (pixels, classes),
        f"{prefix}kernel_gamma": (views,),
        f"{prefix}kernel_pixels": (views,),
        f"{prefix}logistic_weights": (pixels, classes),
        f"{prefix}logistic_bias": (views, classes),
    }


def _regressions(
    arrays: Mapping[str, NDArray[Any]], prefix: str
) -> tuple[tuple[KernelScores, ...], tuple[LinearScores, ...]]:
    """Put two regressions of each view together.

    Raises
    ------
    ValueError
        Where the views' numbers of pixels are not those of the centers.
    """
    centers, counts = arrays[f"{prefix}kernel_centers"], arrays[f"{prefix}kernel_pixels"]
    if (counts < 0).any() or counts.sum() != len(centers):
        raise ValueError("the expert's numbers of pixels cannot be")
    cut = counts.cumsum()[:-1].astype(int)
    kernel = zip(
        np.split(centers, cut),
        np.split(arrays[f"{prefix}kernel_coefficients"], cut),
        arrays[f"{prefix}kernel_gamma"],
        strict=True,
    )
    logistic = zip(
        np.split(arrays[f"{prefix}logistic_weights"], cut),
        arrays[f"{prefix}logistic_bias"],
        strict=True,
    )
    return (
        tuple(KernelScores(c, a, float(gamma)) for c, a, gamma in kernel),
        tuple(LinearScores(weights, bias) for weights, bias in logistic),
    )
