#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the kernels that other engines run on an NVIDIA GPU, on the shapes that `infuse check --bench` times.

  bench/peers/gpu.py [--only PART] [--json FILE]

Every time is the median of replays of one captured graph in which operands rotate through more memory than the
second-level cache holds. Needs PyTorch with Triton; a peer that is not there is a line on standard error.
"""
import argparse
import json
import statistics
import sys

import torch
import triton
import triton.language as tl

ROTATED = 512 << 20  # bytes of operands that a capture goes through
LAUNCHES = 64  # at least, in a capture
REPLAYS = 9


def time_us(make, run, size):
    """make() -> operands of `size` bytes; run(*operands). The median microseconds of one run."""
    sets = [make() for _ in range(max(2, min(LAUNCHES, ROTATED // max(1, size))))]
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for operands in sets[:3]:
            run(*operands)
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        n = max(LAUNCHES, len(sets))
        with torch.cuda.graph(graph, stream=stream):
            for i in range(n):
                run(*sets[i % len(sets)])
        times = []
        for _ in range(REPLAYS):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record(stream)
            graph.replay()
            end.record(stream)
            end.synchronize()
            times.append(begin.elapsed_time(end) * 1e3 / n)
    return statistics.median(times[1:])


# ---- rows ----


@triton.jit
def add_norm_pad_kernel(x, residual, w, y, total, eps, H: tl.constexpr, P: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < H
    h = tl.load(x + row * H + at, mask=inside, other=0).to(tl.float32)
    h += tl.load(residual + row * H + at, mask=inside, other=0).to(tl.float32)
    tl.store(total + row * H + at, h.to(tl.bfloat16), mask=inside)
    scale = tl.rsqrt(tl.sum(h * h) / H + eps)
    out = h * scale * tl.load(w + at, mask=inside, other=0).to(tl.float32)
    tl.store(y + row * P + at, out.to(tl.bfloat16), mask=at < P)


@triton.jit
def norm_gated_fp8_kernel(x, z, w, y, scales, eps, D: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = row * D + tl.arange(0, D)
    v = tl.load(x + at).to(tl.float32)
    gate = tl.load(z + at).to(tl.float32)
    v = v * tl.rsqrt(tl.sum(v * v) / D + eps) * tl.load(w + tl.arange(0, D)).to(tl.float32)
    v = (v * gate * tl.sigmoid(gate)).to(tl.bfloat16).to(tl.float32)
    scale = tl.max(tl.abs(v)) / 448.0
    scale = tl.where(scale == 0.0, 1.0, scale)
    tl.store(y + at, (v / scale).to(tl.float8e4nv))
    tl.store(scales + row, scale)


def random(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


def add_norm_pad(tokens, hidden=2880, padded=3072):
    w = random(hidden)

    def make():
        return (random(tokens, hidden), random(tokens, hidden), torch.empty(tokens, padded, device="cuda", dtype=torch.bfloat16),
                torch.empty(tokens, hidden, device="cuda", dtype=torch.bfloat16))

    def by_triton(x, r, y, total):
        add_norm_pad_kernel[(tokens,)](x, r, w, y, total, 1e-5, hidden, padded, 4096, num_warps=8)

    def plain(x, r, y, total):
        h = x.float() + r.float()
        total.copy_(h)
        n = (h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-5) * w.float()).to(torch.bfloat16)
        y.copy_(torch.nn.functional.pad(n, (0, padded - hidden)))

    moved = tokens * (3 * hidden + padded) * 2
    yield "triton", time_us(make, by_triton, moved), moved
    yield "torch.compile", time_us(make, torch.compile(plain, dynamic=False), moved), moved


def norm_gated_fp8(tokens, heads=32, dim=128):
    w = random(dim)
    rows = tokens * heads

    def make():
        return (random(rows, dim), random(rows, dim), torch.empty(rows, dim, device="cuda", dtype=torch.float8_e4m3fn),
                torch.empty(rows, device="cuda"))

    def by_triton(x, z, y, s):
        norm_gated_fp8_kernel[(rows,)](x, z, w, y, s, 1e-6, dim, num_warps=1)

    moved = rows * (dim * 5 + 4)
    yield "triton", time_us(make, by_triton, moved), moved


# ---- products ----


def linear_fp8(tokens, n, k):
    rows = max(16, tokens)  # cuBLASLt takes no fewer

    def make():
        x = torch.randn(rows, k, device="cuda").to(torch.float8_e4m3fn)
        w = torch.randn(n, k, device="cuda").to(torch.float8_e4m3fn).t()
        return x, w, torch.rand(rows, 1, device="cuda"), torch.rand(1, n, device="cuda")

    for name, fast in (("cuBLASLt, fast accumulation", True), ("cuBLASLt", False)):
        def run(x, w, sx, sw, fast=fast):
            torch._scaled_mm(x, w, scale_a=sx, scale_b=sw, out_dtype=torch.bfloat16, use_fast_accum=fast)

        try:
            yield name, time_us(make, run, n * k), n * k
        except RuntimeError as e:
            print(f"{name}: {str(e).splitlines()[0]}", file=sys.stderr)


def linear_bf16(tokens, n, k):
    yield "cuBLAS", time_us(lambda: (random(tokens, k), random(n, k)), lambda x, w: x @ w.t(), 2 * n * k), 2 * n * k


def read(gigabytes=2):
    x = torch.ones(gigabytes << 28, device="cuda")
    yield "torch.sum", time_us(lambda: (x,), lambda v: v.sum(), ROTATED), gigabytes << 30


QWEN3_32B = ((10240, 5120), (5120, 8192), (51200, 5120), (5120, 25600))
PARTS = {
    "read": [("read", read, ())],
    "add_norm_pad": [(f"add+rms_norm+pad 2880:3072, {t} tokens", add_norm_pad, (t,)) for t in (1, 8, 64, 512, 16384)],
    "norm_gated_fp8": [(f"rms_norm_gated+fp8 32x128, {t} tokens", norm_gated_fp8, (t,)) for t in (1, 8, 512, 16384)],
    "linear_fp8": [(f"linear fp8row {n}x{k}, {t} tokens", linear_fp8, (t, n, k)) for n, k in QWEN3_32B for t in (1, 16, 64, 512)],
    "linear_bf16": [(f"linear bf16 {n}x{k}, {t} tokens", linear_bf16, (t, n, k))
                    for n, k in ((5120, 2880), (2880, 4096), (201088, 2880)) for t in (1, 16, 64, 512)],
}


def main():
    o = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    o.add_argument("--only", choices=PARTS, help="one part")
    o.add_argument("--json", help="writes every row to this file")
    o = o.parse_args()
    rows = []
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, triton {triton.__version__}")
    for part, works in PARTS.items():
        for name, run, given in works if o.only in (None, part) else ():
            for peer, us, moved in run(*given):
                rows.append({"part": part, "work": name, "peer": peer, "us": us, "tb_s": moved / us / 1e6})
                print(f"{name:44s} {peer:28s} {us:9.2f} us {moved / us / 1e6:6.2f} TB/s", flush=True)
            torch.cuda.empty_cache()
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
