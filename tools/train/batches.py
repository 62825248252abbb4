# SPDX-License-Identifier: Apache-2.0
"""Packed rows for training: batch i of a seed is always the same, whichever process draws it."""
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import Dataset

import data
import formats
import tokenizer as tokens

ROW = 1024      # tokens of a row
JOINED = 8      # in one row of so many all samples are one document, so that the model meets long contexts
DRAW = 256      # samples drawn at a time
GIVE_UP = 16    # samples in a row that found no room: the batch is full


class Rows:
    """[rows, ROW] each: tokens, the tokens that follow them, weights of these in the loss, and whose they are."""

    def __init__(self, rows: int, joined: bool):
        self.joined = joined
        self.tokens, self.targets = (np.zeros((rows, ROW), np.int64) for _ in range(2))
        self.weights, self.document = np.zeros((rows, ROW), np.float32), np.zeros((rows, ROW), np.int64)
        self.used, self.count = [0] * rows, [0] * rows

    def add(self, ids: np.ndarray, weights: np.ndarray) -> tuple[int, int] | None:
        """Into the first row with room; (row, document), or None. Documents of a row count from 1; 0 is padding."""
        n = len(ids) - 1
        for row, used in enumerate(self.used):
            if used + n <= ROW:
                place = slice(used, used + n)
                self.tokens[row, place], self.targets[row, place] = ids[:-1], ids[1:]
                if not (self.joined and row % JOINED == 0 and self.count[row]):
                    self.count[row] += 1
                self.weights[row, place], self.document[row, place] = weights[1:], self.count[row]
                self.used[row] += n
                return row, self.count[row]
        return None

    def tensors(self) -> tuple[torch.Tensor, ...]:
        return tuple(torch.from_numpy(a) for a in (self.tokens, self.targets, self.weights, self.document))


class Batches(Dataset):
    def __init__(self, form: str, tokenizer_file: Path, seed: int, rows: int, count: int):
        self.form, self.file, self.seed, self.rows, self.count = form, str(tokenizer_file), seed, rows, count
        self.tokenizer = None

    def __len__(self) -> int:
        return self.count

    def encoded(self, samples: list[dict], rng: random.Random) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        self.tokenizer = self.tokenizer or Tokenizer.from_file(self.file)
        return zip(*tokens.encode_segments(self.tokenizer, [formats.segments(s, self.form, rng) for s in samples]))

    def __getitem__(self, i: int) -> tuple[torch.Tensor, ...]:
        rng, rows, refused, part = random.Random(f"{self.seed} {i}"), Rows(self.rows, True), 0, 0
        while refused < GIVE_UP:
            for ids, weights in self.encoded(data.draw(self.seed, i << 12 | part, DRAW), rng):
                refused = 0 if rows.add(ids, weights) else refused + 1
                if refused == GIVE_UP:
                    break
            part += 1
        return rows.tensors()

    def held_out(self, task: str, n: int, seed: int) -> tuple[tuple[torch.Tensor, ...], list[tuple[int, int]]]:
        """Samples that training never draws, and where each lies; what finds no room in `rows` is left out."""
        rows = Rows(self.rows, False)
        places = [rows.add(*pair) for pair in self.encoded(data.held_out(task, n, seed), random.Random(seed))]
        return rows.tensors(), [p for p in places if p]
