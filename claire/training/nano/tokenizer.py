"""The tokens of nano: bytes, frequent pieces of words, one token per slot, topic mark and chat tag."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from claire.reasoning.prompt import ASSISTANT, DONE, END, SYSTEM, USER
from claire.reasoning.slots import FIELDS, OF_THE_TILE

PAD = "<|endoftext|>"
CONTROLS = (PAD, SYSTEM, USER, ASSISTANT, END)
"""Tags that only a prompt holds; the first one begins a text and pads it."""
CLASS_LETTERS = "ABCDEFGHIJ"
CLASS_FIELDS = (
    "area_share", "area", "location", "confidence", "low_confidence", "entropy", "iou", "precision", "recall",
    "extent", "confusion", "prevalence", "trust",
)  # fmt: skip
TILE_SLOTS = (
    "accuracy", "ece", "temperature", "mean_iou", "mean_iou.optical", "mean_iou.sar", "disagreement.sar",
    "right.optical", "right.sar", "followed.optical", "followed.sar", "observed", "observed.optical", "observed.sar",
    "observed_date.optical", "observed_date.sar", "date", "failure", "limit", "notices", "sensor.optical", "sensor.sar",
)  # fmt: skip
MARKS = 40
"""Topics with a token of their own; further ones are spelled."""
OWN_WORDS = 12
"""Facts that have a token for their own sentence."""


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, and the merges of the byte pair encoding.

    Args:
        tokens: In the order of their ids.
        merges: "left right", in the order of application.
        controls: Chat tags.
        slots: Slots and marks.
    """

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    controls: tuple[str, ...]
    slots: tuple[str, ...]


def list_slots() -> tuple[str, ...]:
    """Everything that has a token of its own, so that it is written in one step and never misspelled."""
    fields = [FIELDS.get(kind, kind) for kind in CLASS_FIELDS]  # type: ignore[call-overload]
    return (
        DONE,
        *(f"<{number}>" for number in range(1, MARKS + 1)),
        *(f"<{letter}>" for letter in CLASS_LETTERS),
        *(f"<{letter}.{name}>" for letter, name in itertools.product(CLASS_LETTERS, fields)),
        *(f"<{OF_THE_TILE}.{name}>" for name in TILE_SLOTS),
        *(f"<S{number}>" for number in range(OWN_WORDS)),
    )


def build_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn the pieces from texts.

    Args:
        texts: Prompts and answers.
        size: Tokens in all.
    """
    tokenizer = Tokenizer(models.BPE())
    # The same cuts as the pre-tokenizer "smollm" of llama.cpp: digits one by one, then words with the blank before.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*CONTROLS, *list_slots()],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def read_vocabulary(tokenizer: Tokenizer, size: int) -> Vocabulary:
    """What a model file needs to know of a tokenizer; unused ids are filled up."""
    content = json.loads(tokenizer.to_str())["model"]
    by_id = {number: token for token, number in tokenizer.get_vocab(with_added_tokens=True).items()}
    tokens = tuple(by_id.get(number, f"[unused {number}]") for number in range(size))
    merges = tuple(pair if isinstance(pair, str) else " ".join(pair) for pair in content["merges"])
    return Vocabulary(tokens, merges, CONTROLS, list_slots())
