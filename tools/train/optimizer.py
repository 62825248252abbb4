# SPDX-License-Identifier: Apache-2.0
"""Muon for matrices, AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces the momentum of a matrix by the nearest
orthogonal one. Matrices of one shape are taken together, stacks of experts among them.
"""
from collections import defaultdict

import torch
from torch import nn

SMALLEST = 64  # matrices with a shorter side are left to AdamW: gates, filters


def orthogonal(m: torch.Tensor) -> torch.Tensor:
    """About the nearest orthogonal matrices of [n, rows, columns], by five Newton-Schulz steps of the fifth order."""
    tall = m.shape[-2] > m.shape[-1]
    x = (m.mT if tall else m).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if tall else x


class Muon:
    def __init__(self, params: list[nn.Parameter], momentum: float = 0.95):
        self.momentum = momentum
        self.groups = defaultdict(list)
        for p in params:
            self.groups[p.shape].append(p)
        self.state = {shape: torch.zeros_like(self.stack(group)) for shape, group in self.groups.items()}

    @staticmethod
    def stack(tensors: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(tensors).flatten(0, -3)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for shape, group in self.groups.items():
            gradient, state = self.stack([p.grad for p in group]), self.state[shape]
            state.lerp_(gradient, 1 - self.momentum)
            update = orthogonal(gradient.lerp(state, self.momentum)).float()
            update *= -rate * max(1, shape[-2] / shape[-1]) ** 0.5
            torch._foreach_add_(group, list(update.view(len(group), *shape)))


class Optimizer:
    """`rate` of step() is a share of the peak, 0 to 1."""

    def __init__(self, model: nn.Module, matrix_rate: float = 0.02, other_rate: float = 3e-3):
        self.matrix_rate, self.other_rate = matrix_rate, other_rate
        matrices = [p for n, p in model.named_parameters()
                    if p.ndim >= 2 and min(p.shape[-2:]) >= SMALLEST and "embed" not in n and "lm_head" not in n]
        taken = {id(p) for p in matrices}
        others = [p for p in model.parameters() if id(p) not in taken]
        self.muon = Muon(matrices)
        self.adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0,
                                      fused=others[0].is_cuda)

    def step(self, rate: float) -> None:
        self.adam.param_groups[0]["lr"] = self.other_rate * rate
        self.adam.step()
        self.muon.step(self.matrix_rate * rate)
        self.adam.zero_grad()
        for group in self.muon.groups.values():
            for p in group:
                p.grad = None
