"""A block as it runs over a scene: the equations of `SSAMambaBlock`, laid out for speed.

What is exact and saves time:

- Both branches normalise the same tokens, so one product makes the inputs of both, main and gate.
- Inside a branch the data lie channels first, (D, L·B): the product before and the one after read
  and write them as they lie, nothing is transposed. Tokens come before patches, so that a shift
  by one token is a shift of one contiguous piece.
- The state space is, for each channel, the product of a lower triangular Toeplitz matrix of its
  kernel with the tokens of all patches at once.
- The attention reads its heads as views of (L, B·n_h, d_h).
- Norms are folded, see `folding`; 1/√d_h is folded into W_Q.

Symbols: B patches, L tokens, d width, D inner width, n_h heads of width d_h. M is the number of
Mamba units that run: 2, or 1 where both branches share it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, silu

from napari_ssamamba.model.causal import toeplitz
from napari_ssamamba.model.inference.folding import folded_convolution, folded_linear
from napari_ssamamba.model.state_space import kernel

if TYPE_CHECKING:
    from torch import nn

    from napari_ssamamba.model.attention import CrossAttention
    from napari_ssamamba.model.block import SSAMambaBlock
    from napari_ssamamba.model.fusion import GatedFusion
    from napari_ssamamba.model.mamba_unit import MambaUnit
    from napari_ssamamba.model.state_space import StateSpace


class SceneBlock:
    """A block with its norms folded and both branches' input maps as one product.

    Parameters
    ----------
    block : SSAMambaBlock
        Trained; in evaluation.
    tokens : int
        L.
    dtype : torch.dtype
        In which it runs.
    """

    def __init__(self, block: SSAMambaBlock, tokens: int, dtype: torch.dtype) -> None:
        shared = block.spatial is block.spectral
        units = [block.spatial] if shared else [block.spatial, block.spectral]
        self.inputs = _InputMaps(units, tokens, dtype)
        self.states = _StateSpaces(units, tokens, dtype)
        self.outputs = [_OutputMap(unit, dtype) for unit in units]
        self.norms = [_Norm(n, dtype) for n in (block.norm_spatial, block.norm_spectral)]
        self.space_asks, self.spectrum_asks = (
            None if module is None else _Attention(module, dtype)
            for module in (block.space_asks, block.spectrum_asks)
        )
        self.fusion = _Fusion(block.fusion, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """Run the block.

        Parameters
        ----------
        x : Tensor, shape (L, B, d)

        Returns
        -------
        Tensor, shape (L, B, d)
        """
        length, batch, width = x.shape
        inner = self.inputs(x.view(-1, width)).view(-1, length, batch)  # (2MD, L, B)
        main, gate = inner.chunk(2)
        y = self.states(main).mul_(gate)  # (MD, L, B)
        branches = [
            output(part.flatten(1), x)
            for output, part in zip(self.outputs, y.chunk(len(self.outputs)), strict=True)
        ]
        f_s, f_p = self.norms[0](branches[0]), self.norms[1](branches[-1])
        f_a = f_p
        if self.space_asks is not None:
            f_a = self.space_asks(f_s, f_p)
        if self.spectrum_asks is not None:
            f_s = self.spectrum_asks(f_p, f_s)
        return self.fusion(f_s, f_a, x)


class _Norm:
    """A layer norm."""

    def __init__(self, norm: nn.LayerNorm, dtype: torch.dtype) -> None:
        self.weight, self.bias, self.eps = norm.weight.to(dtype), norm.bias.to(dtype), norm.eps

    def __call__(self, x: Tensor) -> Tensor:
        return layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class _Linear:
    """A linear map of (n, in) to (n, out)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.weight = weight.to(dtype).t()
        self.bias = None if bias is None else bias.to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return torch.mm(x, self.weight)
        return torch.addmm(self.bias, x, self.weight)


class _InputMaps:
    """Eq. 3 of all units as one product, and the gates' SiLU."""

    def __init__(self, units: list[MambaUnit], tokens: int, dtype: torch.dtype) -> None:
        maps = [folded_linear(unit.norm_in, unit.linear_in) for unit in units]
        weights = [weight.chunk(2) for weight, _ in maps]
        self.weight = torch.cat([w[0] for w in weights] + [w[1] for w in weights]).to(dtype)
        # The main half's bias goes into the convolution's, see `_StateSpaces`.
        self.gate_bias = torch.cat([b.chunk(2)[1] for _, b in maps]).to(dtype)[:, None]
        self.eps = units[0].norm_in.eps

    def __call__(self, x: Tensor) -> Tensor:
        inner = torch.mm(self.weight, layer_norm(x, x.shape[-1:], eps=self.eps).t())
        gate = inner[len(self.gate_bias) :]
        silu(gate.add_(self.gate_bias), inplace=True)
        return inner


