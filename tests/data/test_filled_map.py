"""A stand-in for a label map shows the map's classes, with spectra that vary as the library's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.sample.filled_map import fill_label_map
from napari_ssamamba.data.spectral_library import SpectralLibrary
from napari_ssamamba.errors import LabelsError, SettingError
from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

BANDS = 6


def of(name: str, level: float, n: int = 40) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Spectra of one material: a slope that begins at a level and varies by a tenth of it."""
    rng = np.random.default_rng(int(100 * level))
    shape = level * np.linspace(1.0, 2.0, BANDS)
    return (name,) * n, shape * (1 + 0.1 * rng.standard_normal((n, 1)))


def library(*materials: tuple[tuple[str, ...], NDArray[np.float64]]) -> SpectralLibrary:
    names = tuple(name for group, _ in materials for name in group)
    return SpectralLibrary(names, np.concatenate([s for _, s in materials]), None)


def reference() -> LabelMap:
    """Two fields of classes 3 and 8, with nothing labelled between and around them."""
    ids = np.zeros((160, 200), np.uint16)
    ids[20:140, 20:90], ids[20:140, 110:180] = 3, 8
    return LabelMap(ids, ClassTable.from_ids([3, 8]), name="two fields")


TWO = library(of("Grass", 0.1), of("Roof", 0.3))


@pytest.fixture(scope="module")
def cube() -> Cube:
    return result_of(fill_label_map(reference(), TWO))


def test_classes_take_the_materials_in_order_and_vary_as_these_do(cube: Cube) -> None:
    assert cube.synthetic and "synthetic" in cube.name
    assert cube.shape == (160, 200, BANDS)
    values = cube.read(slice(None), slice(None))
    for id, name in ((3, "Grass"), (8, "Roof")):
        own = TWO.spectra[[n == name for n in TWO.names]]
        seen = values[reference().ids == id]
        np.testing.assert_allclose(seen.mean(axis=0), own.mean(axis=0), rtol=0.08)
        assert (seen / seen.mean(axis=0)).std() == pytest.approx(0.1, rel=0.4)


def test_pixels_of_a_parcel_are_more_alike_than_those_of_a_class(cube: Cube) -> None:
    values = cube.read(slice(20, 140), slice(20, 90))[..., 0]
    neighbours = 0.5 * np.mean((values[:, 1:] - values[:, :-1]) ** 2) / values.var()
    assert 0.1 < neighbours < 0.7


def test_pixels_at_borders_are_mixtures(cube: Cube) -> None:
    ids = np.full((100, 100), 3, np.uint16)
    ids[:, 50:] = 8
    halves = LabelMap(ids, ClassTable.from_ids([3, 8]))
    across = (
        result_of(fill_label_map(halves, TWO)).read(slice(None), slice(None))[..., 0].mean(axis=0)
    )
    step = across[60:].mean() - across[:40].mean()
    # a Gaussian of half a pixel puts 11 % of a pixel's light into its neighbour
    assert 0.03 < (across[49] - across[44:48].mean()) / step < 0.25


def test_what_is_not_labelled_holds_classes_in_parcels(cube: Cube) -> None:
    values = cube.read(slice(0, 16), slice(None))[..., 0]
    bright = values > 0.2
    assert 0.2 < bright.mean() < 0.8
    assert (bright[:, 1:] == bright[:, :-1]).mean() > 0.85


def test_the_same_map_and_library_make_the_same_scene(cube: Cube) -> None:
    again = result_of(fill_label_map(reference(), TWO))
    np.testing.assert_array_equal(again.raw, cube.raw)
    assert again.fingerprint == cube.fingerprint


def test_another_map_or_library_is_another_scene(cube: Cube) -> None:
    """What is kept of one, such as scores, is not the other's."""
    spectra = TWO.spectra.copy()
    spectra[3, 2] += 0.01
    moved = replace(reference(), ids=np.roll(reference().ids, 1, axis=0))
    others = fill_label_map(reference(), replace(TWO, spectra=spectra)), fill_label_map(moved, TWO)
    marks = {cube.fingerprint, *(result_of(other).fingerprint for other in others)}
    assert None not in marks and len(marks) == 3


def test_bands_that_a_spectrum_lacks_are_off() -> None:
    spectra = TWO.spectra.copy()
    spectra[7, 2] = np.nan
    made = result_of(fill_label_map(reference(), SpectralLibrary(TWO.names, spectra, None)))
    assert made.good_bands.tolist() == [True, True, False, True, True, True]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (library(of("Grass", 0.1)), "1 materials"),
        (library(of("Grass", 0.1), of("Roof", 0.3, n=2)), "2 spectra of Roof"),
    ],
)
def test_a_library_that_does_not_suffice_is_refused(given: SpectralLibrary, part: str) -> None:
    with pytest.raises(SettingError, match=part):
        result_of(fill_label_map(reference(), given))


def test_maps_without_labels_or_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = LabelMap(np.zeros((9, 9), np.uint16), ClassTable(), name="empty")
    with pytest.raises(LabelsError, match="empty: no pixel is labelled"):
        result_of(fill_label_map(empty, TWO))
    monkeypatch.setattr("napari_ssamamba.data.sample.filled_map.LARGEST", 100_000)
    with pytest.raises(LabelsError, match=r"two fields: .* of memory"):
        result_of(fill_label_map(reference(), TWO))
