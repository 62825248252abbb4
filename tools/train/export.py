# SPDX-License-Identifier: Apache-2.0
"""Writes a trained model as a folder of the Hugging Face hub: config, generation_config, weights in their stored form.
And reads its weights back, to train on."""
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import model as arch
from quant import fp8_pack, fp8_unpack, mxfp4_pack, mxfp4_unpack

CONTEXT = 4096


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def gpt_oss_tensors(m: arch.CausalLM) -> dict[str, torch.Tensor]:
    out = {}
    for name, p in m.state_dict().items():
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            out[name + "_blocks"], out[name + "_scales"] = mxfp4_pack(p)
        else:
            out[name] = p.bfloat16()
    return out


def qwen3_next_tensors(m: arch.CausalLM) -> dict[str, torch.Tensor]:
    fp8 = {name + ".weight" for name, part in m.named_modules() if isinstance(part, arch.Linear) and part.fp8}
    out = {}
    for name, p in m.state_dict().items():
        if name in fp8:
            out[name], out[name + "_scale_inv"] = fp8_pack(p)
        elif ".experts." in name:
            layer, kind = name.split(".experts.")
            for i, w in enumerate(p):
                stem = f"{layer}.experts.{i}.{kind}.weight"
                out[stem], out[stem + "_scale_inv"] = fp8_pack(w)
        else:
            out[name] = p.bfloat16()
    return out


def shared_config(s: arch.Shape, specials: dict[str, int]) -> dict:
    return {
        "vocab_size": s.vocab, "hidden_size": s.hidden, "num_hidden_layers": s.layers, "num_attention_heads": s.heads,
        "num_key_value_heads": s.kv_heads, "head_dim": s.head_dim, "num_experts_per_tok": s.experts_per_token,
        "rope_theta": s.rope_theta, "max_position_embeddings": CONTEXT, "hidden_act": "silu", "torch_dtype": "bfloat16",
        "tie_word_embeddings": s.tied, "attention_dropout": 0.0, "initializer_range": 0.02, **specials,
    }


def gpt_oss_config(m: arch.CausalLM, specials: dict[str, int]) -> dict:
    s = m.s
    kinds = ["sliding_attention" if i % 2 == 0 else "full_attention" for i in range(s.layers)]
    kept = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    return {
        "architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", **shared_config(s, specials),
        "attention_bias": True, "intermediate_size": s.expert_size, "num_local_experts": s.experts,
        "layer_types": kinds, "sliding_window": arch.SLIDING_WINDOW, "swiglu_limit": arch.SWIGLU_LIMIT, "rms_norm_eps": 1e-5,
        "rope_scaling": {"rope_type": "yarn", **arch.YARN, "truncate": False},
        "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": kept},
    }


def qwen3_next_config(m: arch.CausalLM, specials: dict[str, int]) -> dict:
    s = m.s
    plain = [n for n, part in m.named_modules() if isinstance(part, (arch.Conv1d, arch.Linear)) and not getattr(part, "fp8", False)]
    return {
        "architectures": ["Qwen3NextForCausalLM"], "model_type": "qwen3_next", **shared_config(s, specials),
        "attention_bias": False, "decoder_sparse_step": 1, "full_attention_interval": arch.FULL_ATTENTION_INTERVAL,
        "intermediate_size": 2 * s.expert_size, "moe_intermediate_size": s.expert_size,
        "shared_expert_intermediate_size": s.expert_size, "num_experts": s.experts, "norm_topk_prob": True,
        "mlp_only_layers": [], "linear_conv_kernel_dim": arch.CONV_WIDTH, "linear_key_head_dim": arch.DELTA_DIM,
        "linear_value_head_dim": arch.DELTA_DIM, "linear_num_key_heads": arch.DELTA_KEY_HEADS,
        "linear_num_value_heads": arch.DELTA_VALUE_HEADS, "partial_rotary_factor": arch.PARTIAL_ROTARY, "rms_norm_eps": 1e-6,
        "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                                "weight_block_size": [128, 128], "modules_to_not_convert": ["lm_head", *plain]},
    }


WRITERS = {"gpt-oss": (gpt_oss_config, gpt_oss_tensors), "qwen3-next": (qwen3_next_config, qwen3_next_tensors)}


def export(kind: str, m: arch.CausalLM, folder: Path, specials: dict[str, int], stops: list[int]) -> None:
    """`specials`: bos_token_id, eos_token_id, pad_token_id of config.json; `stops`: tokens that end an answer."""
    folder.mkdir(parents=True, exist_ok=True)
    config, tensors = WRITERS[kind]
    write_json(folder / "config.json", config(m, specials))
    write_json(folder / "generation_config.json", {**specials, "eos_token_id": stops, "do_sample": False})
    weights = folder / "model.safetensors"
    save_file({n: t.detach().cpu().contiguous() for n, t in tensors(m).items()}, weights, metadata={"format": "pt"})
    weights.chmod(0o644)


def weights_of(m: arch.CausalLM, folder: Path) -> dict[str, torch.Tensor]:
    """What export() wrote of a model like m, as its state_dict: weights that are quantised have lost nothing since."""
    stored = load_file(folder / "model.safetensors")

    def decoded(name: str) -> torch.Tensor:
        if name + "_blocks" in stored:
            return mxfp4_unpack(stored[name + "_blocks"], stored[name + "_scales"])
        if name + "_scale_inv" in stored:
            return fp8_unpack(stored[name], stored[name + "_scale_inv"])
        return stored[name].float()

    def whole(name: str) -> torch.Tensor:
        if ".experts." not in name or name + "_blocks" in stored or name in stored:
            return decoded(name)
        layer, kind = name.split(".experts.")
        return torch.stack([decoded(f"{layer}.experts.{i}.{kind}.weight") for i in range(m.s.experts)])

    return {name: whole(name) for name in m.state_dict()}
