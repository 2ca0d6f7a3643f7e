"""The networks beside SSA-Mamba are what their descriptions say."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from napari_ssamamba.model.comparators import Comparator, build_comparator
from napari_ssamamba.model.config import ModelConfig

CONFIG = ModelConfig(bands=6, classes=3, patch_size=5)


def build(name: Comparator, seed: int = 0) -> nn.Module:
    return build_comparator(name, CONFIG, torch.Generator().manual_seed(seed))


def patches(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 6, 5, 5, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", get_args(Comparator))
def test_a_patch_is_classified_alone_and_the_same_each_time(name: Comparator) -> None:
    network, other = build(name).eval(), build(name, seed=1).eval()
    given = patches()
    with torch.no_grad():
        together = network(given)
        alone = torch.cat([network(patch[None]) for patch in given])
        assert together.shape == (4, 3)
        torch.testing.assert_close(together, alone)
        torch.testing.assert_close(build(name).eval()(given), together, rtol=0, atol=0)
        assert not torch.allclose(other(given), together)


@pytest.mark.parametrize("name", get_args(Comparator))
def test_where_a_pixel_lies_in_the_patch_matters_and_all_weights_learn(name: Comparator) -> None:
    network = build(name)
    given = patches()
    network(given).square().sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name
    network.eval()
    shuffled = given.flatten(2)[:, :, torch.randperm(25, generator=torch.Generator())]
    with torch.no_grad():
        assert not torch.allclose(network(given), network(shuffled.view_as(given)), atol=1e-4)


def test_sizes_are_those_of_the_layers() -> None:
    sizes = {n: sum(p.numel() for p in build(n).parameters()) for n in get_args(Comparator)}
    cnn = 6 * 64 * 9 + 2 * 64 * 64 * 9 + 3 * 128 + 65 * 3
    block = 2 * 128 + 64 * 192 + 65 * 64 + 65 * 256 + 257 * 64
    assert sizes == {"cnn": cnn, "metaformer": (6 * 9 + 1) * 64 + 2 * block + 128 + 65 * 3}
