"""Splits: which labelled pixels are trained on, which validate, which test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.labels import draw_training_pixels
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.labels import LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Disjoint sets of labelled pixels.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class of every labelled pixel, 0 elsewhere.
    train, validation, test : ndarray of bool, shape (rows, columns)
        No pixel is in two of them.
    description : str
        How it was made, for reports, e.g. ``"random, 10 a class, seed 1"``.
    """

    ids: NDArray[np.uint16]
    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    description: str

    def __post_init__(self) -> None:
        overlap = (self.train & self.validation) | (self.train & self.test)
        if (overlap | (self.validation & self.test)).any():
            raise LabelsError(f"{self.description}: a pixel is in two parts of the split.")

    @property
    def n_learned(self) -> int:
        """How many pixels train or validate."""
        return int((self.train | self.validation).sum())

    def without(self, pixels: NDArray[np.int32]) -> Split:
        """Return the split with pixels, shape (n, 2), in none of its parts."""
        kept = np.ones(self.ids.shape, bool)
        kept[tuple(pixels.T)] = False
        return replace(
            self,
            train=self.train & kept,
            validation=self.validation & kept,
            test=self.test & kept,
        )


def hold_out_validation(training_ids: NDArray[np.uint16], fraction: float, seed: int) -> Split:
    """Split painted labels into training and validation pixels, class by class.

    Classes with fewer than four pixels are trained on entirely; nothing is left to test on.

    Parameters
    ----------
    training_ids : ndarray of uint16, shape (rows, columns)
        Labels painted or drawn.
    fraction : float
        Share of each class that validates, 0 to 0.9.
    seed : int

    Returns
    -------
    Split
    """
    rng = np.random.default_rng(seed)
    flat = training_ids.ravel()
    validation = np.zeros(flat.size, bool)
    for i in np.unique(flat[flat != UNLABELLED]):
        pixels = np.flatnonzero(flat == i)
        if pixels.size >= 4:
            n = min(round(fraction * pixels.size), pixels.size - 2)
            validation[rng.choice(pixels, n, replace=False)] = True
    labelled = flat != UNLABELLED
    shape = training_ids.shape
    return Split(
        ids=training_ids,
        train=(labelled & ~validation).reshape(shape),
        validation=validation.reshape(shape),
        test=np.zeros(shape, bool),
        description=f"painted labels, {fraction:.0%} held out to validate, seed {seed}",
    )


def with_fewer_tests(split: Split, most: int) -> Split:
    """Return a split that tests on so many of its test pixels at most, drawn at random.

    The draw is the same for splits of one map, so that splits by other seeds differ by little else
    than what is learned from.

    Raises
    ------
    SettingError
        Where `most` is less than 1.
    """
    if most < 1:
        raise SettingError("test_pixels", most, "choose 1 or more.")
    turn = np.random.default_rng(0).random(split.test.shape)
    turns = turn[split.test]
    if turns.size <= most:
        return split
    kept = split.test & (turn <= np.partition(turns, most - 1)[most - 1])
    return replace(split, test=kept, description=f"{split.description}, {most} test pixels")


def random_split(
    reference: LabelMap, per_class: int, validation_fraction: float, seed: int
) -> Split:
    """Draw training pixels at random; all other labelled pixels test.

    The pixels that validate are taken from those drawn: `per_class` is all that is spent. Patches
    of training and test pixels overlap in such a split; see `disjoint_split`.

    Parameters
    ----------
    reference : LabelMap
    per_class : int
        Pixels drawn of each class, see `draw_training_pixels`.
    validation_fraction : float
        Share of the drawn pixels that validate, 0 to 0.9.
    seed : int

    Returns
    -------
    Split
    """
    drawn = draw_training_pixels(reference, per_class, seed)
    held_out = hold_out_validation(drawn, validation_fraction, seed)
    return Split(
        ids=reference.ids,
        train=held_out.train,
        validation=held_out.validation,
        test=(reference.ids != UNLABELLED) & (drawn == UNLABELLED),
        description=f"random, {per_class} a class, seed {seed}",
    )


