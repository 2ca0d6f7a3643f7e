"""Folds for held-out scores: pixels that lie together are held out together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8
"""Side in pixels of the squares that are not divided among folds."""


def spatial_folds(
    pixels: NDArray[np.int32], targets: NDArray[np.int64], folds: int, seed: int
) -> NDArray[np.int64]:
    """Divide labelled pixels among folds, square by square, each class as evenly as it goes.

    Neighbours share their surroundings: a brush stroke that is cut at random would praise whoever
    looks at these. A class that lies in a single fold is divided pixel by pixel all the same, for
    otherwise it could not be learned when that fold is held out.

    Parameters
    ----------
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    targets : ndarray of int64, shape (n,)
        Class numbers from 0.
    folds : int
    seed : int

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of each pixel's fold.
    """
    rng = np.random.default_rng(seed)
    _, square = np.unique(pixels // BLOCK, axis=0, return_inverse=True)
    square = square.ravel()
    counts = np.zeros((square.max() + 1, targets.max() + 1))
    np.add.at(counts, (square, targets), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((folds, shares.shape[1]))
    fold_of = np.zeros(len(shares), np.int64)
    shuffled = rng.permutation(len(shares))
    for s in shuffled[np.argsort(-counts.sum(axis=1)[shuffled], kind="stable")]:
        # the fold whose squared shares grow least; classes count alike, however many pixels
        growth = (shares[s] * (2 * held + shares[s])).sum(axis=1)
        fold_of[s] = int(growth.argmin())
        held[fold_of[s]] += shares[s]
    fold = fold_of[square]
    for c in np.flatnonzero((held > 0).sum(axis=0) == 1):
        members = rng.permutation(np.flatnonzero(targets == c))
        fold[members] = np.arange(members.size) % folds
    return fold


def by_typicality(fold: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the folds' numbers; first what holds most nearly its part of each class's labels.

    Squares differ in their labels: one fold may hold most of them, and another lack a class.

    Parameters
    ----------
    fold, targets : ndarray of int64, shape (n,)
    """
    numbers, place = np.unique(fold, return_inverse=True)
    counts = np.zeros((len(numbers), targets.max() + 1))
    np.add.at(counts, (place, targets), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    distances = ((shares - 1 / len(numbers)) ** 2)[:, counts.any(axis=0)].sum(axis=1)
    return numbers[np.argsort(distances, kind="stable")]
