"""A checkpoint file of an older version maps as it did, or says what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from checkpoint_files import rewrite

from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.expert.surroundings import RADIUS
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


BEFORE = ("linear", "kernel", "quadratic", "logistic", "slope_kernel", "slope_logistic")
OF_VERSION = {9: BEFORE, 7: BEFORE[:4], 6: BEFORE[:3], 5: BEFORE[:2], 3: BEFORE[:2]}
"""Classifiers of a view in files of older versions, in the order of their weights."""


def with_older_expert(path: Path, version: int) -> dict[str, np.ndarray]:
    """Put an expert into a file as that version wrote it; return its arrays."""
    rng, kinds = np.random.default_rng(version), OF_VERSION[version]
    bands, classes, r, apart = 5, 3, 4, 2
    own, slopes = (7, 9), (6, 5)  # centers of both views
    arrays = {
        "center": rng.normal(size=bands),
        "axes": rng.normal(size=(bands, r)),
        "linear_weights": rng.normal(size=(2, bands, classes)),
        "linear_bias": rng.normal(size=(2, classes)),
        "quadratic_means": rng.normal(size=(2, classes, r)),
        "quadratic_whitening": rng.normal(size=(2, classes, r, r)),
        "quadratic_bias": rng.normal(size=(2, classes)),
        "slope_axes": rng.normal(size=(bands, apart)),
        "floor": np.array([0.03]),
        "pool": rng.random(2 * len(kinds)),
        "shift": rng.normal(size=classes),
    }
    arrays["slope_center"] = arrays["center"].copy()
    for prefix, counts, read in (("", own, r), ("slope_", slopes, apart)):
        arrays[f"{prefix}kernel_centers"] = rng.normal(size=(sum(counts), read))
        arrays[f"{prefix}kernel_coefficients"] = rng.normal(size=(sum(counts), classes))
        arrays[f"{prefix}kernel_gamma"] = rng.random(2) / 5
        arrays[f"{prefix}kernel_pixels"] = np.array(counts, float)
        arrays[f"{prefix}logistic_weights"] = rng.normal(size=(sum(counts), classes))
        arrays[f"{prefix}logistic_bias"] = rng.normal(size=(2, classes))
    since = {"shift": 4, "quadratic": 6, "logistic": 7, "slope": 8}
    later = tuple(name for name, first in since.items() if version < first)
    kept = {name: a for name, a in arrays.items() if not name.startswith(later)}

    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = version
        for name in [name for name in tensors if name.startswith("expert/")]:
            del tensors[name]
        tensors |= {f"expert/{name}": torch.from_numpy(values) for name, values in kept.items()}

    rewrite(path, before)
    return kept


def older_experts_say(arrays: dict[str, np.ndarray], kinds: tuple[str, ...], views: Any) -> Any:
    """Classify spectra, (2, n, bands), by the equations of those versions."""
    pooled = np.zeros((views.shape[1], 3))
    weights = iter(arrays["pool"])
    for view, spectra in enumerate(views):
        centred = spectra.astype(float) - arrays["center"]
        points = centred @ arrays["axes"]
        white = np.einsum(
            "nkr,krs->nks",
            points[:, None] - arrays.get("quadratic_means", np.zeros((2, 3, 4)))[view],
            arrays.get("quadratic_whitening", np.zeros((2, 3, 4, 4)))[view],
        )

        def regression(prefix: str, name: str, read: Any, view: int = view) -> Any:
            first = int(arrays[f"{prefix}kernel_pixels"][0])
            part = slice(first) if view == 0 else slice(first, None)
            centers = arrays[f"{prefix}kernel_centers"][part]
            distances = ((read[:, None] - centers) ** 2).sum(axis=2)
            near = np.exp(-arrays[f"{prefix}kernel_gamma"][view] * distances)
            if name == "kernel":
                return near @ arrays[f"{prefix}kernel_coefficients"][part]
            odds = near @ arrays[f"{prefix}logistic_weights"][part]
            return odds + arrays[f"{prefix}logistic_bias"][view]

        for kind in kinds:
            if kind == "linear":
                scores = spectra @ arrays["linear_weights"][view] + arrays["linear_bias"][view]
            elif kind == "quadratic":
                scores = arrays["quadratic_bias"][view] - (white**2).sum(axis=2) / 2
            elif kind.startswith("slope_"):
                of_slopes = centred @ arrays["slope_axes"]
                scores = regression("slope_", kind.removeprefix("slope_"), of_slopes)
            else:
                scores = regression("", kind, points)
            share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            pooled += next(weights) * np.log(0.97 * share + 0.03 / 3)
    odds = np.exp(pooled - pooled.max(axis=1, keepdims=True))
    odds *= np.exp(arrays.get("shift", np.zeros(3)))
    return np.log(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("version", OF_VERSION)
def test_a_file_of_an_older_version_maps_as_it_did(saved: Path, version: int) -> None:
    arrays = with_older_expert(saved, version)
    loaded = load_checkpoint(saved).expert
    assert loaded is not None
    spectra = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    expected = older_experts_say(arrays, OF_VERSION[version], spectra)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(loaded.log_probabilities(*spectra), expected, atol=1e-9)
    assert loaded.support == 0  # nor do those around a pixel have a say


@pytest.mark.parametrize("name", ["axes", "pool", "slope_kernel_gamma", "logistic_bias"])
def test_a_damaged_file_of_an_older_version_is_one_clear_error(saved: Path, name: str) -> None:
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: tensors.pop(f"expert/{name}"))
    with pytest.raises(FileFormatError, match=f"missing: {name}"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update({"expert/more": t["expert/pool"].clone()}), "unknown: more"),
        (
            lambda t: t.update({"expert/pool": t["expert/pool"][:10]}),
            "unknown: slope_logistic_bias",
        ),
        (lambda t: t.update({"expert/pool": t["expert/pool"][:2]}), "missing: kernel"),
        (lambda t: t.update({"expert/pool": torch.ones(14, dtype=torch.float64)}), "do not fit"),
    ],
)
def test_an_older_expert_has_the_arrays_of_its_classifiers_alone(
    saved: Path, change: Any, said: str
) -> None:
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: change(tensors))
    with pytest.raises(FileFormatError, match=said):
        load_checkpoint(saved)


def test_slopes_of_an_older_version_have_the_center_of_spectra(saved: Path) -> None:
    """One array of components has one center; another one would change the map unseen."""
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: tensors["expert/slope_center"].add_(1e-3))
    with pytest.raises(FileFormatError, match="two centers"):
        load_checkpoint(saved)


def test_a_scaling_without_limit_and_one_from_before_limits_have_none(
    tiny_checkpoint: Any, tmp_path: Path
) -> None:
    unlimited = replace(tiny_checkpoint.standardiser, limit=math.inf)
    path = tmp_path / "unlimited.safetensors"
    save_checkpoint(replace(tiny_checkpoint, standardiser=unlimited), path)
    assert load_checkpoint(path).standardiser.limit == math.inf

    def before(header: dict[str, Any], _: dict[str, Any]) -> None:
        header["version"] = 8
        del header["limit"]

    save_checkpoint(tiny_checkpoint, path)
    with_older_expert(path, 9)
    rewrite(path, before)
    assert load_checkpoint(path).standardiser.limit == math.inf


def test_an_expert_from_before_support_has_none(saved: Path) -> None:
    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 10
        del tensors["expert/support"], tensors["expert/usual"]

    rewrite(saved, before)
    loaded = load_checkpoint(saved).expert
    assert loaded is not None and loaded.support == 0 and loaded.margin == RADIUS


def test_a_file_from_before_its_labels_has_none(saved: Path) -> None:
    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 4
        del tensors["scene/training_ids"]

    with_older_expert(saved, 5)
    rewrite(saved, before)
    loaded = load_checkpoint(saved)
    assert loaded.training_ids is None and loaded.learned_labels() is None


def test_a_file_from_before_the_expert_is_a_network_alone(saved: Path) -> None:
    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 1
        del header["record"]["mixture"], header["record"]["history"]
        for name in [name for name in tensors if name.startswith("expert/")]:
            del tensors[name]

    rewrite(saved, before)
    loaded = load_checkpoint(saved)
    assert loaded.expert is None and loaded.record.mixture is None
    assert loaded.record.history == ()
