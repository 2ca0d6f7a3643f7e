"""The kernels for NVIDIA GPUs, by Triton's interpreter where there is none."""

from __future__ import annotations

import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported
pytest.importorskip("triton", reason="Triton is not installed; it is to be had for Linux alone")

from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.inference.form import is_fusible
from napari_ssamamba.model.inference.fused.scene import FusedNetwork
from napari_ssamamba.model.inference.scene import SceneInference
from napari_ssamamba.model.network import SSAMamba, build_network

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def lively_network(config: ModelConfig, seed: int = 0) -> SSAMamba:
    """Return a network in which every parameter matters."""
    generator = torch.Generator().manual_seed(seed)
    network = build_network(config, generator)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "state_space" in name and name.rpartition(".")[2] in ("b", "c"):
                parameter.copy_(noise)
            elif parameter.ndim < 2:
                parameter.add_(0.3 * noise)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.3 * torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return network.eval().to(DEVICE)


@pytest.mark.parametrize(
    "sizes",
    [
        {"d_model": 64, "heads": 4, "depth": 2},
        {"d_model": 64, "heads": 2, "depth": 1, "patch_size": 3, "d_state": 4},
        {"d_model": 128, "heads": 8, "depth": 1, "patch_size": 5, "expand": 1},
    ],
    ids=str,
)
def test_the_kernels_give_what_the_equations_give(sizes: dict[str, int]) -> None:
    config = ModelConfig(bands=12, classes=5, **sizes)
    assert is_fusible(config)
    network = lively_network(config)
    inference = SceneInference(network)
    rows = 6 + config.patch_size - 1
    block = torch.randn(rows, rows + 3, 12, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    tile = inference.open_tile(block)
    row, column = torch.cartesian_prod(torch.arange(6), torch.arange(9)).T
    expected = tile.logits(row, column)

    fused = FusedNetwork(network, torch.float32)
    z = tile.z.flatten(0, 3)
    pixels = (row * tile.z.shape[3] + column).to(DEVICE)
    found = fused.logits(z, tile.places.to(DEVICE), pixels)

    torch.testing.assert_close(found, expected, atol=2e-4, rtol=2e-4)
    assert expected.std() > 0.1
