"""The state-space core of a Mamba unit (Eq. 6-10), evaluated in two ways.

None of its parameters depends on the input, so the recursion over tokens *is* a causal depthwise
convolution with a kernel as long as the sequence (the S4D view). `recursion` is the definition,
written for reading; `convolution` is equal to it. What runs is the same convolution in the layout
of `causal.causal_product`.

Symbols: B patches, D channels, L tokens, N states a channel; Δ = exp(Δ_log) > 0 is the step,
A = −exp(A_log) < 0 the decay, so that Ā = exp(Δ⊙A) lies between 0 and 1 and the state is stable
whatever the parameters. B̄ = Δ⊙B is Euler's rule, as the paper's equation has it, although its
text says zero-order hold; Δ is an exponential, not a softplus.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

if TYPE_CHECKING:
    from collections.abc import Sequence


def recursion(
    x: Tensor, delta_log: Tensor, a_log: Tensor, b: Tensor, c: Tensor, d_skip: Tensor
) -> Tensor:
    """Run the state space token by token.

    Parameters
    ----------
    x : Tensor, shape (B, D, L)
    delta_log, d_skip : Tensor, shape (D,)
    a_log, b, c : Tensor, shape (D, N)

    Returns
    -------
    Tensor, shape (B, D, L)
    """
    delta = delta_log.exp()[:, None]  # (D, 1)
    a_bar = torch.exp(delta * -a_log.exp())  # Eq. 7: Ā = exp(Δ⊙A), (D, N)
    b_bar = delta * b  # Eq. 8: B̄ = Δ⊙B, (D, N)
    h = x.new_zeros(*x.shape[:2], a_log.shape[1])  # h_{-1} = 0, (B, D, N)
    outputs = []
    for x_t in x.unbind(-1):  # (B, D)
        h = a_bar * h + b_bar * x_t[..., None]  # Eq. 9
        outputs.append((h * c).sum(-1) + d_skip * x_t)  # Eq. 10: ⟨h_t, C⟩ + D_skip⊙x_t
    return torch.stack(outputs, -1)


def convolution(
    x: Tensor, delta_log: Tensor, a_log: Tensor, b: Tensor, c: Tensor, d_skip: Tensor
) -> Tensor:
    """Run the state space as a causal depthwise convolution; equal to `recursion` to rounding.

    Parameters and result are those of `recursion`.
    """
    length = x.shape[-1]
    k = kernel(delta_log, a_log, b, c, d_skip, length)
    # The padding is written out: conv1d(padding=L-1) on a transposed view is a hundred times
    # slower on a CPU than on this contiguous copy.
    padded = pad(x, (length - 1, 0)).contiguous()
    return conv1d(padded, k.flip(-1)[:, None, :], groups=x.shape[1])


def kernel(
    delta_log: Tensor, a_log: Tensor, b: Tensor, c: Tensor, d_skip: Tensor, length: int
) -> Tensor:
    """Return the kernel K[t] = Σ_n C_n B̄_n Ā_n^t, plus D_skip at t = 0.

    Returns
    -------
    Tensor, shape (D, length)
    """
    delta = delta_log.exp()[:, None]
    log_a_bar = delta * -a_log.exp()  # (D, N)
    t = torch.arange(length, device=a_log.device, dtype=a_log.dtype)
    powers = torch.exp(log_a_bar[..., None] * t)  # Ā^t, (D, N, L)
    k = torch.einsum("dn,dnt->dt", c * (delta * b), powers)
    return k + d_skip[:, None] * (t == 0)


def kernels(spaces: Sequence[StateSpace], length: int) -> tuple[Tensor, ...]:
    """Return the kernels of several state spaces of one size, (D, length) each.

    Computed at once: one by one, they would be a third of a training step's operations.
    """
    names = ("delta_log", "a_log", "b", "c", "d_skip")
    delta_log, a_log, b, c, d_skip = (
        torch.cat([getattr(space, name) for space in spaces]) for name in names
    )
    return kernel(delta_log, a_log, b, c, d_skip, length).chunk(len(spaces))


class StateSpace(nn.Module):
    """D independent state spaces of N states, with parameters that do not depend on the input.

    Parameters
    ----------
    d_inner : int
        D.
    d_state : int
        N.

    Attributes
    ----------
    evaluate : callable
        `convolution`; or `recursion`, for comparison.
    """

    def __init__(self, d_inner: int, d_state: int) -> None:
        super().__init__()
        self.evaluate = convolution
        self.delta_log = nn.Parameter(torch.empty(d_inner))
        self.a_log = nn.Parameter(torch.empty(d_inner, d_state))
        self.b = nn.Parameter(torch.empty(d_inner, d_state))
        self.c = nn.Parameter(torch.empty(d_inner, d_state))
        self.d_skip = nn.Parameter(torch.empty(d_inner))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new parameters: Δ log-uniform in [0.001, 0.1], A_n = −n, B and C ~ 0.02·normal."""
        nn.init.uniform_(self.delta_log, math.log(1e-3), math.log(1e-1), generator=generator)
        with torch.no_grad():
            self.a_log.copy_(torch.arange(1, self.a_log.shape[1] + 1).log().expand_as(self.a_log))
        nn.init.normal_(self.b, std=0.02, generator=generator)
        nn.init.normal_(self.c, std=0.02, generator=generator)
        nn.init.ones_(self.d_skip)

    def kernel(self, length: int) -> Tensor:
        """Return the convolution's kernel, (D, length)."""
        return kernel(self.delta_log, self.a_log, self.b, self.c, self.d_skip, length)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, L) to (B, D, L)."""
        return self.evaluate(x, self.delta_log, self.a_log, self.b, self.c, self.d_skip)
