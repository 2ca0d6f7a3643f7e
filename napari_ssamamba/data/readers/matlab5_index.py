"""What a MATLAB 5 file holds, by the headers of its variables alone.

The format is that of "MAT-File Format" (The MathWorks): elements of a tag (type, bytes) and a body.
scipy reads the values, but lists neither their stored type nor whether they are complex, and does
not check sizes against the file before it allocates.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER_BYTES = 128
DAMAGED = "Copy it again from its source; it may be damaged or truncated."

_MATRIX, _COMPRESSED = 14, 15
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_CLASSES = {
    6: "double", 7: "single", 8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32",
    13: "uint32", 14: "int64", 15: "uint64",
}  # fmt: skip
_COMPLEX, _LOGICAL = 0x0800, 0x0200
_MAX_DEFLATE_RATIO = 1032
"""No deflated stream grows by more than this."""

_START_BYTES = 4096
"""Of a variable, enough for its flags, dimensions, name and the tag of its values."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A numeric array in a ``.mat`` file.

    Attributes
    ----------
    name : str
    shape : tuple of int
        As MATLAB sees it; as stored, for a plain HDF5 file.
    kind : str
        Its numeric class, for the user.
    dtype : numpy dtype
        Type in which its values are stored, which may be narrower than its class.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    dtype: np.dtype[Any]

    @property
    def text(self) -> str:
        """Name, shape and class, e.g. ``"Y: 198 × 10000 double"``."""
        return f"{self.name}: {' × '.join(str(n) for n in self.shape)} {self.kind}"


def list_matlab5(path: Path) -> tuple[Variable, ...]:
    """List the real numeric arrays of a MATLAB 5 file.

    Complex arrays, texts, cells and structures are passed over.

    Raises
    ------
    FileFormatError
        Where the file ends before its elements do, or a variable's values are not as many bytes
        as its dimensions claim.
    """
    try:
        found = [_variable(path, *start) for start in _variable_starts(path)]
    except (struct.error, zlib.error, KeyError, ValueError) as error:
        raise FileFormatError(path, f"its index cannot be read ({error})", DAMAGED) from error
    return tuple(variable for variable in found if variable is not None)


def _variable_starts(path: Path) -> Iterator[tuple[str, bytes, int]]:
    """Byte order and first bytes of each variable, and how many bytes it can have at most."""
    size = path.stat().st_size
    with path.open("rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(HEADER_BYTES)[126:128])
        if order is None:
            raise FileFormatError(
                path, "it is not a MATLAB 5 or 7.3 file", "Save it again with MATLAB's 'save'."
            )
        position = HEADER_BYTES
        while position < size:
            file.seek(position)
            kind, length = struct.unpack(order + "II", file.read(8))
            position += 8 + length
            if position > size:
                raise FileFormatError(
                    path, f"it has {size:,} bytes where its parts claim {position:,}", DAMAGED
                )
            start = file.read(min(length, _START_BYTES))
            if kind == _COMPRESSED:
                inner = zlib.decompressobj().decompress(start, _START_BYTES)
                length *= _MAX_DEFLATE_RATIO
                (kind,), start = struct.unpack(order + "I", inner[:4]), inner[8:]
            if kind == _MATRIX:
                yield order, start, length


def _variable(path: Path, order: str, start: bytes, most: int) -> Variable | None:
    """Parse the start of a variable: its flags, dimensions, name and the tag of its values."""
    _, flags, start = _element(order, start)
    (bits,) = struct.unpack(order + "I", flags[:4])
    kind = _CLASSES.get(bits & 0xFF)
    if kind is None or bits & _COMPLEX:
        return None
    _, dimensions, start = _element(order, start)
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    _, label, start = _element(order, start)
    name = label.decode("latin-1")
    stored, length, _ = _tag(order, start)
    dtype = np.dtype(order + _STORED[stored])
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=-1) < 0 or needed != length or needed > most:
        raise FileFormatError(
            path,
            f"its variable {name} claims {' × '.join(map(str, shape))} values of type {dtype.name}"
            f", but has {min(length, most):,} bytes",
            DAMAGED,
        )
    return Variable(name, shape, "logical" if bits & _LOGICAL else kind, dtype)


def _element(order: str, start: bytes) -> tuple[int, bytes, bytes]:
    """Split off one element: its type, its body, and what follows."""
    kind, length, offset = _tag(order, start)
    padded = offset + length if offset == 4 else offset + -(-length // 8) * 8
    if len(start) < offset + length:
        raise ValueError(f"an element of {length} bytes where {len(start) - offset} are left")
    return kind, start[offset : offset + length], start[8 if offset == 4 else padded :]


def _tag(order: str, start: bytes) -> tuple[int, int, int]:
    """Type, bytes and beginning of an element's body; small ones share the tag's second half."""
    first, second = struct.unpack(order + "II", start[:8])
    if first >> 16:
        return first & 0xFFFF, first >> 16, 4
    return first, second, 8
