"""What is open: one evented object a viewer."""

from napari_ssamamba.session.attention import AttentionChoice, SessionAttention
from napari_ssamamba.session.session import Session
from napari_ssamamba.session.values import SessionEvents, ShownMap, TrainingSettings

__all__ = [
    "AttentionChoice",
    "Session",
    "SessionAttention",
    "SessionEvents",
    "ShownMap",
    "TrainingSettings",
]