def disjoint_split(
    reference: LabelMap,
    train_fraction: float,
    validation_fraction: float,
    patch_size: int,
    seed: int,
    *,
    per_class: int | None = None,
    block_size: int | None = None,
) -> Split:
    """Cut the scene into blocks that train or test, so far apart that no patches overlap.

    Blocks are taken for training, at random, until they hold `train_fraction` of each class, the
    rarest class first. Pixels of the other blocks test, but for a guard of ``patch_size - 1``
    pixels around every pixel that is learned from.

    Parameters
    ----------
    reference : LabelMap
    train_fraction : float
        Share of each class that the training blocks hold at least, above 0 and below 1.
    validation_fraction : float
        Share of the training pixels that validate; they lie among these.
    patch_size : int
        P, side of a patch.
    seed : int
    per_class : int, optional
        At most so many pixels of each class are learned from, drawn at random.
    block_size : int, optional
        Side of a block; by default an eighth of the scene's shorter side, at least 2 P.

    Returns
    -------
    Split

    Raises
    ------
    SettingError
        Where `train_fraction` is not between 0 and 1.
    LabelsError
        Where no test pixel is left.
    """
    if not 0 < train_fraction < 1:
        raise SettingError("train_fraction", train_fraction, "choose a share between 0 and 1.")
    side = block_size or max(2 * patch_size, min(reference.ids.shape) // 8)
    rng = np.random.default_rng(seed)
    blocks = _training_blocks(reference, train_fraction, side, rng)
    learned = np.where(blocks, reference.ids, np.uint16(UNLABELLED))
    if per_class is not None:
        learned = _at_most(learned, per_class, rng)
    guard = _grow(learned != UNLABELLED, patch_size - 1)
    test = (reference.ids != UNLABELLED) & ~blocks & ~guard
    if not test.any():
        raise LabelsError(
            f"{reference.name}: blocks of {side} pixels with a guard of {patch_size - 1} leave no "
            "pixel to test on. Choose a smaller train_fraction or patch_size, or a random split."
        )
    held_out = hold_out_validation(learned, validation_fraction, seed)
    return Split(
        ids=reference.ids,
        train=held_out.train,
        validation=held_out.validation,
        test=test,
        description=(
            f"blocks of {side} pixels with a guard of {patch_size - 1}, "
            + (f"{per_class} a class, " if per_class is not None else "")
            + f"{train_fraction:.0%} to train, seed {seed}"
        ),
    )


def split_from_maps(
    train: LabelMap, test: LabelMap, validation_fraction: float, seed: int
) -> Split:
    """Use a published split: one map to train on, one to test on.

    The test map may be the whole reference: what is trained on does not test.

    Parameters
    ----------
    train, test : LabelMap
        Class ids on the same grid.
    validation_fraction : float
        Share of the training pixels that validate.
    seed : int

    Returns
    -------
    Split

    Raises
    ------
    LabelsError
        Where the maps differ in shape, or give a pixel two classes.
    """
    if train.ids.shape != test.ids.shape:
        raise LabelsError(
            f"{train.name} has {train.ids.shape} pixels and {test.name} {test.ids.shape}. "
            "Both maps of a split must lie on the scene's grid."
        )
    learned = train.ids != UNLABELLED
    both = learned & (test.ids != UNLABELLED)
    contradictions = np.argwhere(both & (train.ids != test.ids))
    if contradictions.size:
        row, column = contradictions[0]
        raise LabelsError(
            f"{len(contradictions)} pixels have another class in {train.name} than in {test.name}; "
            f"the first is row {row}, column {column}: {train.ids[row, column]} and "
            f"{test.ids[row, column]}. Number the classes of both maps alike."
        )
    held_out = hold_out_validation(train.ids, validation_fraction, seed)
    return Split(
        ids=np.where(learned, train.ids, test.ids),
        train=held_out.train,
        validation=held_out.validation,
        test=(test.ids != UNLABELLED) & ~learned,
        description=f"training pixels from {train.name}, test pixels from {test.name}",
    )


def _training_blocks(
    reference: LabelMap, train_fraction: float, side: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose whole blocks until each class has its share in them; a mask of their pixels."""
    rows, columns = np.indices(reference.ids.shape, np.int32)
    across = -(-reference.ids.shape[1] // side)
    block = rows // side * across + columns // side  # number of each pixel's block
    chosen = np.zeros(int(block.max()) + 1, bool)
    counts = reference.counts()
    for i in sorted((i for i in counts if counts[i]), key=counts.__getitem__):
        held = np.bincount(block[reference.ids == i], minlength=chosen.size)
        for b in rng.permutation(np.flatnonzero(held)):
            if held[chosen].sum() >= train_fraction * counts[i]:
                break
            chosen[b] = True
    return np.asarray(chosen[block])


def _at_most(
    ids: NDArray[np.uint16], per_class: int, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Keep so many random pixels of each class."""
    flat = ids.ravel()
    kept = np.zeros_like(flat)
    for i in np.unique(flat[flat != UNLABELLED]):
        pixels = np.flatnonzero(flat == i)
        kept[rng.choice(pixels, min(per_class, pixels.size), replace=False)] = i
    return kept.reshape(ids.shape)


def _grow(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Grow a mask by so many pixels in rows, columns and diagonals."""
    from scipy.ndimage import maximum_filter

    return np.asarray(maximum_filter(mask, 2 * width + 1, mode="constant", cval=False))
