"""Parametric reflectance spectra of the sample scene's materials.

Green and dry plants follow the idea of PROSPECT (Jacquemoud & Baret 1990): a bright, nearly flat
scattering plateau is attenuated by the absorption of chlorophyll, carotenoids, leaf water and dry
matter, ``R = surface + plateau · exp(−Σ cᵢ kᵢ)``. Soils and minerals are a rising continuum with
iron, water and clay absorptions. Every absorption is a Gaussian or a logistic at its known
wavelength; nothing is measured, so nothing of it can be mistaken for a spectral library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Spectrum = NDArray[np.float64]


def band_centres() -> tuple[Spectrum, Spectrum]:
    """Give the sensor's band centres and widths.

    Returns
    -------
    wavelengths, fwhm : ndarray of float64, shape (144,)
        In nm: 64 bands from 400 to 1000 nm (silicon), 80 from 1019 to 2500 nm (HgCdTe).
    """
    visible = np.linspace(400.0, 1000.0, 64)
    infrared = np.linspace(1019.0, 2500.0, 80)
    widths = np.repeat([visible[1] - visible[0], infrared[1] - infrared[0]], [64, 80])
    return np.concatenate([visible, infrared]), widths


def _peak(w: Spectrum, centre: float, width: float) -> Spectrum:
    """Gaussian of height 1; `width` is its standard deviation in nm."""
    return np.asarray(np.exp(-0.5 * ((w - centre) / width) ** 2))


def _step(w: Spectrum, centre: float, width: float) -> Spectrum:
    """Logistic rise from 0 to 1 around `centre`."""
    return np.asarray(1.0 / (1.0 + np.exp(-(w - centre) / width)))


def chlorophyll(w: Spectrum) -> Spectrum:
    """Absorption of chlorophyll a and b: blue and red bands; their long foot is the red edge."""
    return np.asarray(
        2.8 * _peak(w, 425, 52)
        + 2.6 * _peak(w, 674, 26)
        + 1.5 * _peak(w, 628, 38)
        + 1.25 * _peak(w, 570, 52)
    )


def carotenoids(w: Spectrum) -> Spectrum:
    """Absorption of carotenoids, which yellow leaves are left with."""
    return np.asarray(1.8 * _peak(w, 450, 32) + 1.2 * _peak(w, 490, 24))


def leaf_water(w: Spectrum) -> Spectrum:
    """Absorption of liquid water: overtones at 970, 1200, 1450 and 1940 nm, and the far wing."""
    return np.asarray(
        0.07 * _peak(w, 970, 28)
        + 0.20 * _peak(w, 1200, 45)
        + 1.15 * _peak(w, 1455, 58)
        + 2.00 * _peak(w, 1945, 72)
        + 0.50 * _step(w, 1380, 45)
        + 0.35 * _step(w, 1880, 40)
        + 1.40 * _peak(w, 2680, 210)
    )


def dry_matter(w: Spectrum) -> Spectrum:
    """Absorption of cellulose and lignin at 1730, 2100 and 2310 nm, and of lignin in the blue."""
    return np.asarray(
        0.25 * _peak(w, 1730, 40)
        + 0.55 * _peak(w, 2105, 65)
        + 0.60 * _peak(w, 2320, 60)
        + 1.90 * _step(-w, -540, 85)
    )


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant canopy's optical constitution.

    Attributes
    ----------
    plateau : float
        Reflectance of the scattering tissue without any absorption, 0 to 1.
    pigment, carotene, water, dry : float
        Amounts of chlorophyll, carotenoids, leaf water and dry matter; 1 is a fresh green leaf
        for the first three.
    wax : float
        Reflectance of the leaf surface, which pigments do not attenuate.
    """

    plateau: float
    pigment: float
    carotene: float
    water: float
    dry: float
    wax: float

    def reflectance(self, w: Spectrum) -> Spectrum:
        """Reflectance, 0 to 1, at the wavelengths `w` in nm."""
        depth = (
            self.pigment * chlorophyll(w)
            + self.carotene * carotenoids(w)
            + self.water * leaf_water(w)
            + self.dry * dry_matter(w)
        )
        return np.asarray(
            self.wax * (1.0 - 0.5 * _step(w, 1400, 200)) + self.plateau * np.exp(-depth)
        )


def soil(w: Spectrum, bright: float, iron: float, moisture: float, clay: float) -> Spectrum:
    """Reflectance of a soil: a rising continuum, iron at 480 and 870 nm, clay at 2200 nm."""
    continuum = bright * (0.18 + 0.82 * _step(w, 640, 170)) * (1.0 - 0.10 * _step(w, 2100, 150))
    depth = (
        iron * (0.55 * _peak(w, 480, 60) + 0.13 * _peak(w, 870, 60))
        + moisture * (0.30 * leaf_water(w) + 0.25)
        + clay * (0.24 * _peak(w, 2205, 24) + 0.10 * _peak(w, 1415, 25))
    )
    return np.asarray(continuum * np.exp(-depth))


def river_water(w: Spectrum) -> Spectrum:
    """Reflectance of turbid, slightly green water: dark beyond 750 nm."""
    suspended = 0.060 * _peak(w, 560, 60) + 0.022 * _peak(w, 700, 18) + 0.016 * _peak(w, 810, 30)
    return np.asarray(0.010 + 0.012 * _step(-w, -620, 60) + suspended)


