from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from napari_ssamamba.events import result_of
from napari_ssamamba.prediction import scene_cost
from napari_ssamamba.prediction.scene_cost import SceneCost, measure_cost

if TYPE_CHECKING:
    from napari_ssamamba.data.tiles import Window


def test_each_part_is_mapped_in_both_orders_and_paid_for_by_the_pixel(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: Any
) -> None:
    asked: list[tuple[Window, Window | None]] = []
    ticks = count(0)  # the clock, which goes on where a part is mapped
    clock = [0.0]
    monkeypatch.setattr(scene_cost.time, "perf_counter", lambda: clock[0])

    class Map:
        pixels = 100

    def predict(cube: Any, checkpoint: Any, *, region: Window, focus: Any) -> Any:
        asked.append((region, focus and focus.seen.view))
        clock[0] += 1.0 if next(ticks) % 2 == 0 else 1.5
        return Map()
        yield

    monkeypatch.setattr(scene_cost, "predict", predict)
    found = result_of(measure_cost(tiny_job.cube, tiny_checkpoint, seconds=4.0))
    assert found == SceneCost(microseconds=1e4, coarse_first=1.5e4, pixels=200)
    regions = [region for region, _ in asked]
    assert regions[::2] == regions[1::2]
    assert [view for _, view in asked] == [None, regions[0], None, regions[2]]
