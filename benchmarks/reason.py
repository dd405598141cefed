"""nano: first word, whole narrative, and tokens per second beside plain llama-cpp-python with the same grammars.

Run it with `python -m benchmarks.reason` where llama-cpp-python is installed. Both sides write the same sentences from
the same prompts and grammars, greedily, in turns; plain llama-cpp-python runs in this process without the worker.
`--stress` adds eight sessions that ask at once, cancelled narratives and killed workers.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import threading
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.machine import describe_machine
from claire.core.settings import Settings
from claire.reasoning.gguf import find_file, has_llama
from claire.reasoning.grammar import build_exact_grammar
from claire.reasoning.language import LanguageNarrator, open_language_narrator
from claire.reasoning.owner import ModelOwner, Written
from claire.reasoning.prompt import build_prompt
from claire.reasoning.topics import build_plan, drop, offer
from claire.training.nano.narratives import draw_facts

SENTENCES = 25
SESSIONS, REQUESTS, CANCELS, KILLS = 8, 25, 200, 5


@dataclass(frozen=True)
class Asked:
    """One completion that both sides do."""

    prompt: str
    grammar: str


def write_through_engine(owner: ModelOwner, seed: int) -> tuple[list[Asked], list[str], int, float]:
    """A greedy narrative sentence by sentence: what was asked, what came, tokens and seconds."""
    plan = build_plan(draw_facts(np.random.default_rng(seed)))
    left = plan.topics
    asked: list[Asked] = []
    texts: list[str] = []
    tokens, start = 0, time.perf_counter()
    with owner.turn() as turn:
        while left and len(texts) < SENTENCES:
            offered = {topic.mark: topic for topic in offer(plan, left)}
            grammar = build_exact_grammar(list(offered.values()), may_end=False)
            asked.append(Asked(build_prompt(plan).text + "".join(texts), grammar))
            written = Written()
            text = "".join(turn.complete(asked[-1].prompt, grammar, written)) + "\n"
            tokens += written.tokens
            texts.append(text)
            left = drop(plan, left, offered[text[: text.find(">") + 1]])
    return asked, texts, tokens, time.perf_counter() - start


def write_plainly(model: object, asked: list[Asked]) -> tuple[list[str], float]:
    """The same by `Llama.create_completion`: what came, and seconds."""
    from llama_cpp import LlamaGrammar

    texts, start = [], time.perf_counter()
    for each in asked:
        grammar = LlamaGrammar.from_string(each.grammar, verbose=False)
        stream = model.create_completion(  # type: ignore[attr-defined]
            each.prompt, grammar=grammar, temperature=0.0, max_tokens=250, stop=["\n"], stream=True
        )
        texts.append("".join(piece["choices"][0]["text"] for piece in stream) + "\n")
    return texts, time.perf_counter() - start


def measure_narratives(settings: Settings, count: int) -> tuple[list[float], list[float]]:
    """Seconds to the first word and to the last one, from a warm worker."""
    file = find_file("nano", settings)
    firsts, wholes = [], []
    for seed in range(count + 1):
        facts = draw_facts(np.random.default_rng([seed, 1]))
        start, first = time.perf_counter(), 0.0
        for _ in open_language_narrator(file, settings, seed=seed).narrate(facts):
            first = first or time.perf_counter() - start
        if seed:  # the first one starts the worker
            firsts.append(first)
            wholes.append(time.perf_counter() - start)
    return firsts, wholes


def tell(owner: ModelOwner, seed: int) -> str:
    """A greedy narrative."""
    narrator = LanguageNarrator("nano", owner, temperature=0.0)
    return "".join(token.text for token in narrator.narrate(draw_facts(np.random.default_rng(seed))))


def measure_first(owner: ModelOwner) -> float:
    """Seconds to the first word of the next narrative, of which no more is heard."""
    start = time.perf_counter()
    tokens = iter(LanguageNarrator("nano", owner).narrate(draw_facts(np.random.default_rng(0))))
    next(tokens)
    seconds = time.perf_counter() - start
    tokens.close()  # type: ignore[attr-defined]
    return seconds


def compare_sessions(owner: ModelOwner) -> tuple[int, float]:
    """Narratives of sessions at once that differ from those told alone, and seconds of all."""
    alone = [tell(owner, seed) for seed in range(REQUESTS)]
    together: dict[tuple[int, int], str] = {}

    def ask(session: int) -> None:
        for turn in range(REQUESTS):
            seed = (session + turn) % REQUESTS
            together[session, turn] = tell(owner, seed)

    threads = [threading.Thread(target=ask, args=(session,)) for session in range(SESSIONS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same = sum(text == alone[(session + turn) % REQUESTS] for (session, turn), text in together.items())
    return SESSIONS * REQUESTS - same, time.perf_counter() - start


def stress(owner: ModelOwner) -> None:
    """Sessions at once, cancels, kills."""
    different, seconds = compare_sessions(owner)
    print(
        f"\n{SESSIONS} sessions x {REQUESTS} narratives at once: {different} differ from those alone, {seconds:.0f} s"
    )
    rng, starts, waits = np.random.default_rng(0), owner.starts, []
    for number in range(CANCELS):
        tokens = iter(LanguageNarrator("nano", owner, seed=number).narrate(draw_facts(np.random.default_rng(number))))
        for _ in range(int(rng.integers(16))):
            next(tokens, None)
        tokens.close()  # type: ignore[attr-defined]
        waits.append(measure_first(owner))
    print(show(f"first word after a cancel ({CANCELS})", waits) + f"   {owner.starts - starts} workers replaced")
    waits = []
    for _ in range(KILLS):
        os.kill(owner.pid or 0, signal.SIGKILL)
        waits.append(measure_first(owner))
    print(show(f"first word after a kill ({KILLS})", waits))


def show(title: str, seconds: list[float]) -> str:
    """One line of the table."""
    slow = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return f"{title:34} {1000 * statistics.median(seconds):8.0f} {1000 * slow:8.0f} {1000 * max(seconds):8.0f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="narratives")
    parser.add_argument("--stress", action="store_true", help="sessions at once, cancels and kills as well")
    given = parser.parse_args()
    count = given.count
    if not has_llama():
        print("llama-cpp-python is not installed: nothing to measure.")
        return
    from claire.reasoning.llama import open_model

    settings = Settings.from_environment()
    print(describe_machine(1))
    firsts, wholes = measure_narratives(settings, count)
    print(f"\n{'ms, ' + str(count) + ' narratives':34} {'median':>8} {'p95':>8} {'max':>8}")
    print(show("first word", firsts))
    print(show("whole narrative", wholes))

    owner = open_language_narrator(find_file("nano", settings), settings).owner
    plain = open_model(owner.load).llama
    write_plainly(plain, write_through_engine(owner, 0)[0])
    ours, theirs, tokens, equal = 0.0, 0.0, 0, 0
    for seed in range(count):
        asked, texts, written, seconds = write_through_engine(owner, seed)
        same, plainly = write_plainly(plain, asked)
        if same == texts:  # the same tokens, so the seconds can be compared
            ours, theirs, tokens, equal = ours + seconds, theirs + plainly, tokens + written, equal + 1
    print(f"\n{equal} of {count} texts equal, {tokens} tokens")
    print(
        f"tokens/s: engine {tokens / ours:.0f}, plain llama-cpp-python {tokens / theirs:.0f}, ratio {theirs / ours:.2f}"
    )
    if given.stress:
        stress(owner)
    owner.close()


if __name__ == "__main__":
    main()
