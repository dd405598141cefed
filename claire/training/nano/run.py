"""The training run of nano: recipe in, GGUF and its transformers copy out; goes on where it stopped."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import Phi3Config, Phi3ForCausalLM

from claire.training.nano.narratives import Text, draw_texts
from claire.training.nano.recipe import NanoRecipe
from claire.training.nano.tokenizer import PAD, build_tokenizer

Progress = Callable[[str], None]

TOKENIZER_TEXTS = 400
SORTED_BATCHES = 8
"""Batches that are drawn together and sorted by length, so that little is padded."""
SAVE_EVERY = 50
IGNORED = -100
"""Target of what is read and not written."""

Example = tuple[list[int], int]
"""Token ids, and how many of them are prompt."""


def train_nano(recipe: NanoRecipe, runs: Path, *, report: Progress = print) -> tuple[Phi3ForCausalLM, Tokenizer]:
    """Train, or go on with the training of, a small language model.

    Args:
        recipe: The run.
        runs: Folder of the state that a run goes on from.
        report: Receives one line now and then.

    Returns:
        The model in evaluation mode, and its tokenizer.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    folder = runs / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _get_tokenizer(recipe, folder / "tokenizer.json")
    model = build_model(recipe, tokenizer)
    optimiser = torch.optim.AdamW(_group(model, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.95))
    state, done = folder / "state.pt", 0
    if state.is_file():
        stored = torch.load(state, weights_only=True)
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        done = int(stored["step"])
    model.train()
    start, mean = time.perf_counter(), math.nan
    batches = draw_batches(recipe, tokenizer, done)
    for step in range(done, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * get_rate(step, recipe)
        loss = compute_loss(model, next(batches), recipe, get_id(tokenizer, PAD))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        mean = float(loss.detach()) if math.isnan(mean) else 0.95 * mean + 0.05 * float(loss.detach())
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == recipe.steps:
            stored = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            partial = state.with_suffix(".part")
            torch.save(stored, partial)
            partial.replace(state)
            report(f"step {step + 1}/{recipe.steps} loss {mean:.4f} {time.perf_counter() - start:.0f} s")
    model.train(mode=False)
    return model, tokenizer


def build_model(recipe: NanoRecipe, tokenizer: Tokenizer) -> Phi3ForCausalLM:
    """The network with random weights."""
    pad = get_id(tokenizer, PAD)
    config = Phi3Config(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        original_max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        pad_token_id=pad,
        bos_token_id=pad,
        eos_token_id=pad,
    )
    return Phi3ForCausalLM(config)


def compute_loss(model: Phi3ForCausalLM, batch: Sequence[Example], recipe: NanoRecipe, pad: int) -> torch.Tensor:
    """Mean cross entropy of the tokens that the model is to write.

    Args:
        model: The network.
        batch: Examples, cut at the context.
        recipe: Of the run.
        pad: Token that fills up shorter texts; nothing sees it, because attention looks back only.
    """
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), longest), pad)
    targets = torch.full((len(batch), longest), IGNORED)
    for row, (tokens, read) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, read : len(tokens)] = torch.tensor(tokens[read:])
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16-mixed"):
        logits = model(input_ids=ids[:, :-1]).logits
    return cross_entropy(logits.flatten(0, 1).float(), targets[:, 1:].flatten(), ignore_index=IGNORED)


def draw_batches(recipe: NanoRecipe, tokenizer: Tokenizer, done: int) -> Iterator[list[Example]]:
    """Batches without end, from the step that comes next."""
    group = recipe.batch * SORTED_BATCHES
    texts = draw_texts(recipe.seed, done * recipe.batch)
    while True:
        examples = [encode(text, tokenizer, recipe.context) for text in itertools.islice(texts, group)]
        examples.sort(key=lambda example: len(example[0]))
        order = torch.randperm(SORTED_BATCHES).tolist()
        yield from (examples[place * recipe.batch : (place + 1) * recipe.batch] for place in order)


def get_id(tokenizer: Tokenizer, token: str) -> int:
    """Id of a token.

    Raises:
        KeyError: There is none.
    """
    return int(tokenizer.get_vocab(with_added_tokens=True)[token])


def encode(text: Text, tokenizer: Tokenizer, longest: int) -> Example:
    """A text as token ids, with how many of them are read."""
    prompt = [get_id(tokenizer, PAD), *tokenizer.encode(text.prompt).ids]
    return [*prompt, *tokenizer.encode(text.answer).ids][:longest], min(len(prompt), longest)


def get_rate(step: int, recipe: NanoRecipe) -> float:
    """Factor on the learning rate: up in a line, down in a cosine to a twentieth."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    part = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * part))


def _group(model: Phi3ForCausalLM, decay: float) -> list[dict[str, object]]:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _get_tokenizer(recipe: NanoRecipe, stored: Path) -> Tokenizer:
    if not stored.is_file():
        texts = itertools.islice(draw_texts(recipe.seed + 1), TOKENIZER_TEXTS)
        tokenizer = build_tokenizer((part for text in texts for part in (text.prompt, text.answer)), recipe.vocabulary)
        tokenizer.save(str(stored))
    return Tokenizer.from_file(str(stored))
