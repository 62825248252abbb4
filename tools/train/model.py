# SPDX-License-Identifier: Apache-2.0
"""GPT-OSS and Qwen3-Next in PyTorch, for training on packed rows: several documents stand in a row, and none sees another.

Parameters are named as the checkpoints of the hub name them. Experts are stacked, and all of them are computed for
every token, which is plain matrix products and costs little at this size. transformers remains the reference;
compare.py holds a trained checkpoint against it.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from quant import fp8_activations, fp8_weights, mxfp4, straight_through


@dataclass(frozen=True)
class Shape:
    """What the two architectures have in common."""
    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    experts: int
    experts_per_token: int
    expert_size: int
    rope_theta: float
    tied: bool


GPT_OSS = Shape(4096, 224, 8, 8, 2, 32, 8, 2, 192, 150000.0, False)
QWEN3_NEXT = Shape(4096, 256, 8, 4, 2, 64, 8, 2, 128, 10000000.0, True)

# GPT-OSS alone.
SLIDING_WINDOW = 128
SWIGLU_LIMIT, SWIGLU_ALPHA = 7.0, 1.702
YARN = {"factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "original_max_position_embeddings": 4096}

# Qwen3-Next alone.
FULL_ATTENTION_INTERVAL = 4
PARTIAL_ROTARY = 0.25
DELTA_KEY_HEADS, DELTA_VALUE_HEADS, DELTA_DIM, CONV_WIDTH = 2, 4, 64, 4
CHUNK = 64
FORGET = -50.0  # log decay at the first token of a document: what came before is gone


class RMSNorm(nn.Module):
    """`offset` 1 is Qwen3-Next's norm, whose weight is kept as its distance from one."""

    def __init__(self, size: int, eps: float, offset: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((size,), 1.0 - offset))
        self.eps, self.offset = eps, offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.float()
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return (x * (self.weight + self.offset)).bfloat16()


