"""The only place that knows napari."""
