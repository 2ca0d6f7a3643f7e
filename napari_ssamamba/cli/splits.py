"""From labels and the option ``--split`` to a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.cli.inputs import read_label_files
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig


def make_split(
    cube: Cube,
    labels: LabelMap,
    split: Sequence[str],
    per_class: int | None,
    train_fraction: float,
    model: ModelConfig,
    config: TrainingConfig,
    field: str | None,
) -> Split:
    """Split labels as asked for.

    Parameters
    ----------
    cube : Cube
    labels : LabelMap
    split : sequence of str
        ``["random"]``, ``["disjoint"]``, or class rasters of the test pixels.
    per_class : int or None
        Labels of each class to learn from; None for all.
    train_fraction : float
        Of a disjoint split.
    model : ModelConfig
        Its patches do not overlap in a disjoint split.
    config : TrainingConfig
    field : str or None
        Of polygons.

    Raises
    ------
    LabelsError, SettingError, FileFormatError
    """
    if list(split) == ["random"]:
        return _random(labels, per_class, config)
    if list(split) == ["disjoint"]:
        from napari_ssamamba.data.split import disjoint_split

        return disjoint_split(
            labels,
            train_fraction,
            config.validation_fraction,
            model.patch_size,
            config.seed,
            per_class=per_class,
        )
    test = read_label_files("--split", split, cube, field)
    return _without_test_pixels(labels, test, per_class, config)


def _random(labels: LabelMap, per_class: int | None, config: TrainingConfig) -> Split:
    """Learn from so many labels of each class, or from all of them."""
    from napari_ssamamba.data.split import hold_out_validation, random_split

    if per_class is None:
        return hold_out_validation(labels.ids, config.validation_fraction, config.seed)
    return random_split(labels, per_class, config.validation_fraction, config.seed)


def _without_test_pixels(
    labels: LabelMap, test: LabelMap, per_class: int | None, config: TrainingConfig
) -> Split:
    """Learn from labels that are no test pixels, whether or not the labels hold these too."""
    from dataclasses import replace

    import numpy as np

    from napari_ssamamba.data.classes import UNLABELLED
    from napari_ssamamba.data.labels import draw_training_pixels
    from napari_ssamamba.data.split import split_from_maps

    fraction, seed = config.validation_fraction, config.seed
    split_from_maps(labels, test, 0, seed)  # refuses maps that number their classes differently
    learned = np.where(test.ids == UNLABELLED, labels.ids, np.uint16(UNLABELLED))
    if not learned.any():
        raise LabelsError(
            f"All labels of {labels.name} are test pixels of {test.name}; none is left to train "
            "on. Give a map of the test pixels alone."
        )
    left = replace(labels, ids=learned)
    if per_class is not None:
        left = replace(labels, ids=draw_training_pixels(left, per_class, seed))
    return split_from_maps(left, test, fraction, seed)