class Linear(nn.Module):
    """A weight in bf16, or in FP8 blocks with its activations quantised too."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False, fp8: bool = False, gain: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * gain / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.fp8 = fp8

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.weight
        if self.fp8:
            x, w = straight_through(x, fp8_activations(x).bfloat16()), straight_through(w, fp8_weights(w))
        return F.linear(x.bfloat16(), w.bfloat16(), None if self.bias is None else self.bias.bfloat16())


def experts_of(scores: torch.Tensor, top: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax over the `top` best of [tokens, experts], zero elsewhere; and how unevenly experts are used (1: evenly)."""
    scores = scores.float()
    chosen = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, scores.topk(top, -1).indices, True)
    share = torch.softmax(scores.masked_fill(~chosen, float("-inf")), -1)
    load = chosen.float().mean(0) / top
    return share, scores.shape[-1] * (load * torch.softmax(scores, -1).mean(0)).sum()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position of the first 2 * cos.shape[-1] values of each head; x is [batch, tokens, heads, head_dim]."""
    half = cos.shape[-1]
    a, b, rest = x[..., :half].float(), x[..., half:2 * half].float(), x[..., 2 * half:]
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat(((a * cos - b * sin).bfloat16(), (b * cos + a * sin).bfloat16(), rest), -1)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, document: torch.Tensor, window: int | None,
           sinks: torch.Tensor | None) -> torch.Tensor:
    """q [batch, tokens, heads, d], k and v with fewer heads; document [batch, tokens]; -> [batch, tokens, heads * d]."""
    tokens, group = q.shape[1], q.shape[2] // k.shape[2]
    q, k, v = (x.transpose(1, 2) for x in (q, k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)))
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    place = torch.arange(tokens, device=q.device)
    distance = place[:, None] - place
    seen = (distance >= 0) & (distance < (window or tokens)) & (document[:, :, None] == document[:, None, :])[:, None]
    scores = scores.masked_fill(~seen, float("-inf"))
    total = torch.logsumexp(scores, -1, keepdim=True)
    if sinks is not None:
        total = torch.logaddexp(total, sinks[:, None, None])
    return (torch.exp(scores - total).bfloat16() @ v).transpose(1, 2).flatten(2)


# ---- GPT-OSS ----

class OssAttention(nn.Module):
    def __init__(self, s: Shape, layer: int):
        super().__init__()
        self.s, self.window = s, SLIDING_WINDOW if layer % 2 == 0 else None
        self.q_proj = Linear(s.hidden, s.heads * s.head_dim, bias=True)
        self.k_proj = Linear(s.hidden, s.kv_heads * s.head_dim, bias=True)
        self.v_proj = Linear(s.hidden, s.kv_heads * s.head_dim, bias=True)
        self.o_proj = Linear(s.heads * s.head_dim, s.hidden, bias=True, gain=(2 * s.layers) ** -0.5)
        self.sinks = nn.Parameter(torch.zeros(s.heads))

    def forward(self, x: torch.Tensor, document: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        q, k, v = (p(x).unflatten(-1, (-1, self.s.head_dim)) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.o_proj(attend(rotate(q, cos, sin), rotate(k, cos, sin), v, document, self.window, self.sinks))


class OssExperts(nn.Module):
    """Rows of gate and up by turns; weights in MXFP4."""

    def __init__(self, s: Shape):
        super().__init__()
        e, h, i = s.experts, s.hidden, s.expert_size
        self.gate_up_proj = nn.Parameter(torch.randn(e, 2 * i, h) * h**-0.5)
        self.gate_up_proj_bias = nn.Parameter(torch.zeros(e, 2 * i))
        self.down_proj = nn.Parameter(torch.randn(e, h, i) * (2 * s.layers * i) ** -0.5)
        self.down_proj_bias = nn.Parameter(torch.zeros(e, h))

    def forward(self, x: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        up, down = (straight_through(w, mxfp4(w)).bfloat16() for w in (self.gate_up_proj, self.down_proj))
        both = F.linear(x, up.flatten(0, 1), self.gate_up_proj_bias.flatten().bfloat16())
        gate, linear = both.unflatten(-1, (-1, 2)).float().unbind(-1)
        gate, linear = gate.clamp(max=SWIGLU_LIMIT), linear.clamp(-SWIGLU_LIMIT, SWIGLU_LIMIT)
        a = (gate * torch.sigmoid(SWIGLU_ALPHA * gate) * (linear + 1)).unflatten(-1, (share.shape[-1], -1))
        a = (a * share[..., None]).flatten(-2).bfloat16()
        return F.linear(a, down.transpose(0, 1).flatten(1)) + share.bfloat16() @ self.down_proj_bias.bfloat16()


class OssMoe(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.top = s.experts_per_token
        self.router = Linear(s.hidden, s.experts, bias=True)
        self.experts = OssExperts(s)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = x.flatten(0, 1)
        share, unevenness = experts_of(self.router(flat), self.top)
        return self.experts(flat, share).view_as(x), unevenness


# ---- Qwen3-Next ----

class NextAttention(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.q_proj = Linear(s.hidden, 2 * s.heads * s.head_dim, fp8=True)
        self.k_proj = Linear(s.hidden, s.kv_heads * s.head_dim, fp8=True)
        self.v_proj = Linear(s.hidden, s.kv_heads * s.head_dim, fp8=True)
        self.o_proj = Linear(s.heads * s.head_dim, s.hidden, fp8=True, gain=(2 * s.layers) ** -0.5)
        self.q_norm, self.k_norm = RMSNorm(s.head_dim, 1e-6, 1.0), RMSNorm(s.head_dim, 1e-6, 1.0)

    def forward(self, x: torch.Tensor, document: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        q, gate = self.q_proj(x).unflatten(-1, (self.s.heads, -1)).chunk(2, -1)
        k, v = (p(x).unflatten(-1, (-1, self.s.head_dim)) for p in (self.k_proj, self.v_proj))
        q, k = rotate(self.q_norm(q), cos, sin), rotate(self.k_norm(k), cos, sin)
        return self.o_proj(attend(q, k, v, document, None, None) * torch.sigmoid(gate.flatten(2)))


def unit(x: torch.Tensor) -> torch.Tensor:
    x = x.float()
    return x * torch.rsqrt(x.pow(2).sum(-1, keepdim=True) + 1e-6)


def gated_delta(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, decay: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    """The gated delta rule in chunks (Yang et al. 2024, arXiv 2412.06464): a chunk's corrections are one triangular system.

    q and k [batch, tokens, heads, d] of unit length, v likewise, decay (logarithms) and beta [batch, tokens, heads].
    """
    q, k, v = (x.transpose(1, 2).unflatten(2, (-1, CHUNK)).float() for x in (q * q.shape[-1] ** -0.5, k, v))
    decay, beta = (x.transpose(1, 2).unflatten(2, (-1, CHUNK)).float() for x in (decay, beta))
    since = decay.cumsum(-1)
    pair = (since[..., :, None] - since[..., None, :])
    lower = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=q.device).tril()
    pair = torch.exp(pair.masked_fill(~lower, float("-inf")))
    system = beta[..., None] * (k @ k.transpose(-1, -2)) * pair
    right = beta[..., None] * torch.cat((v, k * torch.exp(since)[..., None]), -1)
    solved = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True)
    values, reads = solved.split((v.shape[-1], k.shape[-1]), -1)
    inside = (q @ k.transpose(-1, -2)) * pair
    q = q * torch.exp(since)[..., None]
    k = k * torch.exp(since[..., -1:] - since)[..., None]
    state = torch.zeros_like(k[:, :, 0].transpose(-1, -2) @ v[:, :, 0])
    out = []
    for c in range(q.shape[2]):
        new = values[:, :, c] - reads[:, :, c] @ state
        out.append(q[:, :, c] @ state + inside[:, :, c] @ new)
        state = state * torch.exp(since[:, :, c, -1])[..., None, None] + k[:, :, c].transpose(-1, -2) @ new
    return torch.cat(out, 2).transpose(1, 2)


class Conv1d(nn.Module):
    """Causal, one filter a channel; the weight's shape is that of torch's own."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, 1, CONV_WIDTH) * CONV_WIDTH**-0.5)

    def forward(self, x: torch.Tensor, document: torch.Tensor) -> torch.Tensor:
        w = self.weight[:, 0].bfloat16()
        y = x * w[:, -1]
        for back in range(1, CONV_WIDTH):
            same = F.pad(document[:, :-back] == document[:, back:], (back, 0))
            y = y + F.pad(x[:, :-back], (0, 0, back, 0)) * same[..., None] * w[:, -1 - back]
        return F.silu(y)


