"""Questions -> statements, from facts alone; what no fact says is refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from claire.core.bands import Modality
from claire.core.facts import Fact, FactKind
from claire.reasoning import phrases
from claire.reasoning.book import FactBook, Statement
from claire.reasoning.grounding import REFUSALS
from claire.reasoning.lexicon import KNOWN_CLASSES
from claire.reasoning.plain import clean_text

NOT_TOLD = REFUSALS[0]
NO_EVIDENCE = REFUSALS[-1]
MOST_CLASSES = 3
"""Classes that an answer about no class in particular speaks of."""

OBSERVED: tuple[FactKind, ...] = ("observed", "observed_date")
"""Facts that say that a sensor saw something."""

MOST_EXPLAINED = 2
"""Classes whose sensors such an answer speaks of."""

SYNONYMS = {
    "forest": "trees", "forests": "trees", "tree": "trees", "woods": "trees", "crop": "crops", "fields": "crops",
    "farmland": "crops", "buildings": "built", "city": "built", "urban": "built", "snow": "snow or ice",
    "ice": "snow or ice", "grassland": "rangeland", "flooding": "flood", "floods": "flood", "flooded": "flood",
}  # fmt: skip
"""Word of a question -> class name."""


@dataclass(frozen=True)
class Question:
    """What a question is about.

    Args:
        text: Plain, case-folded.
        classes: Classes of the analysis it names, in its order.
        foreign: True when it names a class that the analysis has not.
        sensors: Sensors it names.
    """

    text: str
    classes: tuple[str, ...]
    foreign: bool
    sensors: tuple[Modality, ...]


def answer(book: FactBook, question: str, compose: Callable[[FactBook], Iterable[Statement]]) -> Iterator[Statement]:
    """Answer a question.

    Args:
        book: Facts of the analysis.
        question: As typed; never repeated, never obeyed.
        compose: The whole narrative, for a question that asks for it.

    Returns:
        Statements, none twice; a refusal when no fact tells.
    """
    return answer_asked(book, read_question(book, question), compose)


def answer_asked(
    book: FactBook, asked: Question, compose: Callable[[FactBook], Iterable[Statement]]
) -> Iterator[Statement]:
    """Answer a question that is already read, see `answer`."""
    said: set[str] = set()
    if not asked.foreign:
        reply = _find_reply(asked)
        statements = compose(book) if reply is _say_all else reply(book, asked) if reply else _say_named(book, asked)
        for statement in statements:
            if statement is not None and statement.text not in said:
                said.add(statement.text)
                yield statement
    if not said:
        yield Statement(NOT_TOLD, ())
        yield from _say_classes(book)


def read_question(book: FactBook, question: str) -> Question:
    """What a question names, without control tokens and markup."""
    text = clean_text(question).casefold()
    found: dict[int, str] = {}
    rest = text
    for name in sorted(book.classes, key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", rest):
            found[match.start()] = name
            rest = rest[: match.start()] + "\x00" * len(match.group()) + rest[match.end() :]
    by_fold = {name.casefold(): name for name in book.classes}
    foreign = False
    for match in re.finditer(r"\w+", rest):
        word = match.group()
        meant = by_fold.get(SYNONYMS.get(word, word)) or by_fold.get(word + "s") or by_fold.get(word.removesuffix("s"))
        if meant is not None:
            found[match.start()] = meant
        foreign |= meant is None and (word in KNOWN_CLASSES or SYNONYMS.get(word) in KNOWN_CLASSES)
    sensors: list[Modality] = []
    if re.search(r"\b(optical|camera|colou?r|sentinel-?2)\b", rest):
        sensors.append("optical")
    if re.search(r"\b(sar|radar|sentinel-?1)\b", rest):
        sensors.append("sar")
    classes = tuple(dict.fromkeys(found[place] for place in sorted(found)))
    return Question(text, classes, foreign and not classes, tuple(sensors))


def _chosen(book: FactBook, asked: Question) -> Sequence[str]:
    return asked.classes or book.present[:MOST_CLASSES]


def _say_all(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield from ()


def _say_how_much(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in _chosen(book, asked):
        yield phrases.say_area(book, name)


def _say_named(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in asked.classes:
        yield phrases.say_area(book, name)
        yield phrases.say_place(book, name)
        yield phrases.say_confidence(book, name)


def _say_where(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in _chosen(book, asked):
        yield phrases.say_place(book, name) or phrases.say_area(book, name)


def _say_sure(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in _chosen(book, asked):
        yield phrases.say_confidence(book, name) or phrases.say_area(book, name)
    if not asked.classes:
        yield phrases.say_weakest(book)
    yield phrases.say_calibration(book)
    yield phrases.say_label(book)


def _say_weakest(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_weakest(book)
    for fact in book.find_all("weakest")[:1]:
        yield phrases.say_confidence(book, fact.subject)


def _say_sensor(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    names = asked.classes or book.present[:MOST_EXPLAINED]
    for name in names:
        yield phrases.say_trust(book, name)
        yield from phrases.say_measured(book, name)
    if not asked.classes:
        yield phrases.say_winner(book)
        yield phrases.say_best_map(book)
    missing = [fact for fact in book.find_all("observed") if fact.number == 0]
    if missing:
        yield phrases.say_observed(book)


def _say_why(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    if not asked.classes:
        yield from _say_sensor(book, asked)
        return
    name = asked.classes[0]
    if name not in book.present:
        yield phrases.say_area(book, name)
        return
    yield phrases.say_confidence(book, name)
    yield phrases.say_entropy(book, name)
    yield phrases.say_trust(book, name)
    measured = phrases.say_measured(book, name)
    yield from measured
    for fact in book.find_all("confusion"):
        if {fact.subject, fact.other} <= set(asked.classes):
            yield phrases.say_confusion(book)
    for other in asked.classes[1:]:
        yield phrases.say_area(book, other)
    if not measured:
        yield Statement(NO_EVIDENCE, ())


def _say_without(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for gone in asked.sensors:
        other: Modality = "sar" if gone == "optical" else "optical"
        observed = book.find("observed", mode=gone)
        if observed is not None and observed.number == 0:
            yield phrases.say_observed(book)
        elif other in book.modes and book.lead != other:
            for name in _chosen(book, asked):
                yield phrases.say_without(book, name, other)
            yield phrases.say_scores_without(book, other)


def _say_quality(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in _chosen(book, asked):
        yield phrases.say_scores(book, name)
    if not asked.classes:
        yield phrases.say_accuracy(book)
        yield phrases.say_best_map(book)
    yield phrases.say_label(book)


def _say_disagreement(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_disagreement(book)
    yield phrases.say_winner(book)


def _say_doubts(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_confusion(book)
    yield phrases.say_weakest(book)
    for place in range(2):
        yield phrases.say_failure(book, place)
    for place in range(2):
        yield phrases.say_limit(book, place)


def _say_seen(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_observed(book)
    yield phrases.say_date(book)


def _say_instrument(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_sensors(book)
    yield from phrases.say_bands(book)


def _say_training(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    for name in _chosen(book, asked):
        yield phrases.say_rare(book, name)


def _say_calibration(book: FactBook, asked: Question) -> Iterator[Statement | None]:
    yield phrases.say_calibration(book)
    yield phrases.say_temperature(book)


def _say_classes(book: FactBook) -> Iterator[Statement]:
    shares: list[Fact] = [share for name in book.classes if (share := book.find("area_share", name))]
    if shares:
        listed = phrases.join([share.subject for share in shares])
        yield Statement(f"The classes that it tells about are {listed}.", tuple(shares))


def find_unmeasured(facts: Sequence[Fact], question: str) -> str:
    """The class whose evidence a question asks for and no fact tells; "" when there is none.

    Args:
        facts: Of an analysis.
        question: As typed.

    Returns:
        Name of a class as the facts have it.
    """
    book = FactBook(facts, np.random.default_rng(0))
    asked = read_question(book, question)
    if asked.foreign or _find_reply(asked) not in (_say_why, _say_sensor):
        return ""
    wanted = [name for name in asked.classes or book.present[:MOST_EXPLAINED] if name in book.present]
    told = {fact.subject for fact in book.find_all("contribution")}
    return "" if not wanted or told & set(wanted) else wanted[0]


def needs_measuring(facts: Sequence[Fact], question: str) -> bool:
    """Whether a question asks for what no fact tells and a model could measure; arguments as for `lacks_map`."""
    return bool(find_unmeasured(facts, question)) or lacks_map(facts, question)


def lacks_map(facts: Sequence[Fact], question: str) -> bool:
    """Whether a question asks what would be without a sensor, and the analysis has no map of the other one.

    Args:
        facts: Of an analysis.
        question: As typed.
    """
    book = FactBook(facts, np.random.default_rng(0))
    asked = read_question(book, question)
    if asked.foreign or _find_reply(asked) is not _say_without:
        return False
    observed = [fact for kind in OBSERVED for fact in book.find_all(kind)]
    blind = {fact.modes[-1] for fact in observed} - {fact.modes[-1] for fact in observed if fact.number > 0}
    others: dict[Modality, Modality] = {"optical": "sar", "sar": "optical"}
    return any(not {gone, others[gone]} & blind and others[gone] not in book.modes for gone in asked.sensors)


def _find_reply(asked: Question) -> Reply | None:
    return next((reply for pattern, reply in INTENTS if re.search(pattern, asked.text)), None)


Reply = Callable[[FactBook, Question], Iterator[Statement | None]]

INTENTS: tuple[tuple[str, Reply], ...] = (
    (r"\b(without|what if|if .*(missing|gone|failed)|leave out|only (optical|sar|radar))\b", _say_without),
    (r"\b(weakest|worst|poorest|least)\b", _say_weakest),
    (r"\b(disagree\w*|differ\w*|contradict\w*)\b", _say_disagreement),
    (r"\b(which|what) (satellite|instrument|bands?|polari[sz]ation)", _say_instrument),
    (r"\b(which|what) (sensor|modality)|\bwho decided|\b(decid|trust|rel[iy]|led|contribut)\w*", _say_sensor),
    (r"\b(why|how come|instead of|rather than|reason)\b", _say_why),
    (r"\b(calibrat\w*|temperature|ece)\b", _say_calibration),
    (r"\b(sure|confiden\w*|certain\w*|uncertain\w*|doubt\w*|believ\w*)\b", _say_sure),
    (r"\b(rare|training|trained|prevalence)\b", _say_training),
    (r"\b(accura\w*|iou|miou|f1|precision|recall|scores?|correct|good|quality|right|true)\b", _say_quality),
    (r"\b(wrong|fail\w*|limit\w*|mistak\w*|confus\w*|caveat\w*|problem\w*|errors?|careful)\b", _say_doubts),
    (r"\b(cloud\w*|seen|saw|observed|missing|gaps?|nodata|valid)\b", _say_seen),
    (r"\b(where|location|located|place|part of)\b", _say_where),
    (r"\b(how (much|many|large|big)|area|share|percent\w*|hectares?|extent|cover\w*|size)\b", _say_how_much),
    (r"\b(summar\w*|describe|explain|tell me|report|what (do|can) (you|we) see|overview)\b", _say_all),
)
"""What a question asks for -> what is said; the first that fits."""
