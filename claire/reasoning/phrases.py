"""Facts -> statements in the English of a careful analyst, several wordings for each.

Every wording keeps to what grounding can read: one claim per clause, the class before its number, and no word of
`claire.reasoning.lexicon` that is not meant as a claim. A function returns None where its facts were not measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from claire.core.bands import Modality, Mode
from claire.core.facts import Fact, FactKind
from claire.reasoning.book import FactBook, Statement
from claire.reasoning.facts import SENSOR_TITLES
from claire.reasoning.lexicon import MODE_TITLES
from claire.reasoning.wording import show

SCARCE = 0.95
"""Share of the tile seen below which a date is worth a sentence."""


def say_area(book: FactBook, name: str) -> Statement | None:
    """How much of the ground a class covers."""
    share, area, largest = book.find("area_share", name), book.find("area", name), book.find("largest", name)
    if share is None or area is None:
        return None
    title = book.title
    if share.number == 0:
        return book.say(
            [share],
            f"{name} is absent from {title}.",
            f"{name} is one of the classes that this checkpoint can draw, and it is absent from {title}.",
        )
    number, size, word = book.show(share), book.show(area), share.judgement
    wordings = [
        f"{name} covers {number} of the mapped ground on {title} ({size}), {word}.",
        f"on {title}, {number} of the mapped ground is {name}: {word}, with an area of {size}.",
        f"{title} shows {name} on {number} of the mapped ground, which is {word}; its area is {size}.",
        f"{name} takes up {word} of {title}: {number} of the mapped ground, an area of {size}.",
    ]
    if largest is None:
        return book.say([share, area], *wordings)
    return book.say(
        [share, area, largest],
        f"the largest class on {title} is {name}: {number} of the mapped ground, {word}, with an area of {size}.",
        f"{name} is the largest class; it covers {number} of the mapped ground on {title} ({size}), {word}.",
        f"{title} has {name} as its largest class, which takes up {number} of the mapped ground, an area of {size}, "
        f"{word}.",
    )


def say_other_areas(book: FactBook, names: Sequence[str]) -> Statement | None:
    """The shares of several classes in one sentence."""
    shares = [share for name in names if (share := book.find("area_share", name))]
    if not shares:
        return None
    listed = join([f"{share.subject} at {book.show(share)}" for share in shares])
    return book.say(
        shares, f"further classes are {listed} of the mapped ground.", f"the rest of {book.title} goes to {listed}."
    )


def say_absent(book: FactBook, names: Sequence[str]) -> Statement | None:
    """Classes that the map does not show."""
    shares = [share for name in names if (share := book.find("area_share", name))]
    if not shares:
        return None
    listed = join([share.subject for share in shares])
    verb = "are" if len(shares) > 1 else "is"
    return book.say(shares, f"{listed} {verb} absent from {book.title}.", f"{listed} {verb} absent here.")


def say_place(book: FactBook, name: str) -> Statement | None:
    """Where a class lies."""
    fact = book.find("location", name)
    if fact is None:
        return None
    number, place = book.show(fact), fact.other
    if fact.judgement == "concentrated":
        return book.say(
            [fact],
            f"{name} is concentrated in the {place}, which holds {number} of it.",
            f"the {place} holds {number} of the {name}, so it is concentrated there.",
            f"look for the {name} in the {place}: it is concentrated, with {number} of it there.",
        )
    return book.say(
        [fact],
        f"{name} is spread through the tile; its fullest part, the {place}, holds {number} of it.",
        f"{name} is spread, with {number} of it in its fullest part, the {place}.",
        f"the {place} holds {number} of the {name}, which is spread through the tile.",
    )


def say_confidence(book: FactBook, name: str) -> Statement | None:
    """How sure the map is of a class."""
    mean, doubt = book.find("confidence", name), book.find("low_confidence", name)
    if mean is None or doubt is None:
        return None
    title, number, doubtful, word = book.title, book.show(mean), book.show(doubt), mean.judgement
    return book.say(
        [mean, doubt],
        f"where {title} shows {name}, it is {word} (mean confidence {number}), with a {doubt.judgement} share of "
        f"doubtful pixels ({doubtful}).",
        f"{name} has a mean confidence of {number}, so {title} is {word}; {doubtful} of its pixels have low "
        f"confidence, a {doubt.judgement} share.",
        f"{title} is {word} of its {name}: mean confidence {number}, with low confidence on {doubtful} of it.",
    )


def say_entropy(book: FactBook, name: str) -> Statement | None:
    """How the probability is shared among the classes."""
    fact = book.find("entropy", name)
    if fact is None:
        return None
    return book.say(
        [fact],
        f"the class probabilities of {name} are {fact.judgement} (normalised entropy {book.show(fact)}).",
        f"for {name}, the probabilities are {fact.judgement}, at a normalised entropy of {book.show(fact)}.",
    )


def say_scores(book: FactBook, name: str) -> Statement | None:
    """How well a class agrees with the label."""
    iou, precision, recall = book.find("iou", name), book.find("precision", name), book.find("recall", name)
    if iou is None or precision is None or recall is None:
        return None
    number, p, r = book.show(iou), book.show(precision), book.show(recall)
    return book.say(
        [iou, precision, recall],
        f"against the label, {name} reaches an IoU of {number}, which is {iou.judgement}; its precision is {p} and its "
        f"recall {r}.",
        f"compared with the label, {name} is {iou.judgement}: IoU {number}, precision {p}, recall {r}.",
        f"the label gives {name} an IoU of {number}, a precision of {p} and a recall of {r}.",
    )


def say_extent(book: FactBook, name: str) -> Statement | None:
    """Whether a class is drawn too large or too small."""
    fact = book.find("extent", name)
    if fact is None:
        return None
    return book.say(
        [fact],
        f"{name} is {fact.judgement}: {book.title} gives it {book.show(fact)} its labelled pixels.",
        f"{book.title} gives {name} {book.show(fact)} its labelled pixels, so it is {fact.judgement}.",
    )


def say_weakest(book: FactBook) -> Statement | None:
    """Which class deserves the least trust."""
    facts = [fact for fact in book.find_all("weakest") if fact.modes == (book.lead,)]
    if not facts:
        return None
    weakest = facts[0]
    measured = book.find("iou" if weakest.other == "IoU" else "confidence", weakest.subject)
    if measured is None:
        return None
    what = (
        f"an IoU of {book.show(measured)}" if weakest.other == "IoU" else f"a mean confidence of {book.show(measured)}"
    )
    name = weakest.subject
    return book.say(
        [weakest, measured],
        f"the weakest class on {book.title} is {name}, with {what}.",
        f"{name} is the weakest class, at {what}, so its outline deserves a second look.",
        f"check {name} before anything else: it is the weakest class here, with {what}.",
    )


def say_best_map(book: FactBook) -> Statement | None:
    """Which map agrees with the label most."""
    facts = book.find_all("best_map")
    if not facts:
        return None
    best = facts[0]
    own = book.find("mean_iou", mode=best.modes[0])
    others = [fact for mode in book.modes if mode != best.modes[0] and (fact := book.find("mean_iou", mode=mode))]
    if own is None or not others:
        return None
    top = MODE_TITLES[best.modes[0]]
    listed = join([f"{MODE_TITLES[fact.modes[0]]} at {book.show(fact)}" for fact in others])
    return book.say(
        [best, own, *others],
        f"{top} is {best.judgement} against the label, with a mean IoU of {book.show(own)}; beside it stand {listed}.",
        f"measured by the label, {top} is {best.judgement}: its mean IoU is {book.show(own)}, with {listed}.",
    )


def say_disagreement(book: FactBook) -> Statement | None:
    """How often the two sensors tell different stories."""
    fact = book.find("disagreement", mode="sar")
    if fact is None:
        return None
    number, word = book.show(fact), fact.judgement
    return book.say(
        [fact],
        f"optical and SAR are {word}: they disagree on {number} of the pixels common to both.",
        f"optical and SAR disagree on {number} of the pixels common to both, so they are {word}.",
        f"on {number} of the pixels common to both, optical and SAR disagree; that counts as {word}.",
    )


def say_winner(book: FactBook) -> Statement | None:
    """Which sensor is right, or is followed, where the two differ."""
    right = _rank_sensors(book, "right")
    first, second = right or _rank_sensors(book, "followed") or (None, None)
    if first is None or second is None:
        return None
    ahead, behind = (SENSOR_TITLES[_sensor(fact)] for fact in (first, second))
    if right:
        middle = f"{ahead} is right on {book.show(first)} of the labelled pixels"
    else:
        middle, behind = f"the fused map agrees with {ahead} on {book.show(first)} of the pixels", f"with {behind}"
    equal = first.number == second.number
    ending = f" and {behind} on {book.show(second)}." if equal else f", more often than {behind} ({book.show(second)})."
    return book.say(
        [first, second], f"where they differ, {middle}{ending}", f"where their maps differ, {middle}{ending}"
    )


def _rank_sensors(book: FactBook, kind: FactKind) -> tuple[Fact, Fact] | None:
    optical, sar = book.find(kind, mode="optical"), book.find(kind, mode="sar")
    if optical is None or sar is None:
        return None
    return (sar, optical) if sar.number >= optical.number else (optical, sar)


def say_trust(book: FactBook, name: str) -> Statement | None:
    """Which sensor the gate listened to where a class is mapped."""
    fact = book.find("trust", name, "optical")
    if fact is None:
        return None
    return book.say(
        [fact],
        f"where {name} is mapped, the gate is {fact.judgement}: optical has {book.show(fact)} of its trust.",
        f"for {name}, the gate gives optical {book.show(fact)} of its trust, so the weighing is {fact.judgement}.",
        f"the gate is {fact.judgement} on {name}, with {book.show(fact)} of its trust in optical.",
    )


def say_measured(book: FactBook, name: str) -> list[Statement]:
    """Contributions, attributions and attention that another stage measured, in its own words."""
    kinds = ("contribution", "interaction", "attribution", "attention")
    return [
        Statement(fact.text, (fact,)) for fact in book.facts if fact.kind in kinds and fact.subject in (name, "tile")
    ]


def say_observed(book: FactBook) -> Statement | None:
    """What the two sensors saw."""
    optical, sar = book.find("observed", mode="optical"), book.find("observed", mode="sar")
    if optical is None or sar is None:
        return None
    for gone, left in ((optical, sar), (sar, optical)):
        if gone.number == 0:
            missing, rest = SENSOR_TITLES[_sensor(gone)], SENSOR_TITLES[_sensor(left)]
            return book.say(
                [gone, left],
                f"the {missing} sensor is missing, so everything here rests on {rest}.",
                f"{missing} is missing; all that is said here rests on {rest}.",
            )
    by_optical, by_sar = book.show(optical), book.show(sar)
    return book.say(
        [optical, sar],
        f"optical saw {by_optical} of the tile ({optical.judgement}) and SAR saw {by_sar} ({sar.judgement}).",
        f"SAR is {sar.judgement}, it saw {by_sar} of the tile; optical is {optical.judgement}, at {by_optical}.",
    )


def say_date(book: FactBook) -> Statement | None:
    """The date on which a sensor saw the smallest part of the tile, where that is scarce."""
    scarce = [fact for fact in book.find_all("observed_date") if fact.number < SCARCE]
    if not scarce:
        return None
    fact = min(scarce, key=lambda each: (each.number, each.id))
    sensor = SENSOR_TITLES[_sensor(fact)]
    return book.say(
        [fact],
        f"on the date {fact.other}, {sensor} saw {book.show(fact)} of the tile, which makes it {fact.judgement}.",
        f"for the date {fact.other}, {sensor} is {fact.judgement}: it saw {book.show(fact)} of the tile.",
    )


def say_confusion(book: FactBook) -> Statement | None:
    """The most frequent mistake."""
    facts = book.find_all("confusion")
    if not facts:
        return None
    fact = facts[0]
    what = f"{book.show(fact)} of the labelled {fact.subject} is mapped as {fact.other}"
    return book.say(
        [fact],
        f"{what}, a {fact.judgement} confusion.",
        f"the chief mistake: {what}, which is {fact.judgement}.",
    )


def say_calibration(book: FactBook) -> Statement | None:
    """Whether confidence means what it says."""
    fact = book.find("ece")
    if fact is None:
        return None
    return book.say(
        [fact],
        f"the probabilities of {book.title} are {fact.judgement}: calibration error {book.show(fact)}.",
        f"with a calibration error of {book.show(fact)}, {book.title} is {fact.judgement}.",
    )


def say_temperature(book: FactBook) -> Statement | None:
    """What temperature scaling did."""
    fact = book.find("temperature")
    if fact is None:
        return None
    return book.say(
        [fact], f"the logits of {book.title} were {fact.judgement}, with a temperature of {book.show(fact)}."
    )


def say_rare(book: FactBook, name: str) -> Statement | None:
    """How often a class occurred in training."""
    fact = book.find("prevalence", name)
    if fact is None:
        return None
    return book.say(
        [fact],
        f"{name} is {fact.judgement} in training, with {book.show(fact)} of the pixels.",
        f"the training data make {name} {fact.judgement}, at {book.show(fact)} of the pixels.",
    )


def say_label(book: FactBook) -> Statement | None:
    """What is missing where there is no label."""
    fact = book.find("labelled")
    if fact is None or fact.number > 0:
        return None
    return book.say(
        [fact],
        "the tile is unlabelled, so the numbers here tell how firm the maps are and leave open how true they are.",
        "because the tile is unlabelled, all this measures how firm the maps are, while their truth stays open.",
    )


def say_accuracy(book: FactBook) -> Statement | None:
    """How many pixels agree with the label."""
    fact = book.find("accuracy")
    if fact is None:
        return None
    return book.say(
        [fact],
        f"the overall accuracy of {book.title} is {book.show(fact)}.",
        f"{book.title} has an overall accuracy of {book.show(fact)}.",
    )


def say_sensors(book: FactBook) -> Statement | None:
    """Which instruments the checkpoint was trained on."""
    optical, sar = book.find("sensor", mode="optical"), book.find("sensor", mode="sar")
    if optical is None or sar is None:
        return None
    return book.say(
        [optical, sar],
        f'the optical input is "{book.show(optical)}"; the SAR input is "{book.show(sar)}".',
        f'this checkpoint learned from optical data like "{book.show(optical)}" and SAR data like "{book.show(sar)}".',
    )


def say_bands(book: FactBook) -> list[Statement]:
    """The bands that were read."""
    return [Statement(fact.text, (fact,)) for fact in book.find_all("bands")]


def say_failure(book: FactBook, place: int = 0) -> Statement | None:
    """What the checkpoint is known to get wrong."""
    facts = book.find_all("failure")
    if place >= len(facts):
        return None
    quoted = f'"{book.show(facts[place])}"'
    return book.say([facts[place]], f"a known failure of this checkpoint: {quoted}", f"its model card warns: {quoted}")


def say_limit(book: FactBook, place: int = 0) -> Statement | None:
    """What the checkpoint is not for."""
    facts = book.find_all("limit")
    if place >= len(facts):
        return None
    quoted = f'"{book.show(facts[place])}"'
    return book.say([facts[place]], f"keep in mind: {quoted}", f"a limit of this checkpoint: {quoted}")


def say_notices(book: FactBook) -> Statement | None:
    """That reading the files left something to know."""
    fact = book.find("notices")
    if fact is None:
        return None
    what = f"{book.show(fact)} notice{'' if fact.number == 1 else 's'}"
    return book.say(
        [fact],
        f"reading the files raised {what}, to be found among the facts.",
        f"the files raised {what} while they were read, to be found among the facts.",
    )


def say_without(book: FactBook, name: str, other: Mode) -> Statement | None:
    """A class on the map of one sensor beside the leading map."""
    alone, whole = book.find("area_share", name, other), book.find("area_share", name)
    if alone is None or whole is None:
        return None
    start = f"on {MODE_TITLES[other]} alone, {name} covers {book.show(alone)} of the mapped ground"
    if show(alone) == show(whole):
        return book.say([alone, whole], f"{start}, and on {book.title} it covers {book.show(whole)}.")
    word = "more" if alone.number > whole.number else "less"
    return book.say([alone, whole], f"{start}, {word} than on {book.title} ({book.show(whole)}).")


def say_scores_without(book: FactBook, other: Mode) -> Statement | None:
    """The mean IoU of the map of one sensor beside that of the leading map."""
    alone, whole = book.find("mean_iou", mode=other), book.find("mean_iou")
    if alone is None or whole is None:
        return None
    start = f"the mean IoU of {MODE_TITLES[other]} is {book.show(alone)}"
    if show(alone) == show(whole):
        return book.say([alone, whole], f"{start}, and that of {book.title} is {book.show(whole)}.")
    word = "higher" if alone.number > whole.number else "lower"
    return book.say([alone, whole], f"{start}, {word} than that of {book.title} ({book.show(whole)}).")


def join(parts: Sequence[str]) -> str:
    """A list as it stands in a sentence.

    Example:
        >>> join(["a"]), join(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _sensor(fact: Fact) -> Modality:
    return "optical" if fact.modes[-1] == "optical" else "sar"
