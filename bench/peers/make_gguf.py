#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers/make_gguf.py: a GGUF of a model's shapes with made-up weights, so that llama.cpp can be measured without a download.

usage: make_gguf.py CONFIG.json OUT.gguf [--layers N] [--type bf16|q8_0] [--tokenizer tokenizer.json]

Qwen3 and GPT-OSS. Matrices are of the type (bf16), experts of GPT-OSS MXFP4, norms, biases and routers float32. Without a
tokenizer there is no vocabulary, only its size: llama-bench draws ids. A tokenizer, byte-level BPE, is what llama-server wants. Values are ordinary numbers, one megabyte of them again and again.
"""
import argparse
import json
import random
import struct
import sys

ALIGNMENT = 32
F32, Q8_0, BF16, MXFP4 = 0, 8, 30, 39  # numbers of types in GGUF
FILE_TYPES = {Q8_0: 7, BF16: 32, MXFP4: 38}  # what llama.cpp calls the whole
VALUES_AND_BYTES = {F32: (1, 4), Q8_0: (32, 34), BF16: (1, 2), MXFP4: (32, 17)}  # of a block


def block(kind, rng):
    """One made-up block; matrices are about as large as what keeps activations in range."""
    if kind == F32:
        return struct.pack("<f", rng.uniform(-1, 1))  # routers must not choose the same experts for all
    if kind == BF16:
        return struct.pack("<H", rng.choice((0x0000, 0x8000)) | 0x3C00 | rng.getrandbits(8))
    if kind == Q8_0:
        return struct.pack("<e", 2.0**-12) + rng.randbytes(32)
    return bytes([119]) + rng.randbytes(16)  # the scale is 2^(119 - 127)


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def packed_list(values):
    strings = isinstance(values[0], str)
    items = b"".join(map(text, values)) if strings else struct.pack(f"<{len(values)}i", *values)
    return struct.pack("<IQ", 8 if strings else 5, len(values)) + items


def pair(key, value):
    kind, packed = {
        int: lambda: (4, struct.pack("<I", value)),
        float: lambda: (6, struct.pack("<f", value)),
        str: lambda: (8, text(value)),
        list: lambda: (9, packed_list(value)),
    }[type(value)]()
    return text(key) + struct.pack("<I", kind) + packed


def common(c, arch, layers, kind):
    return {
        "general.architecture": arch,
        "general.name": "made up",
        "general.file_type": FILE_TYPES[kind],
        f"{arch}.block_count": layers,
        f"{arch}.context_length": c["max_position_embeddings"],
        f"{arch}.embedding_length": c["hidden_size"],
        f"{arch}.feed_forward_length": c["intermediate_size"],
        f"{arch}.attention.head_count": c["num_attention_heads"],
        f"{arch}.attention.head_count_kv": c["num_key_value_heads"],
        f"{arch}.attention.key_length": c["head_dim"],
        f"{arch}.attention.value_length": c["head_dim"],
        f"{arch}.attention.layer_norm_rms_epsilon": float(c["rms_norm_eps"]),
        f"{arch}.rope.freq_base": float(c["rope_theta"]),
        f"{arch}.vocab_size": c["vocab_size"],
        "tokenizer.ggml.model": "none",
    }


def vocabulary(path, size):
    """The keys of a byte-level BPE; ids that it does not have are unused tokens."""
    with open(path, encoding="utf-8") as f:
        model = json.load(f)["model"]
    tokens = [f"[unused{i}]" for i in range(size)]
    kinds = [5] * size
    for token, i in model["vocab"].items():
        if i < size:
            tokens[i], kinds[i] = token, 1
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": merges,
    }


def attention(c, i, matrix):
    hidden, q, kv = c["hidden_size"], c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    yield f"blk.{i}.attn_norm.weight", (hidden,), F32
    for name, rows in (("attn_q", q), ("attn_k", kv), ("attn_v", kv)):
        yield f"blk.{i}.{name}.weight", (hidden, rows), matrix
        if c.get("attention_bias"):
            yield f"blk.{i}.{name}.bias", (rows,), F32
    yield f"blk.{i}.attn_output.weight", (q, hidden), matrix


def qwen3(c, layers, matrix):
    hidden, inner, head = c["hidden_size"], c["intermediate_size"], c["head_dim"]

    def layer(i):
        yield from attention(c, i, matrix)
        yield f"blk.{i}.attn_q_norm.weight", (head,), F32
        yield f"blk.{i}.attn_k_norm.weight", (head,), F32
        yield f"blk.{i}.ffn_norm.weight", (hidden,), F32
        yield f"blk.{i}.ffn_gate.weight", (hidden, inner), matrix
        yield f"blk.{i}.ffn_up.weight", (hidden, inner), matrix
        yield f"blk.{i}.ffn_down.weight", (inner, hidden), matrix

    return common(c, "qwen3", layers, matrix), [t for i in range(layers) for t in layer(i)]


def gpt_oss(c, layers, matrix):
    hidden, inner, experts = c["hidden_size"], c["intermediate_size"], c["num_local_experts"]
    scaling = c["rope_scaling"]

    def layer(i):
        yield from attention(c, i, matrix)
        yield f"blk.{i}.attn_output.bias", (hidden,), F32
        yield f"blk.{i}.attn_sinks.weight", (c["num_attention_heads"],), F32
        yield f"blk.{i}.post_attention_norm.weight", (hidden,), F32
        yield f"blk.{i}.ffn_gate_inp.weight", (hidden, experts), F32
        yield f"blk.{i}.ffn_gate_inp.bias", (experts,), F32
        for name, cols, rows in (("gate", hidden, inner), ("up", hidden, inner), ("down", inner, hidden)):
            yield f"blk.{i}.ffn_{name}_exps.weight", (cols, rows, experts), MXFP4
            yield f"blk.{i}.ffn_{name}_exps.bias", (rows, experts), F32

    keys = common(c, "gpt-oss", layers, MXFP4) | {
        "gpt-oss.expert_count": experts,
        "gpt-oss.expert_used_count": c["num_experts_per_tok"],
        "gpt-oss.expert_feed_forward_length": inner,
        "gpt-oss.attention.sliding_window": c["sliding_window"],
        "gpt-oss.rope.scaling.type": "yarn",
        "gpt-oss.rope.scaling.factor": float(scaling["factor"]),
        "gpt-oss.rope.scaling.original_context_length": scaling["original_max_position_embeddings"],
    }
    return keys, [t for i in range(layers) for t in layer(i)]


FAMILIES = {"qwen3": qwen3, "gpt_oss": gpt_oss}


def around(c, matrix):
    yield "token_embd.weight", (c["hidden_size"], c["vocab_size"]), matrix
    yield "output_norm.weight", (c["hidden_size"],), F32
    if not c.get("tie_word_embeddings"):
        yield "output.weight", (c["hidden_size"], c["vocab_size"]), matrix


def bytes_of(shape, kind):
    values, size = VALUES_AND_BYTES[kind]
    if shape[0] % values:
        sys.exit(f"make_gguf.py: rows of {shape[0]} are not whole blocks of {values}")
    total = size
    for n in shape:
        total *= n
    return total // values


def write(out, keys, tensors):
    rng = random.Random(0)
    made_up = {k: b"".join(block(k, rng) for _ in range(2**20 // VALUES_AND_BYTES[k][1])) for k in VALUES_AND_BYTES}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(pair(k, v) for k, v in keys.items())
    offset = 0
    for name, shape, kind in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        offset += -(-bytes_of(shape, kind) // ALIGNMENT) * ALIGNMENT
    out.write(head + bytes(-len(head) % ALIGNMENT))
    for _, shape, kind in tensors:
        left = bytes_of(shape, kind)
        padding = -left % ALIGNMENT
        while left > 0:
            left -= out.write(made_up[kind][:left])
        out.write(bytes(padding))


def main():
    p = argparse.ArgumentParser(prog="make_gguf.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config")
    p.add_argument("out")
    p.add_argument("--layers", type=int, help="the first N layers (all)")
    p.add_argument("--type", choices=("bf16", "q8_0"), default="bf16", help="of matrices (bf16)")
    p.add_argument("--tokenizer", help="a tokenizer.json (none)")
    a = p.parse_args()
    with open(a.config, encoding="utf-8") as f:
        c = json.load(f)
    family = FAMILIES.get(c.get("model_type"))
    if family is None:
        sys.exit(f"make_gguf.py: {a.config}: model_type is {c.get('model_type')}, not one of {' '.join(FAMILIES)}")
    layers = a.layers or c["num_hidden_layers"]
    if not 0 < layers <= c["num_hidden_layers"]:
        sys.exit(f"make_gguf.py: --layers {layers} is not from 1 to {c['num_hidden_layers']}")
    matrix = {"bf16": BF16, "q8_0": Q8_0}[a.type]
    keys, tensors = family(c, layers, matrix)
    if a.tokenizer:
        keys |= vocabulary(a.tokenizer, c["vocab_size"])
    with open(a.out, "wb") as out:
        write(out, keys, list(around(c, matrix)) + tensors)


main()
