"""The spectral expert as named arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.expert.components import Components
from napari_ssamamba.expert.discriminant import LinearScores
from napari_ssamamba.expert.kernel import KernelScores
from napari_ssamamba.expert.quadratic import QuadraticScores
from napari_ssamamba.expert.spectral_expert import VIEWS, Classifiers, SpectralExpert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

BEFORE = ("linear", "kernel", "quadratic", "logistic", "slope_kernel", "slope_logistic")
"""Classifiers of a view in files of versions 8 and 9, in their order; older ones have fewer."""


def expert_arrays(expert: SpectralExpert) -> dict[str, NDArray[np.float64]]:
    """Return the expert's arrays by name; views have the same shapes, and are stacked."""
    linear = [view.linear for view in expert.views]
    quadratic = [view.quadratic for view in expert.views]
    arrays = {
        "center": expert.components.center,
        "axes": expert.components.axes,
        "linear_weights": np.stack([scores.weights for scores in linear]),
        "linear_bias": np.stack([scores.bias for scores in linear]),
        "quadratic_means": np.stack([scores.means for scores in quadratic]),
        "quadratic_whitening": np.stack([scores.whitening for scores in quadratic]),
        "quadratic_bias": np.stack([scores.bias for scores in quadratic]),
        "floor": np.array([expert.floor]),
        "pool": expert.weights,
        "shift": expert.shift,
        "support": np.array([expert.support]),
        "usual": expert.usual,
    }
    of_views = zip(*(view.regressions for view in expert.views), strict=True)
    for number, regression in enumerate(of_views):
        arrays |= _regression_arrays(number, regression)
    return arrays


def _regression_arrays(
    number: int, views: Sequence[KernelScores]
) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of a regression; their numbers of centers differ between views."""
    return {
        f"regression{number}_centers": np.concatenate([scores.centers for scores in views]),
        f"regression{number}_coefficients": np.concatenate([s.coefficients for s in views]),
        f"regression{number}_bias": np.stack([scores.bias for scores in views]),
        f"regression{number}_gamma": np.array([scores.gamma for scores in views]),
        f"regression{number}_pixels": np.array([len(s.centers) for s in views], np.float64),
        f"regression{number}_first": np.array([scores.first for scores in views], np.float64),
    }


def in_present_form(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Put the arrays of an expert from before version 10 into the present form; it says the same.

    Its classifiers are the first of `BEFORE`: the quadratic analysis and `kernel` read components
    of spectra, `logistic` has the centers of `kernel`, and regressions of slopes read components of
    slopes. An analysis that is missing gets the weight 0.

    Raises
    ------
    ValueError
        Where arrays are missing, unknown or do not fit.
    """
    used: set[str] = set()

    def use(name: str) -> NDArray[Any]:
        used.add(name)
        return arrays[name]

    try:
        present = _in_present_form(use)
    except KeyError as missing:
        raise ValueError(f"arrays of the expert are missing: {missing.args[0]}") from missing
    if unknown := sorted(arrays.keys() - used):
        raise ValueError(f"arrays of the expert are unknown: {', '.join(unknown)}")
    return present


