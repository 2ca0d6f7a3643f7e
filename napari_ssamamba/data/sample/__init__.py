"""The built-in synthetic scene: spectra, landscape, sensor."""

from napari_ssamamba.data.sample.scene import SAMPLE_NAME, sample_scene

__all__ = ["SAMPLE_NAME", "sample_scene"]
