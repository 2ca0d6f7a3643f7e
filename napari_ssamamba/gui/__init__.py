"""Qt widgets through qtpy and superqt; nothing here knows napari."""
