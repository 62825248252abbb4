#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the kernels that other engines run on an NVIDIA GPU, and infuse's beside them on the same shapes.

  bench/peers/gpu.py [--infuse PROGRAM] [--only PART] [--json FILE]

Every time is the median of replays of one captured graph in which operands rotate through more memory than the
second-level cache holds; infuse's are those of `infuse check OP --bench`, which rotates them too. Needs PyTorch with
Triton; a peer that is not there is a line on standard error.
"""
import argparse
import json
import re
import statistics
import subprocess
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

    def plain(x, z, y, s):
        v, gate = x.float(), z.float()
        v = v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + 1e-6) * w.float()
        v = (v * gate * torch.sigmoid(gate)).to(torch.bfloat16).float()
        scale = v.abs().amax(-1) / 448.0
        scale = torch.where(scale == 0, 1.0, scale)
        s.copy_(scale)
        y.copy_((v / scale[:, None]).to(torch.float8_e4m3fn))

    moved = rows * (dim * 5 + 4)
    yield "triton", time_us(make, by_triton, moved), moved
    yield "torch.compile", time_us(make, torch.compile(plain, dynamic=False), moved), moved


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


def attention(tokens, heads, kv_heads, head, past=1024):
    """Of a sequence behind `past` tokens, keys and values contiguous, by what PyTorch chooses (FlashAttention or cuDNN)."""
    from torch.nn.attention.bias import causal_lower_right
    from torch.nn.functional import scaled_dot_product_attention

    keys = past + tokens
    mask = causal_lower_right(tokens, keys) if tokens > 1 else None

    def make():
        return random(1, heads, tokens, head), random(1, kv_heads, keys, head), random(1, kv_heads, keys, head)

    def run(q, k, v):
        scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)

    moved = 4 * keys * kv_heads * head
    yield "scaled_dot_product_attention", time_us(make, run, moved), moved


# ---- experts ----


def mxfp4(rows, columns, experts):
    """Made-up codes and scales in the layout that vLLM gives them on Hopper (its _swizzle_mxfp4)."""
    from triton_kernels.numerics import InFlexData
    from triton_kernels.tensor import FP4, convert_layout, wrap_torch_tensor
    from triton_kernels.tensor_details import layout

    codes = torch.randint(0, 256, (experts, rows, columns // 2), dtype=torch.uint8, device="cuda")
    scales = torch.randint(118, 122, (experts, rows, columns // 32), dtype=torch.uint8, device="cuda")
    scales = torch.nn.functional.pad(scales, (0, -scales.shape[-1] % 4))
    of_codes, options = layout.make_default_matmul_mxfp4_w_layout(mx_axis=1)
    w = convert_layout(wrap_torch_tensor(codes.transpose(-2, -1), dtype=FP4), of_codes, **options)
    of_scales, options = layout.make_default_matmul_mxfp4_w_scale_layout(mx_axis=1, num_warps=8)
    return w, InFlexData(), convert_layout(wrap_torch_tensor(scales.transpose(-2, -1)), of_scales, **options)


def experts_mxfp4(tokens, experts=128, top=4, hidden=2880, inner=2880):
    """Both products with the activation between them, as vLLM's triton_kernel_fused_experts calls them."""
    from triton_kernels import swiglu
    from triton_kernels.matmul_ogs import FlexCtx, FnSpecs, FusedActivation, PrecisionConfig, matmul_ogs
    from triton_kernels.matmul_ogs_details import opt_flags
    from triton_kernels.routing import routing

    opt_flags.update_opt_flags_constraints({"split_k": 1})
    weights = [mxfp4(2 * inner, hidden, experts), mxfp4(hidden, inner, experts)]
    how = [PrecisionConfig(weight_scale=scale, flex_ctx=FlexCtx(rhs_data=flex)) for _, flex, scale in weights]
    bias = [torch.randn(experts, n, device="cuda") for n in (2 * inner, hidden)]
    act = FusedActivation(FnSpecs("swiglu", swiglu.swiglu_fn, ("alpha", "limit")), (1.702, 7.0), 2)
    pairs = tokens * top

    def route(logits):
        return routing(logits, top)

    def make():
        x, logits = random(tokens, hidden), random(tokens, experts)
        between = torch.empty(1, pairs, inner, device="cuda", dtype=torch.bfloat16)
        return (x, *route(logits), between, torch.empty(1, tokens, hidden, device="cuda", dtype=torch.bfloat16))

    def products(x, data, gather, scatter, between, y):
        matmul_ogs(x, weights[0][0], bias[0], data, gather_indx=gather, precision_config=how[0], fused_activation=act, y=between)
        matmul_ogs(between.view(pairs, inner), weights[1][0], bias[1], data, scatter_indx=scatter, precision_config=how[1],
                   gammas=data.gate_scal, y=y)

    chosen = experts * (1 - (1 - top / experts) ** tokens)  # on average
    moved = int(chosen * 3 * inner * hidden * 17 / 32)
    yield "triton_kernels, products", time_us(make, products, moved), moved
    yield "triton_kernels, routing", time_us(lambda: (random(tokens, experts),), route, 1 << 20), 0


