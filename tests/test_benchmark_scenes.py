from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.cli import benchmark_scenes
from napari_ssamamba.cli.benchmark_scenes import measure_scenes, parse_size
from napari_ssamamba.errors import SettingError, SSAMambaError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["12x30", "0x3x4", "axbxc", "1x2x3x4", "-1x2x3"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="--scene"):
        parse_size(text)


def test_scenes_are_written_measured_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def stand_for_the_window(scene: Path, ids: np.ndarray[Any, Any], seconds: float) -> Any:
        assert scene.stat().st_size == 2 * 4 * ids.size
        seen.append(scene)
        figures = {"first composite, s": 1.0, "a pixel, µs": 100.0 * len(seen)}
        return figures | {"audit clicks: N: drawn, ms": 150.0, "audit clicks: gallery: crops": 9.0}

    monkeypatch.setattr(benchmark_scenes, "_in_window", stand_for_the_window)
    rows = measure_scenes(["20x30x4", "40 x 30 x 4"], "bip", 1.0, None, None)
    told = json.loads(json.dumps([(r.name, r.value, r.unit, r.ratio_to) for r in rows]))
    assert told == [
        ["20 × 30 × 4 bip: first composite", 1.0, "s", {"goal": 0.5}],
        ["20 × 30 × 4 bip: a pixel", 100.0, "µs", {"first scene": 1.0}],
        ["20 × 30 × 4 bip: audit clicks: N: drawn", 150.0, "ms", {"goal": 0.5}],
        ["20 × 30 × 4 bip: audit clicks: gallery: crops", 9.0, "", {}],
        ["40 × 30 × 4 bip: first composite", 1.0, "s", {"goal": 0.5}],
        ["40 × 30 × 4 bip: a pixel", 200.0, "µs", {"first scene": 2.0}],
        ["40 × 30 × 4 bip: audit clicks: N: drawn", 150.0, "ms", {"goal": 0.5}],
        ["40 × 30 × 4 bip: audit clicks: gallery: crops", 9.0, "", {}],
    ]
    assert not any(path.exists() for path in seen)


def test_a_window_that_is_closed_before_its_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_scenes, "run_window", lambda *_, **__: None)
    with pytest.raises(SSAMambaError, match="closed before all was measured"):
        benchmark_scenes._in_window(tmp_path / "scene.img", np.zeros((2, 3), np.uint16), 1.0)
