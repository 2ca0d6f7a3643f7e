"""Settings of the network that cannot be are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.config import ModelConfig, preset


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patch_size", 6),
        ("patch_size", -1),
        ("heads", 3),
        ("d_model", 33),
        ("depth", 10**9),
        ("dropout", 1.0),
        ("attention", "sideways"),
        ("bands", 0),
    ],
)
def test_impossible_sizes_are_refused(name: str, value: object) -> None:
    fields: dict[str, Any] = {"bands": 4, "classes": 2, "d_model": 32, name: value}
    with pytest.raises(SettingError, match=name):
        ModelConfig(**fields)


def test_presets() -> None:
    compact = preset("compact", 200, 6)
    assert (compact.d_model, compact.depth, compact.heads, compact.patch_size) == (64, 2, 4, 7)
    assert (compact.bands, compact.classes, compact.tokens, compact.d_inner) == (200, 6, 49, 128)
    with pytest.raises(SettingError, match="compact, standard"):
        preset("huge", 200, 6)  # type: ignore[arg-type]
