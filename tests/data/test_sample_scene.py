"""The built-in scene: always the same, quick, and hard where it is meant to be."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data.labels import draw_training_pixels
from napari_ssamamba.data.sample import sample_scene
from napari_ssamamba.data.sample.canvas import MATERIALS
from napari_ssamamba.data.sample.landscape import draw_plan
from napari_ssamamba.data.sample.spectra import PLANTS, band_centres, endmembers
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

DIGEST = "dbdca3434b20d210b836530f01700776e71efa82b57fe7853e295fabeeb2e6f0"
"""Of the scene of this version; change it with the scene, never because a machine differs."""

BRASSICAS = [i for i, name in enumerate(MATERIALS) if name.startswith("Brassica")]


@pytest.fixture(scope="module")
def scene() -> tuple[Cube, LabelMap]:
    return sample_scene()


def digest(scene: tuple[Cube, LabelMap]) -> str:
    cube, reference = scene
    return hashlib.sha256(np.asarray(cube.raw).tobytes() + reference.ids.tobytes()).hexdigest()


def test_the_scene_is_what_it_is_said_to_be(scene):
    cube, reference = scene
    assert cube.shape == (300, 300, 144)
    assert cube.raw.dtype == np.int16
    assert cube.synthetic and "synthetic" in cube.name
    assert cube.wavelengths[[0, -1]].tolist() == [400.0, 2500.0]
    assert (np.diff(cube.wavelengths) > 0).all()
    off = cube.wavelengths[~cube.good_bands]
    assert 5 <= off.size <= 15
    assert ((off > 1340) & (off < 1450)).any() and ((off > 1790) & (off < 1960)).any()
    assert len(reference.classes) == 16 and len(BRASSICAS) == 5
    assert min(reference.counts().values()) > 500
    assert (reference.ids == 0).mean() < 0.2  # most of the scene can be checked against


def test_the_scene_is_always_the_same(scene, record_property):
    start = time.perf_counter()
    again = sample_scene()
    seconds = time.perf_counter() - start
    record_property("seconds", round(seconds, 2))
    print(f"the sample scene took {seconds:.2f} s")
    assert digest(again) == digest(scene) == DIGEST


def test_the_scene_is_the_same_in_another_process_with_other_threads():
    code = (
        "import hashlib, numpy as np\n"
        "from napari_ssamamba.data.sample import sample_scene\n"
        "cube, reference = sample_scene(64, 80)\n"
        "print(hashlib.sha256(cube.raw.tobytes() + reference.ids.tobytes()).hexdigest())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == digest(sample_scene(64, 80))


def test_importing_the_scene_imports_no_heavy_library():
    code = (
        "import sys, napari_ssamamba.data.sample, napari_ssamamba.data.composite\n"
        "import napari_ssamamba.data.downloads, napari_ssamamba.audit.spectra\n"
        "heavy = {'scipy', 'sklearn', 'torch', 'pooch', 'requests', 'dask'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_a_small_scene_shows_the_same_land_with_every_class():
    cube, reference = sample_scene(96, 72)
    assert cube.shape == (96, 72, 144)
    assert min(reference.counts().values()) > 10
    full = draw_plan(288, 216, np.random.default_rng(0)).material
    small = draw_plan(96, 72, np.random.default_rng(0)).material
    assert (full[1::3, 1::3] == small).mean() > 0.95


@pytest.mark.parametrize("size", [(31, 100), (100, 0), (100, 10**9)])
def test_absurd_sizes_are_refused_at_once(size):
    with pytest.raises(SettingError, match="32 to 2000"):
        sample_scene(*size)


def test_plants_have_the_features_that_they_are_known_by():
    w, _ = band_centres()

    def at(spectrum, wavelength):
        return spectrum[np.abs(w - wavelength).argmin()]

    for name in ("Brassica rapa", "Maize", "Meadow", "Trees"):
        leaf = PLANTS[name].reflectance(w)
        assert at(leaf, 780) > 4 * at(leaf, 675), "red edge"
        assert at(leaf, 550) > at(leaf, 675) and at(leaf, 550) > at(leaf, 450), "green peak"
        for dip, beside in ((970, 900), (1200, 1100), (1450, 1650), (1940, 2200)):
            assert at(leaf, dip) < at(leaf, beside), f"leaf water at {dip} nm"
        slope = np.diff(leaf) / np.diff(w)
        assert 690 < w[slope.argmax()] < 740
    clay = endmembers(w, ["Bare soil"])[0]
    assert at(clay, 2205) < min(at(clay, 2130), at(clay, 2280))
    water = endmembers(w, ["Water"])[0]
    assert at(water, 1600) < 0.03 < at(water, 560)
    every = endmembers(w, MATERIALS[1:])
    assert every.min() > 0 and every.max() < 0.7


def test_noise_grows_where_water_vapour_absorbs(scene):
    cube, reference = scene
    roads = cube.read(slice(None), slice(None), slice(None))[reference.ids == 12]
    noise = np.abs(np.diff(roads, n=2, axis=1)).mean(axis=0)  # of neighbouring bands
    centres = cube.wavelengths[1:-1]
    clear = noise[(centres > 1500) & (centres < 1700)].mean()
    assert noise[(centres > 1370) & (centres < 1410)].mean() > 5 * clear
    assert noise[0] > 1.5 * clear


def test_five_crops_are_confused_and_the_rest_is_easy(scene):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.metrics import confusion_matrix

    cube, reference = scene
    spectra = cube.read(slice(None), slice(None))
    training = draw_training_pixels(reference, 20, seed=0) > 0
    testing = (reference.ids > 0) & ~training
    testing.ravel()[np.arange(testing.size) % 5 != 0] = False
    lda = LinearDiscriminantAnalysis().fit(spectra[training], reference.ids[training])
    confusion = confusion_matrix(
        reference.ids[testing], lda.predict(spectra[testing]), normalize="true"
    )
    recall = dict(zip(lda.classes_, np.diag(confusion), strict=True))
    print({MATERIALS[i]: round(float(r), 2) for i, r in recall.items()})
    crops = [recall[i] for i in BRASSICAS]
    assert 0.25 < min(crops) and max(crops) < 0.85
    assert min(r for i, r in recall.items() if i not in BRASSICAS) > 0.95
