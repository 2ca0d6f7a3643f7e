"""The benchmark measures what it says, and counts what the network costs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import ModelConfig, preset
from napari_ssamamba.model.cost import flops_a_patch
from napari_ssamamba.model.device import has_fast_bfloat16
from napari_ssamamba.model.network import build_network
from napari_ssamamba.prediction import benchmark as module
from napari_ssamamba.prediction.benchmark import benchmark


def test_every_form_has_its_figure_and_its_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of a few numbers, on two tiny tiles; in one test, as it takes 20 s."""
    monkeypatch.setattr(module, "PRODUCT_SIZES", {"cpu": (8,)})
    config = ModelConfig(
        bands=5, classes=3, patch_size=3, d_model=8, d_state=2, heads=2, depth=1, dropout=0
    )
    network = build_network(config, torch.Generator().manual_seed(0)).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    work = benchmark({"tiny": network}, {"tiny": [torch.randn(8, 6, 5), torch.randn(8, 6, 5)]})
    rows = {row.name: row for row in result_of(work)}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())

    for name in ("recursion", "convolution", "ours float32"):
        mapped, trained = rows[f"tiny map, {name}"], rows[f"tiny training, {name}"]
        assert mapped.value > 0 and trained.value > 0
        assert 0 < mapped.ratio_to["matrix product, float32"] < 10
    ours, slow = rows["tiny map, ours float32"], rows["tiny map, recursion"]
    assert ours.ratio_to["recursion"] == pytest.approx(ours.value / slow.value)
    ours, slow = rows["tiny training, ours float32"], rows["tiny training, recursion"]
    assert ours.ratio_to["recursion"] == pytest.approx(slow.value / ours.value)

    fast = has_fast_bfloat16(torch.device("cpu"))
    assert ("tiny map, ours bfloat16" in rows) == fast
    if fast:
        assert 50 < rows["tiny map, unchanged by bfloat16"].value <= 100


@pytest.mark.parametrize(("name", "billions"), [("standard", 0.6076), ("compact", 0.0234)])
def test_cost_of_the_presets(name: Any, billions: float) -> None:
    assert flops_a_patch(preset(name, 144, 15)) / 1e9 == pytest.approx(billions, abs=1e-4)


def test_cost_counts_the_products_that_torch_runs() -> None:
    """Compared with PyTorch's own counter, which leaves out the squeeze and excitation's bias."""
    from torch.utils.flop_counter import FlopCounterMode

    config = ModelConfig(bands=5, classes=3, patch_size=5, d_model=16, d_state=3, heads=2, depth=2)
    network = build_network(config, torch.Generator().manual_seed(0)).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        for unit in network.modules():
            if isinstance(unit, module.MambaUnit):
                unit.literal = True
        network(torch.randn(4, 5, 5, 5))
    assert counter.get_total_flops() / 4 == pytest.approx(flops_a_patch(config), rel=0.02)
