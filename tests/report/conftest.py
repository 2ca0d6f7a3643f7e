"""A map with planted errors, and what its page holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.audit.truth import Truth
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.class_map import ClassMap
from napari_ssamamba.report.findings import AuditCase

if TYPE_CHECKING:
    from collections.abc import Callable

VOID = {"meta", "br", "img"}


@dataclass
class Page(HTMLParser):
    """The page as a browser's parser reads it: elements, their attributes and their text."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "small":
            self._rows[-1][-1] += "|"

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "table":
            self.tables[self._caption.split(":")[0].split(",")[0]] = self._rows

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if "caption" in self.open:
            self._caption += data
        elif {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data.strip()


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    def read(html: str) -> Page:
        page = Page()
        page.feed(html)
        assert page.open == []
        return page

    return read


@pytest.fixture(scope="session")
def case(tiny_job: Any, tiny_checkpoint: Any) -> AuditCase:
    """The strips' reference as a map, in which 30 pixels of class 2 are 5 and four of 9 are 2."""
    reference = replace(tiny_job.reference, ids=tiny_job.reference.ids.copy())
    names = {2: "Wheat", 5: "Maize", 9: "Water", 11: "Never seen"}
    table = ClassTable.from_ids(reference.classes.ids, names)
    reference = replace(reference, classes=table, name="strips")
    ids = reference.ids.copy()
    ids[ids == 0] = 2
    ids[1:4, 5:15] = 5
    ids[20, 16:20] = 2
    ids[:3, :3] = 0  # not measured
    confidence = np.random.default_rng(1).uniform(0.3, 1, ids.shape).astype(np.float32)
    confidence[ids == 0] = np.nan
    counted = reference.ids.copy()
    for pixels in (tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels):
        counted[pixels[:, 0], pixels[:, 1]] = 0
    trained = ClassTable(tuple(c for c in table if c.id in tiny_checkpoint.classes))
    class_map = ClassMap(
        ids=ids,
        confidence=confidence,
        margin=confidence,
        entropy=1 - confidence,
        attention=None,
        classes=trained,
        region=Window(0, 24, 0, 20),
        seconds=1.0,
        pixels=int((ids > 0).sum()),
        device="cpu",
        precision="float32",
    )
    return AuditCase(
        cube=tiny_job.cube,
        checkpoint=tiny_checkpoint,
        model_name="strips.model",
        reference=reference,
        truth=Truth("reference", "Reference pixels not trained on (strips)", counted, table),
        class_map=class_map,
        members="mixed",
    )


@pytest.fixture
def elsewhere(case: AuditCase) -> AuditCase:
    """The same model on a scene that it was not trained on, of the same size."""
    record = replace(case.checkpoint.record, fingerprint="one")
    cube = replace(case.cube, name="elsewhere", fingerprint="another")
    return replace(case, cube=cube, checkpoint=replace(case.checkpoint, record=record))