def _in_present_form(use: Callable[[str], NDArray[Any]]) -> dict[str, NDArray[Any]]:
    present = {
        name: use(name) for name in ("center", "linear_weights", "linear_bias", "floor", "shift")
    }
    views, classes = use("linear_bias").shape
    weights = use("pool").reshape(views, -1).T
    kinds = BEFORE[: len(weights)]
    weight = dict(zip(kinds, weights, strict=True))
    own = use("axes").shape[1]
    slopes = use("axes")[:, :0]
    if "slope_kernel" in kinds:
        slopes = use("slope_axes")
        if (use("slope_center") != use("center")).any():
            raise ValueError("the expert has two centers")
    present["axes"] = np.hstack((use("axes"), slopes))
    more = (0, slopes.shape[1])
    if "quadratic" in kinds:
        means, whitening = use("quadratic_means"), use("quadratic_whitening")
        present["quadratic_bias"] = use("quadratic_bias")
    else:
        means, whitening = np.zeros((views, classes, own)), np.zeros((views, classes, own, own))
        present["quadratic_bias"] = np.zeros((views, classes))
        weight["quadratic"] = np.zeros(views)
    present["quadratic_means"] = np.pad(means, ((0, 0), (0, 0), more))
    present["quadratic_whitening"] = np.pad(whitening, ((0, 0), (0, 0), more, more))
    regressions = ("kernel", *kinds[3:])
    ordered = ("linear", "quadratic", *regressions)
    present["pool"] = np.stack([weight[kind] for kind in ordered], axis=1).ravel()
    for number, kind in enumerate(regressions):
        prefix = "slope_" if kind.startswith("slope_") else ""
        logistic = kind.endswith("logistic")
        coefficients = "logistic_weights" if logistic else "kernel_coefficients"
        bias = use(f"{prefix}logistic_bias") if logistic else np.zeros((views, classes))
        present |= {
            f"regression{number}_centers": use(f"{prefix}kernel_centers"),
            f"regression{number}_coefficients": use(f"{prefix}{coefficients}"),
            f"regression{number}_bias": bias,
            f"regression{number}_gamma": use(f"{prefix}kernel_gamma"),
            f"regression{number}_pixels": use(f"{prefix}kernel_pixels"),
            f"regression{number}_first": np.full(views, float(own if prefix else 0)),
        }
    return present


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
    views = len(arrays["linear_bias"]) if "linear_bias" in arrays else 0
    regressions = sum(name.endswith("_gamma") for name in arrays)
    shapes = {
        "center": (bands,),
        "axes": (bands, components),
        "linear_weights": (views, bands, classes),
        "linear_bias": (views, classes),
        "quadratic_means": (views, classes, components),
        "quadratic_whitening": (views, classes, components, components),
        "quadratic_bias": (views, classes),
        "floor": (1,),
        "pool": (views * (2 + regressions),),
        "shift": (classes,),
        "support": (1,),
        "usual": (classes,),
    }
    for number in range(regressions):
        shapes |= _regression_shapes(arrays, number, views, classes)
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
    if not 0 < floor < 1 or (pool < 0).any() or arrays["support"][0] < 0:
        raise ValueError("the expert's floor or weights cannot be")
    of_views = zip(
        arrays["linear_weights"],
        arrays["linear_bias"],
        arrays["quadratic_means"],
        arrays["quadratic_whitening"],
        arrays["quadratic_bias"],
        zip(*(_regression(arrays, number) for number in range(regressions)), strict=True),
        strict=True,
    )
    return SpectralExpert(
        components=Components(arrays["center"], arrays["axes"]),
        views=tuple(
            Classifiers(
                LinearScores(weights, bias), QuadraticScores(means, whitening, at_means), of_view
            )
            for weights, bias, means, whitening, at_means, of_view in of_views
        ),
        floor=floor,
        weights=pool,
        shift=arrays["shift"],
        support=float(arrays["support"][0]),
        usual=arrays["usual"],
    )


def _regression_shapes(
    arrays: Mapping[str, NDArray[Any]], number: int, views: int, classes: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the arrays of a regression need to have."""
    centers = arrays.get(f"regression{number}_centers")
    pixels, read = (0, 0) if centers is None else (len(centers), centers.shape[-1])
    return {
        f"regression{number}_centers": (pixels, read),
        f"regression{number}_coefficients": (pixels, classes),
        f"regression{number}_bias": (views, classes),
        f"regression{number}_gamma": (views,),
        f"regression{number}_pixels": (views,),
        f"regression{number}_first": (views,),
    }


def _regression(arrays: Mapping[str, NDArray[Any]], number: int) -> list[KernelScores]:
    """Put a regression of each view together.

    Raises
    ------
    ValueError
        Where the views' numbers of pixels are not those of the centers, or where it reads more
        components than there are.
    """
    centers, coefficients, biases, gammas, counts, firsts = (
        arrays[f"regression{number}_{name}"]
        for name in ("centers", "coefficients", "bias", "gamma", "pixels", "first")
    )
    if (counts < 0).any() or counts.sum() != len(centers):
        raise ValueError("the expert's numbers of pixels cannot be")
    if (firsts < 0).any() or (firsts + centers.shape[1] > arrays["axes"].shape[1]).any():
        raise ValueError("the expert's regressions read components that it does not have")
    cut = counts.cumsum()[:-1].astype(int)
    of_views = zip(
        np.split(centers, cut), np.split(coefficients, cut), biases, gammas, firsts, strict=True
    )
    return [KernelScores(c, a, b, float(gamma), int(first)) for c, a, b, gamma, first in of_views]
