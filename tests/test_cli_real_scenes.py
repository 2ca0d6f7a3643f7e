"""Commands on real scenes, where these lie beside the checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from command_line import ssamamba, values_of

if TYPE_CHECKING:
    from pathlib import Path


def test_info_reads_wavelengths_out_of_band_names(shared_data: Path) -> None:
    told = values_of("info", shared_data / "aviris_ng_isofit_crop" / "ang20160910t185702_2rdn_img")
    assert (told["rows"], told["columns"], told["bands"]) == (25, 30, 425)
    assert len(told["wavelengths"]) == 425
    assert told["wavelengths"][0] == pytest.approx(376.44)
    assert told["crs"] == "EPSG:32611"


def test_info_reads_enmap_tiles_alone_and_together(shared_data: Path) -> None:
    images = sorted((shared_data / "enmap_potsdam" / "images").glob("*.tif"))
    one = values_of("info", images[0])
    assert (one["rows"], one["columns"], one["bands"]) == (32, 32, 224)
    assert [i + 1 for i, good in enumerate(one["good_bands"]) if not good] == [*range(130, 136)]
    assert (one["nodata"], one["crs"], one["dtype"]) == (-32768, "EPSG:32633", "float32")
    together = values_of("info", *images)
    assert (together["rows"], together["columns"]) == (192, 160)
    readable = ssamamba("info", *images)
    assert "130-135" in readable.stdout


def test_salinas_a_from_cube_to_accuracy(shared_data: Path, tmp_path: Path) -> None:
    # A fifth of the protocol's steps and half its width, for time: it shows that the job hangs
    # together, not how accurate the protocol is.
    scene = shared_data / "salinas_a" / "SalinasA_corrected.mat"
    reference = shared_data / "salinas_a" / "SalinasA_gt.mat"
    values_of(
        *("train", scene, "--labels", reference, "--train-per-class", 10, "--seed", 1),
        *("--preset", "compact", "--out", tmp_path / "m", "--set", "epochs=4"),
        *("--set", "min_steps=40", "--set", "max_steps=40", "--set", "d_model=32"),
    )
    told = values_of("evaluate", tmp_path / "m", scene, "--reference", reference)
    assert told["class_ids"] == [1, 10, 11, 12, 13, 14]
    assert told["n"] == 5348 - 60
    assert told["oa"] > 80