def asphalt(w: Spectrum) -> Spectrum:
    """Reflectance of weathered asphalt: dark, rising slowly, hydrocarbons at 2310 nm."""
    return np.asarray(
        (0.060 + 0.025 * _step(w, 490, 45) + 0.10 * _step(w, 1100, 350))
        * (1.0 - 0.10 * _peak(w, 2310, 40))
    )


def limestone_gravel(w: Spectrum) -> Spectrum:
    """Reflectance of limestone gravel: bright, with the carbonate absorption at 2335 nm."""
    continuum = 0.12 + 0.18 * _step(w, 570, 90)
    return np.asarray(continuum * np.exp(-0.30 * _peak(w, 2335, 32) - 0.10 * _peak(w, 1940, 50)))


def clay_tiles(w: Spectrum) -> Spectrum:
    """Reflectance of fired clay tiles: a steep iron edge at 560 nm and iron oxide at 870 nm."""
    continuum = 0.055 + 0.25 * _step(w, 590, 28) + 0.12 * _step(w, 1150, 120)
    return np.asarray(continuum * np.exp(-0.30 * _peak(w, 870, 70) - 0.08 * _peak(w, 2205, 30)))


def coated_metal(w: Spectrum) -> Spectrum:
    """Reflectance of sheet metal with a blue-grey coating; its binder absorbs at 1730 and 2310."""
    continuum = (
        0.19 + 0.05 * _peak(w, 465, 55) - 0.03 * _peak(w, 650, 80) + 0.14 * _step(w, 820, 70)
    )
    binder = 0.16 * _peak(w, 1730, 28) + 0.22 * _peak(w, 2310, 35) + 0.10 * _peak(w, 1190, 30)
    return np.asarray(continuum * np.exp(-binder - 0.25 * _step(w, 1800, 300)))


def plastic_film(w: Spectrum) -> Spectrum:
    """Reflectance of greenhouse film (polyethylene: 1210, 1730, 2310 nm) over a green crop."""
    polymer = 0.18 * _peak(w, 1210, 22) + 0.55 * _peak(w, 1730, 26) + 0.65 * _peak(w, 2312, 34)
    under = FRESH_LEAF.reflectance(w)
    return np.asarray((0.27 + 0.36 * under) * np.exp(-polymer))


FRESH_LEAF = Plant(plateau=0.52, pigment=1.0, carotene=0.5, water=1.0, dry=0.10, wax=0.020)

# The five Brassica crops differ by a few hundredths in every constituent, none by much in one.
PLANTS = {
    "Brassica chinensis": FRESH_LEAF,
    "Brassica parachinensis": Plant(0.515, 1.08, 0.54, 0.95, 0.12, 0.020),
    "Brassica rapa": Plant(0.530, 0.91, 0.50, 1.03, 0.12, 0.020),
    "Brassica juncea": Plant(0.505, 0.98, 0.60, 1.07, 0.09, 0.018),
    "Brassica oleracea": Plant(0.530, 1.03, 0.45, 0.99, 0.10, 0.026),
    "Maize": Plant(0.45, 1.12, 0.62, 0.74, 0.30, 0.016),
    "Ripe wheat": Plant(0.44, 0.07, 0.20, 0.12, 0.80, 0.030),
    "Meadow": Plant(0.46, 0.66, 0.50, 0.60, 0.40, 0.024),
    "Trees": Plant(0.38, 1.20, 0.70, 0.90, 0.16, 0.012),
}

_MINERALS: dict[str, Callable[[Spectrum], Spectrum]] = {
    "Bare soil": lambda w: soil(w, bright=0.42, iron=0.9, moisture=0.35, clay=1.0),
    "Water": river_water,
    "Asphalt road": asphalt,
    "Gravel": limestone_gravel,
    "Tiled roof": clay_tiles,
    "Metal roof": coated_metal,
    "Plastic tunnel": plastic_film,
}


def endmembers(w: Spectrum, names: Sequence[str]) -> NDArray[np.float64]:
    """Reflectance of the named materials.

    Returns
    -------
    ndarray of float64, shape (names, bands)
    """
    rows = [PLANTS[n].reflectance(w) if n in PLANTS else _MINERALS[n](w) for n in names]
    return np.stack(rows)


def plant_modes(w: Spectrum) -> NDArray[np.float64]:
    """How a green canopy's reflectance changes with its pigments, water, tissue and wax.

    Returns
    -------
    ndarray of float64, shape (5, bands)
        Change of reflectance for a change by 1 of pigment, carotene, water, plateau and wax.
    """
    step, base = 0.05, FRESH_LEAF.reflectance(w)
    varied = [
        replace(FRESH_LEAF, **{name: getattr(FRESH_LEAF, name) + step})
        for name in ("pigment", "carotene", "water", "plateau", "wax")
    ]
    return np.stack([(plant.reflectance(w) - base) / step for plant in varied])


def soil_modes(w: Spectrum) -> NDArray[np.float64]:
    """How a soil's reflectance changes with moisture, iron and clay.

    Returns
    -------
    ndarray of float64, shape (3, bands)
        Change of reflectance for a change by 1 of each.
    """
    step, at = 0.05, {"bright": 0.42, "iron": 0.9, "moisture": 0.35, "clay": 1.0}
    base = soil(w, **at)
    return np.stack(
        [
            (soil(w, **{**at, name: at[name] + step}) - base) / step
            for name in ("moisture", "iron", "clay")
        ]
    )
