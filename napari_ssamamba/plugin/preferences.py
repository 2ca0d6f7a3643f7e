"""What users set once in napari's preferences."""

from __future__ import annotations

from napari.settings import get_plugin_settings

from napari_ssamamba.data.room import Room
from napari_ssamamba.session import TrainingSettings

PLUGIN = "napari-ssamamba"


def preferred_training() -> TrainingSettings:
    """Return the training settings to begin with; ours where the plugin is not registered."""
    settings = get_plugin_settings().get(PLUGIN)
    if settings is None:
        return TrainingSettings()
    training = settings.training
    return TrainingSettings(
        preset=training.preset, device=training.device, preview=training.preview
    )


def preferred_room() -> Room:
    """Return how much memory maps may take; ours where the plugin is not registered."""
    settings = get_plugin_settings().get(PLUGIN)
    return Room() if settings is None else Room(share=settings.maps.memory / 100)
