"""The kernels of a unit in training are its plain form, by Triton's interpreter without a GPU."""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported
pytest.importorskip(
    "triton", "3.3", reason="Triton is not installed; it is to be had for Linux alone"
)

from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.fused.trial import run_one
from napari_ssamamba.model.fused.unit import fuse_units, gated_states
from napari_ssamamba.model.mamba_unit import MambaUnit
from napari_ssamamba.model.network import build_network

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_unit(training: bool) -> MambaUnit:
    """Return a unit of 6 channels in which every parameter matters."""
    unit = MambaUnit(ModelConfig(bands=5, classes=3, d_model=6, expand=1, heads=2, d_state=4))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in (*unit.parameters(), unit.norm_conv.running_mean):
            assert value is not None
            value.copy_(torch.randn(value.shape, generator=generator))
    return unit.to(DEVICE).train(training)


def result_and_gradients(
    unit: MambaUnit, length: int, patches: int, *, fused: bool, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Return the result, its gradients, and the batch norm's statistics after it."""
    generator = torch.Generator().manual_seed(1)
    u, kernel, weights = (
        torch.randn(shape, generator=generator).to(DEVICE)
        for shape in ((12, length * patches), (6, length), (6, length * patches))
    )
    u = u.to(dtype).requires_grad_()
    kernel.requires_grad_()
    norm = unit.norm_conv
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    if fused:
        y = gated_states(u, length, unit.conv, norm, kernel)
    else:
        y = unit._states(u, length, kernel)
    parameters = (*unit.conv.parameters(), *norm.parameters())
    found = [y.detach(), *torch.autograd.grad((y * weights).sum(), (u, kernel, *parameters))]
    found += [value.clone() for value in norm.state_dict().values()]
    norm.load_state_dict(before)
    return found


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("length", "patches"), [(49, 16), (49, 31), (9, 5), (25, 1)])
def test_values_and_gradients_are_those_of_the_plain_form(
    length: int, patches: int, training: bool
) -> None:
    unit = make_unit(training)
    expected = result_and_gradients(unit, length, patches, fused=False)
    found = result_and_gradients(unit, length, patches, fused=True)
    assert len(found) == 12
    largest = max(float(value.abs().max()) for value in expected)
    for value, of_plain in zip(found, expected, strict=True):
        assert value.dtype == of_plain.dtype
        torch.testing.assert_close(value, of_plain, rtol=1e-4, atol=1e-6 * largest)
    assert all(value.abs().max() > 0.1 for value in found[:3])


@pytest.mark.parametrize(
    ("side", "old", "fused"), [(3, False, True), (3, True, False), (9, False, False)]
)
def test_units_run_as_kernels_where_these_can_hold_them(
    side: int, old: bool, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if old:
        monkeypatch.delattr("triton.language.gather")
    config = ModelConfig(bands=5, classes=3, patch_size=side, d_model=8, heads=2, depth=1)
    network = build_network(config, torch.Generator()).to(DEVICE)
    fuse_units(network, 20, torch.float32)
    units = [module for module in network.modules() if isinstance(module, MambaUnit)]
    assert [unit.fused for unit in units] == [fused, fused]


def test_the_smallest_kernel_works() -> None:
    assert run_one(DEVICE)