class _StateSpaces:
    """Eq. 4-10 of all units: causal convolution, batch norm, SiLU, state space."""

    def __init__(self, units: list[MambaUnit], tokens: int, dtype: torch.dtype) -> None:
        folded = [folded_convolution(unit.conv, unit.norm_conv) for unit in units]
        taps = torch.cat([weight[:, 0] for weight, _ in folded])  # (MD, 3)
        bias = torch.cat([b for _, b in folded])
        main = torch.cat(
            [folded_linear(u.norm_in, u.linear_in)[1].chunk(2)[0] for u in units]
        )  # bias of Eq. 3, (MD,)
        # Tap t of token i reads token i - t, and nothing where that lies before the first one;
        # the input map's bias passes through the same taps.
        self.taps = [tap[:, None, None].to(dtype) for tap in taps.flip(1).unbind(1)]
        reached = torch.stack([taps.flip(1)[:, : i + 1].sum(1) for i in range(tokens)], 1)
        self.bias = (bias[:, None] + main[:, None] * reached).to(dtype)[..., None]  # (MD, L, 1)
        self.toeplitz = torch.cat(
            [toeplitz(_kernel(unit.state_space, tokens)) for unit in units]
        ).to(dtype)

    def __call__(self, main: Tensor) -> Tensor:
        z = torch.addcmul(self.bias, main, self.taps[0])
        for shift, tap in enumerate(self.taps[1:], 1):
            z[:, shift:].addcmul_(main[:, :-shift], tap)
        return torch.bmm(self.toeplitz, silu(z, inplace=True))


def _kernel(core: StateSpace, tokens: int) -> Tensor:
    """Return the state space's kernel in double precision, (D, L)."""
    delta_log, a_log, b, c, d_skip = (
        p.double() for p in (core.delta_log, core.a_log, core.b, core.c, core.d_skip)
    )
    return kernel(delta_log, a_log, b, c, d_skip, tokens)


class _OutputMap:
    """Eq. 11-12 of a unit: output map, residual, norm."""

    def __init__(self, unit: MambaUnit, dtype: torch.dtype) -> None:
        self.linear = _Linear(unit.linear_out.weight, unit.linear_out.bias, dtype)
        self.norm = _Norm(unit.norm_out, dtype)

    def __call__(self, y: Tensor, x: Tensor) -> Tensor:
        """Map y, (D, L·B), and add x, (L, B, d)."""
        return self.norm(self.linear(y.t()).view_as(x).add_(x))


class _Attention:
    """Eq. 15-19 for tokens that lie as (L, B, d)."""

    def __init__(self, module: CrossAttention, dtype: torch.dtype) -> None:
        self.heads = module.heads
        scale = math.sqrt(module.query.out_features / self.heads)  # √d_h
        self.query = _Linear(module.query.weight.double() / scale, None, dtype)
        self.key = _Linear(module.key.weight, None, dtype)
        self.value = _Linear(module.value.weight, None, dtype)
        self.out = _Linear(module.out.weight, None, dtype)
        self.norm = _Norm(module.norm, dtype)

    def __call__(self, asking: Tensor, answering: Tensor) -> Tensor:
        """Let (L, B, d) gather from (L, B, d)."""
        q = self._split(asking, self.query)
        k = self._split(answering, self.key)
        v = self._split(answering, self.value)
        weights = torch.bmm(q, k.transpose(1, 2)).softmax(-1)  # (B·n_h, L, L)
        gathered = torch.bmm(weights, v).transpose(0, 1)  # (L, B·n_h, d_h)
        return self.norm(self.out(gathered.reshape(-1, asking.shape[-1]))).view_as(asking)

    def _split(self, x: Tensor, linear: _Linear) -> Tensor:
        """Project (L, B, d) and see the result as (B·n_h, L, d_h)."""
        length, batch, _ = x.shape
        return linear(x.flatten(0, 1)).view(length, batch * self.heads, -1).transpose(0, 1)


class _Fusion:
    """Eq. 20-27 for tokens that lie as (L, B, d)."""

    def __init__(self, fusion: GatedFusion, dtype: torch.dtype) -> None:
        self.mix_in = _Linear(*folded_linear(fusion.norm_mix, fusion.mix_in), dtype)
        self.eps = fusion.norm_mix.eps
        self.mix_out = _Linear(fusion.mix_out.weight, fusion.mix_out.bias, dtype)
        gate = fusion.gate
        self.gate = None if gate is None else _Linear(gate.weight, gate.bias, dtype)
        self.excitation = fusion.excitation
        self.norm = _Norm(fusion.norm_out, dtype)
        self.residual = fusion.residual

    def __call__(self, f_s: Tensor, f_a: Tensor, x: Tensor) -> Tensor:
        c = torch.cat((f_s, f_a), -1).flatten(0, 1)  # (L·B, 2d)
        f = self.mix_out(gelu(self.mix_in(layer_norm(c, c.shape[-1:], eps=self.eps))))
        if self.gate is not None:
            f.mul_(self.gate(c).sigmoid_())
        f = f.view_as(x)
        exact = self.excitation.squeeze.weight.dtype
        w = self.excitation(f.mean(0, dtype=exact)).to(f.dtype)  # (B, d)
        return self.norm(torch.addcmul(x, f, w) if self.residual else f * w)
