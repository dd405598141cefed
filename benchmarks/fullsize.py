"""A language model of the size of Phi-3-mini through our engine: loading, first word, speed, cancelling, memory.

Run it with `python -m benchmarks.fullsize` where llama-cpp-python is installed. The file is made here, 2.2 GB in the
temporary folder: the shapes and tags of Phi-3-mini-4k-instruct, four-bit weights (Q4_0) drawn at random, 32,064 tokens
of which those of this task can be spelled. What such a model writes is noise that keeps to the grammar; what it costs
is what the real one costs. `--keep FILE` writes it there and uses it again.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import gguf
import numpy as np

from benchmarks.machine import describe_machine
from claire.core.files import appearing
from claire.core.settings import Settings
from claire.reasoning.gguf import find_file, has_llama
from claire.reasoning.language import LanguageNarrator, open_language_narrator
from claire.reasoning.owner import ModelOwner, Written
from claire.reasoning.prompt import ASSISTANT, END, OPEN_STATIC, SYSTEM, USER
from claire.training.nano.narratives import draw_facts

HIDDEN, FEED_FORWARD, LAYERS, HEADS, CONTEXT, WINDOW = 3072, 8192, 32, 32, 4096, 2047
WORDS, TOKENS = 32_000, 32_064
TAGS = {"<|endoftext|>": 32_000, ASSISTANT: 32_001, SYSTEM: 32_006, END: 32_007, USER: 32_010}
"""Of Phi-3-mini-4k-instruct."""

BLOCK, BLOCK_BYTES = 32, 18
"""Weights of a Q4_0 block, and its bytes: a scale of 16 bits and 32 times four bits."""

SPREAD = 0.02 / 4
"""Scale of a block, so that weights have a spread of about 0.02."""


def draw_blocks(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Random weights, (rows, bytes of a row) uint8."""
    blocks = rng.integers(0, 256, (rows, columns // BLOCK, BLOCK_BYTES), dtype=np.uint8)
    blocks[..., :2] = np.frombuffer(np.float16(SPREAD).tobytes(), np.uint8)
    return blocks.reshape(rows, -1)


def list_tokens() -> tuple[list[str], list[float], list[int]]:
    """Tokens, scores and kinds as SentencePiece has them: bytes, the words of our prompts with all their beginnings."""
    kind = gguf.TokenType
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * 256]
    facts = [fact.text for seed in range(300) for fact in draw_facts(np.random.default_rng(seed))]
    words = {"\u2581" + word for word in " ".join([OPEN_STATIC, *facts]).split()}
    pieces = {word[:end] for word in words for end in range(1, len(word) + 1)} | {c for word in words for c in word}
    known = sorted(pieces, key=lambda piece: (len(piece), piece))[: WORDS - len(tokens)]
    tokens += known + [f"unused{number}" for number in range(WORDS - len(tokens) - len(known))]
    kinds += [kind.NORMAL] * (WORDS - len(kinds))
    scores = [-float(number) for number in range(WORDS)]
    by_id = {number: tag for tag, number in TAGS.items()}
    tokens += [by_id.get(number, f"<|placeholder{number}|>") for number in range(WORDS, TOKENS)]
    return tokens, scores + [-1000.0] * (TOKENS - WORDS), [*map(int, kinds), *[int(kind.CONTROL)] * (TOKENS - WORDS)]


def write_model(path: Path) -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    with appearing(path) as partial:
        writer = gguf.GGUFWriter(partial, "phi3")
        writer.add_name("claire-fullsize")
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
        writer.add_quantization_version(2)
        writer.add_context_length(CONTEXT)
        writer.add_rope_scaling_orig_ctx_len(CONTEXT)
        writer.add_embedding_length(HIDDEN)
        writer.add_feed_forward_length(FEED_FORWARD)
        writer.add_block_count(LAYERS)
        writer.add_head_count(HEADS)
        writer.add_head_count_kv(HEADS)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_dimension_count(HIDDEN // HEADS)
        writer.add_rope_freq_base(10_000.0)
        writer.add_sliding_window(WINDOW)
        writer.add_vocab_size(TOKENS)
        tokens, scores, kinds = list_tokens()
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_scores(scores)
        writer.add_token_types(kinds)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(TAGS["<|endoftext|>"])
        writer.add_unk_token_id(0)
        writer.add_pad_token_id(TAGS["<|endoftext|>"])
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(False)

        def add(name: str, blocks: np.ndarray) -> None:
            writer.add_tensor(name, blocks, raw_dtype=gguf.GGMLQuantizationType.Q4_0)

        ones = np.ones(HIDDEN, np.float32)
        words = draw_blocks(rng, TOKENS, HIDDEN)
        add("token_embd.weight", words)
        add("output.weight", words)
        writer.add_tensor("output_norm.weight", ones)
        for layer in range(LAYERS):
            writer.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
            writer.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)
            add(f"blk.{layer}.attn_qkv.weight", draw_blocks(rng, 3 * HIDDEN, HIDDEN))
            add(f"blk.{layer}.attn_output.weight", draw_blocks(rng, HIDDEN, HIDDEN))
            add(f"blk.{layer}.ffn_up.weight", draw_blocks(rng, 2 * FEED_FORWARD, HIDDEN))
            add(f"blk.{layer}.ffn_down.weight", draw_blocks(rng, HIDDEN, FEED_FORWARD))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


@contextmanager
def providing(path: Path | None) -> Iterator[Path]:
    """The file, kept where somebody wants to keep it."""
    with tempfile.TemporaryDirectory() as folder:
        place = path or Path(folder) / "fullsize.gguf"
        if not place.is_file():
            write_model(place)
        yield place


def narrate(narrator: LanguageNarrator, seed: int, most: int) -> tuple[float, float, float]:
    """Seconds to the first piece of text, pieces a second after that, and seconds to stop after `most` of them."""
    tokens = iter(narrator.narrate(draw_facts(np.random.default_rng(seed))))
    start = time.perf_counter()
    next(tokens)
    first = time.perf_counter()
    count = sum(1 for _ in islice(tokens, most))
    last = time.perf_counter()
    tokens.close()  # type: ignore[attr-defined]
    return first - start, count / (last - first), time.perf_counter() - last


def read_memory(process: int | None) -> float:
    """Resident memory of a process, bytes (Linux)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


def measure_prompt(owner: ModelOwner, begin: str) -> float:
    """Seconds from a prompt that begins like this to its first token, in the worker."""
    written = Written()
    prompt = f"{begin}{USER}\ntell\n<1>! share: flood covers 31.4 %{END}\n{ASSISTANT}\n"
    with owner.turn() as turn:
        for _ in turn.complete(prompt, "", written, temperature=0.0, seed=0, most=1):
            pass
    return written.first


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="where to write the file, or where it is")
    parser.add_argument("--pieces", type=int, default=60, help="pieces of text to hear of each narrative")
    given = parser.parse_args()
    if not has_llama():
        print("llama-cpp-python is not installed: nothing to measure.")
        return
    settings = replace(Settings.from_environment(), narrate_seconds=1800)
    print(describe_machine(settings.model_threads))
    with providing(given.keep) as path:
        print(f"\nfile                        {path.stat().st_size / 1e9:.2f} GB")
        narrator = open_language_narrator(find_file(str(path), settings), settings)
        cold, _, _ = narrate(narrator, 0, 0)
        print(f"loading, and the first word {cold:.1f} s")
        first, speed, stop = narrate(narrator, 1, given.pieces)
        print(f"first word, warm            {first:.2f} s")
        print(f"tokens per second           {speed:.1f}")
        print(f"stopping                    {1000 * stop:.0f} ms")
        print(f"memory of the worker        {read_memory(narrator.owner.pid) / 1e9:.2f} GB")
        anew = measure_prompt(narrator.owner, f".{OPEN_STATIC}")
        kept = measure_prompt(narrator.owner, OPEN_STATIC)
        print(f"first token, short prompt   {kept:.2f} s with the kept state of the rules, {anew:.2f} s without")
        narrator.owner.close()


if __name__ == "__main__":
    main()
