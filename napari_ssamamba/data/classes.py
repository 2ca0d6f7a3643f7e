"""The class table: ids, names and colours of the land-cover classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNLABELLED = 0
"""Id of pixels without a class, in labels, references and maps."""

MAX_CLASS_ID = 65535
"""Class ids are stored as 16-bit unsigned integers."""

PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
    "#882255", "#44aa99", "#332288", "#ddcc77", "#117733", "#88ccee", "#aa4499",
    "#999933", "#661100", "#6699cc", "#cc6677", "#77aadd", "#ee8866", "#bbcc33",
    "#aaaa00", "#ffaabb", "#99ddff",
)  # fmt: skip
"""Colours that the colour-blind tell apart: Okabe and Ito's seven, then Paul Tol's "muted" and
"light" schemes."""


@dataclass(frozen=True, slots=True)
class LandClass:
    """One class.

    Attributes
    ----------
    id : int
        Value in label arrays, 1 to 65535. It never changes.
    name : str
        What the user calls it.
    color : str
        ``"#rrggbb"``.
    """

    id: int
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The classes of a scene, in the order of the table; every change returns a new table."""

    classes: tuple[LandClass, ...] = ()

    def __post_init__(self) -> None:
        seen: set[int] = set()
        for c in self.classes:
            if not UNLABELLED < c.id <= MAX_CLASS_ID:
                raise LabelsError(
                    f"Class {c.name!r} has id {c.id}; ids go from 1 to {MAX_CLASS_ID}."
                )
            if c.id in seen:
                raise LabelsError(f"Two classes have the id {c.id}; give each its own.")
            seen.add(c.id)

    @classmethod
    def from_ids(cls, ids: Iterable[int], names: dict[int, str] | None = None) -> ClassTable:
        """Make a table for the given ids, with names ``"Class <id>"`` where none is known."""
        table = cls()
        for i in sorted(set(ids) - {UNLABELLED}):
            table = table.add((names or {}).get(i, f"Class {i}"), id=i)
        return table

    def __iter__(self) -> Iterator[LandClass]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def __contains__(self, id: int) -> bool:
        return any(c.id == id for c in self.classes)

    def __getitem__(self, id: int) -> LandClass:
        for c in self.classes:
            if c.id == id:
                return c
        raise KeyError(f"no class has the id {id}; there are {self.ids}")

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids, in the table's order."""
        return tuple(c.id for c in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the table's order."""
        return tuple(c.name for c in self.classes)

    def contradicts(self, other: ClassTable) -> bool:
        """Tell whether an id has another name in another table."""
        return bool(self.differing(other))

    def differing(self, other: ClassTable) -> str:
        """List the ids that have another name in another table: "3 (Maize, there Meadow)"."""
        pairs = [(c, other[c.id].name) for c in self.classes if c.id in other]
        return ", ".join(f"{c.id} ({c.name}, there {name})" for c, name in pairs if c.name != name)

    def add(self, name: str, color: str | None = None, id: int | None = None) -> ClassTable:
        """Append a class; by default with the next id above all, and the next free colour."""
        if id is None:
            id = max(self.ids, default=UNLABELLED) + 1
        if color is None:
            used = {c.color for c in self.classes}
            free = [c for c in PALETTE if c not in used]
            color = free[0] if free else PALETTE[id % len(PALETTE)]
        return ClassTable((*self.classes, LandClass(id, name, color)))

    def rename(self, id: int, name: str) -> ClassTable:
        """Give a class another name."""
        return self._replace(replace(self[id], name=name))

    def recolor(self, id: int, color: str) -> ClassTable:
        """Give a class another colour, ``"#rrggbb"``."""
        return self._replace(replace(self[id], color=color))

    def follow(self, before: LandClass, after: LandClass) -> ClassTable:
        """Change a class as another table did, where it is the same: it had that name there."""
        same = before.id in self and self[before.id].name == before.name
        return self._replace(after) if same else self

    def named_as(self, other: ClassTable) -> ClassTable:
        """Take names and colours of the classes that another table has too."""
        return ClassTable(tuple(other[c.id] if c.id in other else c for c in self.classes))

    def remove(self, id: int) -> ClassTable:
        """Take a class out; the other ids stay what they are."""
        self[id]
        return ClassTable(tuple(c for c in self.classes if c.id != id))

    def _replace(self, new: LandClass) -> ClassTable:
        return ClassTable(tuple(new if c.id == new.id else c for c in self.classes))
