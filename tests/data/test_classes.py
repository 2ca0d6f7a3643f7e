"""Ids never shift, whatever is done to the table."""

from __future__ import annotations

import pytest

from napari_ssamamba.data.classes import PALETTE, ClassTable
from napari_ssamamba.errors import LabelsError


def test_ids_stay_when_a_class_goes() -> None:
    table = ClassTable().add("corn").add("wheat").add("water").remove(2)
    assert table.ids == (1, 3)
    assert table.add("rye").ids == (1, 3, 4)
    assert table.rename(3, "lake")[3].name == "lake"
    assert table.recolor(3, "#000000")[3].color == "#000000"
    assert table[3].name == "water"


def test_ids_of_a_reference_are_kept_with_its_names() -> None:
    table = ClassTable.from_ids([14, 0, 10, 10], {10: "corn"})
    assert [(c.id, c.name) for c in table] == [(10, "corn"), (14, "Class 14")]


def test_new_classes_get_colours_of_their_own() -> None:
    table = ClassTable.from_ids(range(1, len(PALETTE) + 1))
    assert {c.color for c in table} == set(PALETTE)
    assert table.remove(3).add("again").classes[-1].color == PALETTE[2]
    assert table.add("one more").classes[-1].color in PALETTE


@pytest.mark.parametrize("id", [0, -1, 65536])
def test_ids_that_cannot_be_stored(id: int) -> None:
    with pytest.raises(LabelsError, match=f"id {id}"):
        ClassTable().add("x", id=id)


def test_an_id_is_given_once() -> None:
    with pytest.raises(LabelsError, match="Two classes have the id 1"):
        ClassTable().add("x").add("y", id=1)
    with pytest.raises(KeyError):
        ClassTable()[7]


def test_tables_contradict_each_other_where_an_id_has_two_names():
    crops = ClassTable().add("maize").add("rye")
    assert not crops.contradicts(crops.add("oats"))
    assert crops.contradicts(crops.rename(2, "wheat"))
    assert not crops.contradicts(ClassTable())


def test_a_class_is_changed_elsewhere_where_it_is_the_same():
    crops = ClassTable().add("maize").add("rye")
    changed = crops.rename(2, "winter rye").recolor(2, "#123456")
    same = crops.recolor(2, "#ffffff").follow(crops[2], changed[2])
    assert same.names == ("maize", "winter rye") and same[2].color == "#123456"
    other = crops.rename(2, "asphalt")
    assert other.follow(crops[2], changed[2]) == other
    assert ClassTable().follow(crops[2], changed[2]) == ClassTable()
    assert crops.named_as(changed.remove(1).add("oats", id=7)) == changed
