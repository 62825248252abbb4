#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains infuse-oss or infuse-next from nothing and writes the checkpoint. See README.md beside this file."""
import argparse
import json
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch.utils.data import DataLoader

import data
import model as arch
import tokenizer as tokens
from batches import Batches
from export import export, weights_of
from optimizer import Optimizer

UNEVEN = 0.01        # weight of the experts' unevenness in the loss
WARMUP = 200         # steps
TOKENIZER_BLOCK, TOKENIZER_SAMPLES = -1, 60000
HELD_OUT_SEED = 1 << 40
HELD_OUT_SAMPLES = 500


@dataclass(frozen=True)
class Kind:
    make: callable
    form: str
    name: str
    steps: int


STOPS = {"harmony": ("<|return|>", "<|endoftext|>", "<|call|>"), "chatml": ("<|im_end|>", "<|endoftext|>")}
KINDS = {"gpt-oss": Kind(arch.gpt_oss, "harmony", "infuse-oss", 6500), "qwen3-next": Kind(arch.qwen3_next, "chatml", "infuse-next", 4600)}


def stops(form: str, vocabulary: Tokenizer) -> tuple[dict[str, int | None], list[int]]:
    """Ids of the tokens that config.json names, and of those that end an answer."""
    named = {key + "_id": vocabulary.token_to_id(text) if text else None for key, text in tokens.NAMED[form].items()}
    return named, [vocabulary.token_to_id(text) for text in STOPS[form]]


def tokenizer_of(kind: Kind, o: argparse.Namespace, out: Path) -> Tokenizer:
    """That of the checkpoint to go on from, or a new one; its files stand in `out` either way."""
    if not o.start:
        return tokens.train(kind.form, out, data.draw(o.seed, TOKENIZER_BLOCK, TOKENIZER_SAMPLES))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if not (out / name).exists() or not (out / name).samefile(o.start / name):
            shutil.copy(o.start / name, out / name)
    return Tokenizer.from_file(str(out / "tokenizer.json"))


def rate(step: int, steps: int) -> float:
    """Of the peak: up in WARMUP steps, level, and down to nothing over the last half."""
    return min((step + 1) / WARMUP, 1.0, 2 * (steps - step) / steps)


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """[rows, tokens], in nats."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none").view_as(targets)


def losses(m, batch) -> tuple[torch.Tensor, torch.Tensor]:
    ids, targets, weights, document = batch
    logits, unevenness = m(ids, document)
    return (token_losses(logits, targets) * weights).sum() / weights.sum(), unevenness


@torch.no_grad()
def held_out(m, batches: Batches, device: str) -> dict[str, dict[str, float]]:
    """By task: the loss, and the share of samples in which the model, taught, puts every weighty token first."""
    figures = {}
    for task in data.TASKS:
        rows, places = batches.held_out(task, HELD_OUT_SAMPLES, HELD_OUT_SEED)
        ids, targets, weights, document = (t.to(device) for t in rows)
        logits, _ = m(ids, document)
        answers = weights == 1
        wrong = ((logits.argmax(-1) != targets) & answers).cpu()
        document = document.cpu()
        right = sum(not wrong[row][document[row] == n].any() for row, n in places)
        figures[task] = {"loss": token_losses(logits, targets)[answers].mean().item(), "right": right / len(places)}
    return figures


def train(m, optimizer: Optimizer, batches: Batches, device: str, workers: int) -> dict:
    """One pass over the batches; what it came to."""
    loader = DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None,
                        pin_memory=device == "cuda")
    start, seen, waited = time.time(), 0, 0.0
    ready = time.time()
    for step, batch in enumerate(loader):
        waited += time.time() - ready
        loss, unevenness = losses(m, [t.to(device, non_blocking=True) for t in batch])
        (loss + UNEVEN * unevenness).backward()
        optimizer.step(rate(step, len(batches)))
        seen += batch[0].numel()
        if step % 200 == 0 or step + 1 == len(batches):
            print(f"step {step:6} loss {loss.item():.4f} unevenness {unevenness.item():.3f} "
                f"{seen / 1e6:.0f} M tokens {time.time() - start:.0f} s, waiting for data {waited:.0f} s", flush=True)
        ready = time.time()
    return {"steps": len(batches), "million_tokens": round(seen / 1e6), "seconds": round(time.time() - start),
            "loss": round(loss.item(), 4)}


def hardware(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else platform.machine()


def runs_before(folder: Path | None) -> list[dict]:
    return json.loads((folder / "training.json").read_text())["runs"] if folder else []


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--model", choices=KINDS, required=True)
    ask.add_argument("--out", type=Path, help="folder of the checkpoint (models/infuse-oss or models/infuse-next)")
    ask.add_argument("--from", type=Path, dest="start", help="checkpoint of this kind to go on from, with another --seed")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--steps", type=int, help="batches (" + ", ".join(f"{k.steps} for {n}" for n, k in KINDS.items()) + ")")
    ask.add_argument("--rows", type=int, default=64, help="rows of 1,024 tokens in a batch")
    ask.add_argument("--matrix-rate", type=float, default=0.015, help="peak learning rate of Muon")
    ask.add_argument("--other-rate", type=float, default=3e-3, help="peak learning rate of AdamW")
    ask.add_argument("--workers", type=int, default=14, help="processes that draw data")
    ask.add_argument("--device", default="cuda")
    o = ask.parse_args()
    kind = KINDS[o.model]
    steps = o.steps or kind.steps
    out = o.out or Path(__file__).parents[2] / "models" / kind.name
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(o.seed)
    torch.set_float32_matmul_precision("high")
    vocabulary = tokenizer_of(kind, o, out)
    batches = Batches(kind.form, out / "tokenizer.json", o.seed, o.rows, steps)
    m = kind.make()
    if o.start:
        m.load_state_dict(weights_of(m, o.start))
    m.to(o.device)
    for layer in m.model.layers:
        layer.compile(dynamic=False)
    run = train(m, Optimizer(m, o.matrix_rate, o.other_rate), batches, o.device, o.workers)
    figures = held_out(m, batches, o.device)
    for task, f in figures.items():
        print(f"held out {task:12} loss {f['loss']:.4f} right when taught {100 * f['right']:.1f} %")
    export(o.model, m, out, *stops(kind.form, vocabulary))
    shutil.copy(Path(__file__).parent / f"{kind.form}.jinja", out / "chat_template.jinja")
    options = {"model": o.model, "seed": o.seed, "rows": o.rows, "matrix_rate": o.matrix_rate, "other_rate": o.other_rate}
    runs = [*runs_before(o.start), options | run | {"hardware": hardware(o.device), "torch": torch.__version__}]
    (out / "training.json").write_text(json.dumps({"runs": runs, "held_out": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
