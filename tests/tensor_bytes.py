"""Counts the memory of tensors on the CPU, and tells what a GPU would keep aside for them."""

from __future__ import annotations

import weakref
from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MIB = 2**20


class TensorBytes(TorchDispatchMode):
    """Counts the bytes of all tensors that are alive, and the most that ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        result = operation(*arguments, **(options or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or size == 0:
            return
        piece = self.take(size)

        def gone() -> None:
            self._known.discard(key)
            self.give_back(piece, size)

        self._known.add(key)
        weakref.finalize(storage, gone)

    def take(self, size: int) -> Any:
        """Count a tensor of so many bytes."""
        self.now += size
        self.peak = max(self.peak, self.now)

    def give_back(self, piece: Any, size: int) -> None:
        """Count it no more."""
        self.now -= size


class Piece(NamedTuple):
    """A piece of a segment; of those that fit, the first in this order is taken."""

    size: int
    segment: int
    begin: int


class Pool:
    """One of the pools of PyTorch's allocator, by the rules of its source (CUDACachingAllocator).

    Tensors of up to 1 MiB share segments of 2 MiB, those of up to 10 MiB share segments of 20 MiB;
    larger ones have their own. Of a recorded training step it says 2 to 7 MB less than an H200 did.
    """

    def __init__(self) -> None:
        self.segments: dict[int, int] = {}  # their sizes
        self._free: dict[bool, set[Piece]] = defaultdict(set)

    @property
    def reserved(self) -> int:
        """Bytes that nobody else can have."""
        return sum(self.segments.values())

    def take(self, size: int) -> Piece:
        """Return the smallest free piece that holds so many bytes, cut to size."""
        size = -(-size // 512) * 512
        small = size <= MIB
        free = self._free[small]
        fitting = [piece for piece in free if piece.size >= size]
        if not fitting:
            whole = 2 * MIB if small else 20 * MIB if size < 10 * MIB else -(-size // MIB) * MIB
            number = len(self.segments) + 1
            self.segments[number] = whole
            free.add(Piece(whole, number, 0))
            fitting = [Piece(whole, number, 0)]
        found = min(fitting)
        free.remove(found)
        left = found.size - size
        if left < (512 if small else MIB):
            return found
        free.add(Piece(left, found.segment, found.begin + size))
        return Piece(size, found.segment, found.begin)

    def give_back(self, piece: Piece) -> None:
        """Free a piece, and join it with its free neighbours."""
        free = self._free[self.segments[piece.segment] == 2 * MIB]
        for other in [other for other in free if other.segment == piece.segment]:
            if other.begin in (piece.begin + piece.size, piece.begin - other.size):
                free.remove(other)
                begin = min(piece.begin, other.begin)
                piece = Piece(piece.size + other.size, piece.segment, begin)
        free.add(piece)

    def trim(self) -> None:
        """Give back the segments of which nothing is used."""
        for free in self._free.values():
            for piece in [p for p in free if p.size == self.segments[p.segment]]:
                free.remove(piece)
                self.segments[piece.segment] = 0


class Reserves(TensorBytes):
    """Counts also what PyTorch would keep aside on a GPU for the same tensors.

    Attributes
    ----------
    reserved : int
        The most bytes so far, without workspaces.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pools = [Pool()]
        self.reserved = 0

    def trim(self) -> None:
        """Give back what is free, as ``torch.cuda.empty_cache`` does."""
        for pool in self.pools:
            pool.trim()

    def record(self) -> None:
        """Take what follows from the memory of recorded graphs, which have their own."""
        self.trim()
        self.pools.append(Pool())

    def take(self, size: int) -> Any:
        """Count a tensor of so many bytes."""
        super().take(size)
        pool = self.pools[-1]
        piece = pool.take(size)
        self.reserved = max(self.reserved, sum(pool.reserved for pool in self.pools))
        return pool, piece

    def give_back(self, piece: Any, size: int) -> None:
        """Count it no more."""
        super().give_back(piece, size)
        pool, part = piece
        pool.give_back(part)
