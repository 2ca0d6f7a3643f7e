"""How well two classes can be told apart by their spectra: angle and Jeffries-Matusita distance.

Symbols: D bands, n pixels of a class, m its mean, C its covariance, b its shrinkage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SHUFFLES = 5
"""Times that the pixels are dealt to the classes at random, for the control."""

FEWEST_PIXELS = 3
"""Of a class, for a covariance."""


@dataclass(frozen=True, slots=True)
class Separability:
    """How far apart two classes are.

    Attributes
    ----------
    angle : float
        Between the mean spectra, degrees.
    jeffries_matusita : float
        From 0, the same, to 2, no overlap.
    control : float
        Mean of the distance where the same pixels are dealt to the classes at random: with few
        pixels in many bands it is far from 0, and a distance near it means nothing.
    shrinkages : tuple of float
        b of the first and of the second class, 0 to 1.
    counts : tuple of int
        n of the first and of the second class.
    bands : int
        D.
    """

    angle: float
    jeffries_matusita: float
    control: float
    shrinkages: tuple[float, float]
    counts: tuple[int, int]
    bands: int


def spectral_angle(first: Values, second: Values) -> float:
    """Return the angle between two spectra in degrees (Kruse et al., RSE 44, 1993).

    Bands that either lacks do not count; NaN where none is left, or a spectrum is 0.
    """
    both = np.isfinite(first) & np.isfinite(second)
    a, b = first[both], second[both]
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths == 0:
        return float("nan")
    return float(np.degrees(np.arccos(np.clip(a @ b / lengths, -1.0, 1.0))))


def separability(first: Values, second: Values, *, seed: int = 0) -> Separability:
    """Compare two classes by samples of their pixels.

    The Jeffries-Matusita distance is J = 2 (1 − exp(−B)), 0 to 2, with the Bhattacharyya distance
    B = ⅛ Δ·C̄⁻¹Δ + ½ ln(|C̄| / √(|C₁||C₂|)), Δ = m₁ − m₂, C̄ = (C₁ + C₂) / 2 (Richards, Remote
    Sensing Digital Image Analysis, section 10.2.3). Bands are scaled to deviation 1 within the
    classes; covariances are shrunken, C = (1−b) S + b tr(S)/D I, as those of the spectral
    expert's discriminant are, with b by Ledoit & Wolf (J. Multivariate Anal. 88, 2004). So there
    is an inverse with fewer pixels than bands, too.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n, bands)
        Missing values are NaN; bands that no pixel has a value of do not count, nor do pixels
        that lack one of the others.
    seed : int
        Of the control.

    Raises
    ------
    LabelsError
        Where a class has fewer than `FEWEST_PIXELS`, or no band varies.
    """
    angle = spectral_angle(_mean(first), _mean(second))
    a, b = _complete(first, second)
    for sample in (a, b):
        if len(sample) < FEWEST_PIXELS:
            raise LabelsError(
                f"{len(sample)} pixels of a class are too few for a covariance. Label "
                f"{FEWEST_PIXELS} or more."
            )
    deviation = np.sqrt((len(a) * a.var(axis=0) + len(b) * b.var(axis=0)) / (len(a) + len(b)))
    varies = deviation > 0
    if not varies.any():
        raise LabelsError("No band varies within the classes: they have no covariance.")
    a, b = a[:, varies] / deviation[varies], b[:, varies] / deviation[varies]
    distance, shrinkages = _jeffries_matusita(a, b)
    rng, together = np.random.default_rng(seed), np.concatenate([a, b])
    controls = []
    for _ in range(SHUFFLES):
        dealt = rng.permutation(together)
        controls.append(_jeffries_matusita(dealt[: len(a)], dealt[len(a) :])[0])
    counts = len(a), len(b)
    control = float(np.mean(controls))
    return Separability(angle, distance, control, shrinkages, counts, int(varies.sum()))


def _mean(spectra: Values) -> Values:
    """Average over the pixels that have a value; NaN where none has."""
    count = np.isfinite(spectra).sum(axis=0)
    return np.where(count > 0, np.nansum(spectra, axis=0) / np.maximum(count, 1), np.nan)


def _complete(first: Values, second: Values) -> tuple[Values, Values]:
    """Leave out bands without any value, then pixels that lack some."""
    used = np.isfinite(first).any(axis=0) & np.isfinite(second).any(axis=0)
    a, b = first[:, used], second[:, used]
    return a[np.isfinite(a).all(axis=1)], b[np.isfinite(b).all(axis=1)]


def _jeffries_matusita(a: Values, b: Values) -> tuple[float, tuple[float, float]]:
    """Return the distance, 0 to 2, and both shrinkages."""
    from sklearn.covariance import ledoit_wolf

    (of_a, shrunk_a), (of_b, shrunk_b) = ledoit_wolf(a), ledoit_wolf(b)
    between = (of_a + of_b) / 2
    difference = a.mean(axis=0) - b.mean(axis=0)
    log_volumes = [np.linalg.slogdet(c)[1] for c in (between, of_a, of_b)]
    spread = 0.5 * (log_volumes[0] - 0.5 * (log_volumes[1] + log_volumes[2]))
    bhattacharyya = difference @ np.linalg.solve(between, difference) / 8 + spread
    return float(2 * (1 - np.exp(-bhattacharyya))), (float(shrunk_a), float(shrunk_b))
