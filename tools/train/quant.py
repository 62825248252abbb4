# SPDX-License-Identifier: Apache-2.0
"""The two weight formats that the models are trained for and stored in: MXFP4 and FP8 in blocks.

Each format is one function that encodes and one that decodes. Training sees decode(encode(w)) in the forward pass
and passes gradients straight through, so what is exported is exactly what was trained.
"""
import torch

E4M3_MAX = 448.0
FP8_BLOCK = 128
MX_BLOCK = 32


def straight_through(x: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
    """`rounded` going forward, the gradient of `x` going back."""
    return x + (rounded - x).detach()


# ---- MXFP4: blocks of 32 along the last axis, E2M1 values, one power of two for a block (OCP MX 1.0) ----

def mx_exponents(w: torch.Tensor) -> torch.Tensor:
    """[..., n] -> [..., n / 32]: the largest value of a block falls to between 4 and 8 (7 to 8 saturates at 6)."""
    largest = w.float().unflatten(-1, (-1, MX_BLOCK)).abs().amax(-1)
    return (torch.floor(torch.log2(largest.clamp_min(2.0**-100))) - 2).clamp(-126, 126)


def mx_round(v: torch.Tensor) -> torch.Tensor:
    """To the nearest of 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives."""
    size = v.abs()
    step = torch.where(size < 2, 0.5, torch.where(size < 4, 1.0, 2.0))
    return (torch.round(v / step) * step).clamp(-6, 6)


def mxfp4(w: torch.Tensor) -> torch.Tensor:
    """The values that MXFP4 keeps of w, in the shape of w; its last axis is a multiple of 32."""
    scale = torch.exp2(mx_exponents(w)).unsqueeze(-1)
    return (mx_round(w.float().unflatten(-1, (-1, MX_BLOCK)) / scale) * scale).flatten(-2)


def mxfp4_pack(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Blocks [..., n / 32, 16], low nibble first, and scales [..., n / 32], both U8, as GPT-OSS stores them."""
    exponents = mx_exponents(w)
    v = mx_round(w.float().unflatten(-1, (-1, MX_BLOCK)) / torch.exp2(exponents).unsqueeze(-1))
    grid = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6], device=v.device)
    code = torch.searchsorted(grid, v.abs().contiguous()) + 8 * (v < 0)
    return (code[..., 0::2] | code[..., 1::2] << 4).to(torch.uint8), (exponents + 127).to(torch.uint8)


def mxfp4_unpack(blocks: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """The weights [..., n] that mxfp4_pack packed."""
    grid = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    values = torch.cat((grid, -grid))[torch.stack((blocks & 15, blocks >> 4), -1).flatten(-2).long()]
    return (values * torch.exp2(scales.float() - 127).unsqueeze(-1)).flatten(-2)


# ---- FP8 (e4m3): weights in blocks of 128 x 128, activations in groups of 128 of a token ----

def fp8_block_scales(w: torch.Tensor) -> torch.Tensor:
    """[..., rows, columns], multiples of 128 -> [..., rows / 128, columns / 128], float32."""
    tiles = w.float().unflatten(-1, (-1, FP8_BLOCK)).unflatten(-3, (-1, FP8_BLOCK))
    return tiles.abs().amax((-3, -1)).clamp_min(1e-12) / E4M3_MAX


def fp8_spread(scales: torch.Tensor) -> torch.Tensor:
    """A scale of a block for each of its weights."""
    return scales.repeat_interleave(FP8_BLOCK, -2).repeat_interleave(FP8_BLOCK, -1)


def fp8_pack(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes of w's shape and their scales, as `weight` and `weight_scale_inv` store them."""
    scales = fp8_block_scales(w)
    return (w.float() / fp8_spread(scales)).to(torch.float8_e4m3fn), scales


def fp8_unpack(codes: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    return codes.float() * fp8_spread(scales)


def fp8_weights(w: torch.Tensor) -> torch.Tensor:
    """The values that FP8 in blocks keeps of w."""
    return fp8_unpack(*fp8_pack(w))


def fp8_activations(x: torch.Tensor) -> torch.Tensor:
    """The values that are left of activations in front of an FP8 weight; the last axis is a multiple of 128."""
    groups = x.float().unflatten(-1, (-1, FP8_BLOCK))
    scale = groups.abs().amax(-1, keepdim=True).clamp_min(1e-12) / E4M3_MAX
    return ((groups / scale).to(torch.float8_e4m3fn).float() * scale).flatten(-2)