# ---- works: a name, what measures the peers, and where infuse's own row stands: op and case ----


def work(name, tokens, run, given, op, case):
    return {"name": f"{name}, {tokens} token{'s' if tokens != 1 else ''}", "run": run, "given": (tokens, *given), "op": op,
            "case": re.compile(case + rf".*, T {tokens}(,|$)")}


ROWS = (1, 16, 64, 512, 16384)
FEW = (1, 16, 64, 512)
QWEN3_32B = ((10240, 5120), (5120, 8192), (51200, 5120), (5120, 25600))
GPT_OSS = ((5120, 2880), (2880, 4096), (201088, 2880))
ATTENTION = ((64, 8, 64), (64, 8, 128), (16, 2, 256))
PARTS = {
    "read": [{"name": "read", "run": read, "given": (), "op": None}],
    "add_norm_pad": [work("add + rms_norm + pad 2880:3072", t, add_norm_pad, (), "rms_norm",
                          r"x bf16\[T,2880\], w bf16\[2880\], residual") for t in ROWS],
    "norm_gated_fp8": [work("rms_norm_gated + fp8 32x128", t, norm_gated_fp8, (), "rms_norm_gated_quantise", r"x bf16\[T,4096\]")
                       for t in ROWS],
    "linear_fp8": [work(f"linear fp8row {n}x{k}", t, linear_fp8, (n, k), "linear", rf"x fp8row\[T,{k}\], w fp8row\[{n},{k}\]")
                   for n, k in QWEN3_32B for t in FEW],
    "linear_bf16": [work(f"linear bf16 {n}x{k}", t, linear_bf16, (n, k), "linear", rf"x bf16\[T,{k}\], w bf16\[{n},{k}\]")
                    for n, k in GPT_OSS for t in FEW],
    "attention": [work(f"attention {h}/{g} heads of {d} behind 1,024", t, attention, (h, g, d), "attention",
                       rf"q bf16\[T,{h},{d}\], kv full bf16\[2,{g},") for h, g, d in ATTENTION for t in (1, 8192)],
    "experts_mxfp4": [work("experts mxfp4 4 of 128", t, experts_mxfp4, (), "experts_swiglu",
                           r"x bf16\[T,2880\], ids i32\[T,4\], w_up mxfp4\[128,") for t in (1, 4, 16, 64, 128, 512)],
}


# ---- infuse's own ----


def own_rows(program, ops):
    """op -> rows of infuse check, which have a time."""
    rows = {}
    for op in ops:
        command = [program, "check", op, "--bench", "--device", "cuda", "--seed", "1", "--json", "--quiet"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if not done.stdout:
            sys.exit(f"gpu.py: {' '.join(command)} gave nothing")
        rows[op] = [r for r in json.loads(done.stdout)["rows"] if r.get("us")]
    return rows


def own_row(rows, one):
    """The fastest of the kernels that have the work's case."""
    found = [r for r in rows.get(one["op"], ()) if one["case"].match(r["case"])]
    return min(found, key=lambda r: r["us"]) if found else None


def measure(one, own, rows):
    infuse = own_row(own, one)
    if infuse:
        rows.append({"work": one["name"], "engine": "infuse", "kernel": infuse["variant"], "us": infuse["us"]})
        print(f"{one['name']:44s} {infuse['variant']:34s} {infuse['us']:9.2f} us", flush=True)
    try:
        for peer, us, moved in one["run"](*one["given"]):
            ratio = us / infuse["us"] if infuse and moved else None  # without bytes it is a part of the work
            rows.append({"work": one["name"], "engine": peer, "us": us, "tb_s": moved / us / 1e6, "infuse_is": ratio})
            is_ = f"  infuse is {ratio:.2f} x" if ratio else ""
            print(f"{one['name']:44s} {peer:34s} {us:9.2f} us {moved / us / 1e6:6.2f} TB/s{is_}", flush=True)
    except (ImportError, RuntimeError) as e:
        print(f"{one['name']}: {str(e).splitlines()[0]}", file=sys.stderr)
    torch.cuda.empty_cache()


def main():
    o = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    o.add_argument("--infuse", help="the program, whose own rows stand beside the peers'")
    o.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    o.add_argument("--json", help="writes every row to this file")
    o = o.parse_args()
    works = [one for part, works in PARTS.items() if not o.only or part in o.only for one in works]
    own = own_rows(o.infuse, sorted({one["op"] for one in works} - {None})) if o.infuse else {}
    rows = []
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, triton {triton.__version__}")
    for one in works:
        measure(one, own, rows)
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