class DeltaAttention(nn.Module):
    """Columns of in_proj_qkvz and in_proj_ba are grouped by key head."""

    def __init__(self, s: Shape):
        super().__init__()
        keys, values = DELTA_KEY_HEADS * DELTA_DIM, DELTA_VALUE_HEADS * DELTA_DIM
        self.in_proj_qkvz = Linear(s.hidden, 2 * (keys + values), fp8=True)
        self.in_proj_ba = Linear(s.hidden, 2 * DELTA_VALUE_HEADS)
        self.conv1d = Conv1d(2 * keys + values)
        self.A_log = nn.Parameter(torch.log(torch.linspace(0.5, 8.0, DELTA_VALUE_HEADS)))
        self.dt_bias = nn.Parameter(torch.full((DELTA_VALUE_HEADS,), -3.0))
        self.norm = RMSNorm(DELTA_DIM, 1e-6)
        self.out_proj = Linear(values, s.hidden, fp8=True, gain=(2 * s.layers) ** -0.5)

    def forward(self, x: torch.Tensor, document: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        group = DELTA_VALUE_HEADS // DELTA_KEY_HEADS
        sizes = (DELTA_DIM, DELTA_DIM, group * DELTA_DIM, group * DELTA_DIM)
        *qkv, z = self.in_proj_qkvz(x).unflatten(-1, (DELTA_KEY_HEADS, -1)).split(sizes, -1)
        b, a = self.in_proj_ba(x).unflatten(-1, (DELTA_KEY_HEADS, -1)).float().chunk(2, -1)
        widths = [p.shape[2] * p.shape[3] for p in qkv]
        mixed = self.conv1d(torch.cat([p.flatten(2) for p in qkv], -1), document)
        q, k, v = (p.unflatten(-1, (-1, DELTA_DIM)) for p in mixed.split(widths, -1))
        q, k = (unit(p).repeat_interleave(group, 2) for p in (q, k))
        decay = -torch.exp(self.A_log) * F.softplus(a.flatten(2) + self.dt_bias)
        first = F.pad(document[:, :-1] != document[:, 1:], (1, 0), value=True)
        decay = torch.where(first[..., None], FORGET, decay)
        y = self.norm(gated_delta(q, k, v, decay, torch.sigmoid(b.flatten(2)))).flatten(2)
        return self.out_proj(y * F.silu(z.flatten(2)))


class NextExperts(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        e, h, i = s.experts, s.hidden, s.expert_size
        self.gate_proj, self.up_proj = (nn.Parameter(torch.randn(e, i, h) * h**-0.5) for _ in range(2))
        self.down_proj = nn.Parameter(torch.randn(e, h, i) * (2 * s.layers * i) ** -0.5)

    def forward(self, x: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        gate, up, down = (straight_through(w, fp8_weights(w)).bfloat16() for w in (self.gate_proj, self.up_proj, self.down_proj))
        x = straight_through(x, fp8_activations(x).bfloat16())
        a = (F.silu(F.linear(x, gate.flatten(0, 1))) * F.linear(x, up.flatten(0, 1))).unflatten(-1, (share.shape[-1], -1))
        a = straight_through(a, fp8_activations(a).bfloat16())
        return F.linear((a * share.bfloat16()[..., None]).flatten(-2), down.transpose(0, 1).flatten(1))


class SharedExpert(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.gate_proj, self.up_proj = (Linear(s.hidden, s.expert_size, fp8=True) for _ in range(2))
        self.down_proj = Linear(s.expert_size, s.hidden, fp8=True, gain=(2 * s.layers) ** -0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class NextMoe(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.top = s.experts_per_token
        self.gate = Linear(s.hidden, s.experts)
        self.experts = NextExperts(s)
        self.shared_expert = SharedExpert(s)
        self.shared_expert_gate = Linear(s.hidden, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = x.flatten(0, 1)
        share, unevenness = experts_of(self.gate(flat), self.top)
        y = self.experts(flat, share) + torch.sigmoid(self.shared_expert_gate(flat)) * self.shared_expert(flat)
        return y.view_as(x), unevenness


# ---- both ----

class OssLayer(nn.Module):
    def __init__(self, s: Shape, layer: int):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(s.hidden, 1e-5), RMSNorm(s.hidden, 1e-5)
        self.self_attn, self.mlp = OssAttention(s, layer), OssMoe(s)

    def forward(self, x, document, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), document, cos, sin)
        y, unevenness = self.mlp(self.post_attention_layernorm(x))
        return x + y, unevenness


class NextLayer(nn.Module):
    def __init__(self, s: Shape, layer: int):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = (RMSNorm(s.hidden, 1e-6, 1.0) for _ in range(2))
        self.mixer = "self_attn" if (layer + 1) % FULL_ATTENTION_INTERVAL == 0 else "linear_attn"
        self.add_module(self.mixer, NextAttention(s) if self.mixer == "self_attn" else DeltaAttention(s))
        self.mlp = NextMoe(s)

    def forward(self, x, document, cos, sin):
        x = x + getattr(self, self.mixer)(self.input_layernorm(x), document, cos, sin)
        y, unevenness = self.mlp(self.post_attention_layernorm(x))
        return x + y, unevenness


def plain_frequencies(s: Shape) -> tuple[torch.Tensor, float]:
    dim = int(s.head_dim * PARTIAL_ROTARY)
    return s.rope_theta ** (-torch.arange(0, dim, 2) / dim), 1.0


def yarn_frequencies(s: Shape) -> tuple[torch.Tensor, float]:
    """YaRN (Peng et al. 2023, arXiv 2309.00071), not truncated: inverse frequencies and the factor of cos and sin."""
    plain = s.rope_theta ** (-torch.arange(0, s.head_dim, 2) / s.head_dim)

    def turning(beta: float) -> float:
        return s.head_dim * math.log(YARN["original_max_position_embeddings"] / (beta * 2 * math.pi)) / (2 * math.log(s.rope_theta))

    low, high = max(turning(YARN["beta_fast"]), 0), min(turning(YARN["beta_slow"]), s.head_dim - 1)
    ramp = ((torch.arange(s.head_dim // 2) - low) / (high - low)).clamp(0, 1)
    return plain / YARN["factor"] * ramp + plain * (1 - ramp), 0.1 * math.log(YARN["factor"]) + 1.0


class Body(nn.Module):
    def __init__(self, s: Shape, layer, norm: RMSNorm):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocab, s.hidden)
        nn.init.normal_(self.embed_tokens.weight, std=s.hidden**-0.5)
        self.layers = nn.ModuleList(layer(s, i) for i in range(s.layers))
        self.norm = norm


class CausalLM(nn.Module):
    """tokens and document [batch, tokens] -> logits [batch, tokens, vocab] in bf16, and the experts' unevenness."""

    def __init__(self, s: Shape, body: Body, frequencies: tuple[torch.Tensor, float]):
        super().__init__()
        self.s, self.model = s, body
        if not s.tied:
            self.lm_head = Linear(s.hidden, s.vocab)
        self.inverse, self.factor = frequencies

    def forward(self, tokens: torch.Tensor, document: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        angle = torch.arange(tokens.shape[1], device=tokens.device)[:, None] * self.inverse.to(tokens.device)
        cos, sin = torch.cos(angle) * self.factor, torch.sin(angle) * self.factor
        x, unevenness = self.model.embed_tokens(tokens), 0.0
        for layer in self.model.layers:
            x, more = layer(x, document, cos, sin)
            unevenness = unevenness + more / self.s.layers
        x = self.model.norm(x)
        head = self.model.embed_tokens if self.s.tied else self.lm_head
        return F.linear(x, head.weight.bfloat16()), unevenness


def gpt_oss(s: Shape = GPT_OSS) -> CausalLM:
    return CausalLM(s, Body(s, OssLayer, RMSNorm(s.hidden, 1e-5)), yarn_frequencies(s))


def qwen3_next(s: Shape = QWEN3_NEXT) -> CausalLM:
    return CausalLM(s, Body(s, NextLayer, RMSNorm(s.hidden, 1e-6, 1.0)), plain_frequencies(s))
