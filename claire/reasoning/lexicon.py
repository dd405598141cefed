"""The words that grounding reads as claims, each with what it claims. Everything is matched without case."""

from __future__ import annotations

from claire.core.bands import Mode
from claire.core.classes import SCHEMES
from claire.core.facts import FactKind
from claire.reasoning.judgements import WORD_KINDS

MODE_WORDS: dict[str, tuple[Mode, ...]] = {
    "both sensors": ("optical", "sar"),
    "the two sensors": ("optical", "sar"),
    "optical and SAR": ("optical", "sar"),
    "SAR and optical": ("optical", "sar"),
    "fused": ("fused",),
    "fusion": ("fused",),
    "optical": ("optical",),
    "SAR": ("sar",),
    "radar": ("sar",),
}
MODE_TITLES: dict[Mode, str] = {"fused": "the fused map", "optical": "the optical map", "sar": "the SAR map"}

METRIC_WORDS: dict[str, tuple[FactKind, ...]] = {
    "mapped ground": ("area_share", "area"),
    "covers": ("area_share", "area"),
    "takes up": ("area_share", "area"),
    "area": ("area_share", "area"),
    "low-confidence": ("low_confidence",),
    "low confidence": ("low_confidence",),
    "doubtful": ("low_confidence",),
    "confidence": ("confidence",),
    "entropy": ("entropy",),
    "mean IoU": ("mean_iou",),
    "mIoU": ("mean_iou",),
    "IoU": ("iou",),
    "F1": ("f1",),
    "precision": ("precision",),
    "recall": ("recall",),
    "overall accuracy": ("accuracy",),
    "accuracy": ("accuracy",),
    "mapped as": ("confusion",),
    "confusion": ("confusion",),
    "ECE": ("ece",),
    "calibration error": ("ece",),
    "temperature": ("temperature",),
    "training": ("prevalence",),
    "trust": ("trust",),
    "gate": ("trust",),
    "disagree": ("disagreement",),
    "disagreement": ("disagreement",),
    "differ": ("disagreement", "right", "followed"),
    "right": ("right",),
    "agrees with": ("followed",),
    "saw": ("observed", "observed_date"),
    "seen": ("observed", "observed_date"),
    "contribution": ("contribution",),
    "contributes": ("contribution",),
    "interaction": ("interaction",),
    "attribution": ("attribution",),
    "attention": ("attention",),
}

PLACES = tuple(f"{high} {wide} quarter" for high in ("upper", "lower") for wide in ("left", "right"))
"""Quarters of a tile as it is drawn: rows run down, columns run right."""

MORE = ("more", "higher", "larger", "greater", "bigger", "better", "stronger", "surer", "wider")
LESS = ("less", "lower", "smaller", "fewer", "worse", "weaker", "narrower", "rarer")
MORE_VERBS = ("exceeds", "exceed", "beats", "beat", "outperforms", "outperform", "ahead of", "above", "surpasses")
LESS_VERBS = ("behind", "below", "trails", "underperforms", "falls short of")
EQUAL_VERBS = ("equal to", "level with", "on a par with", "the same as", "as much as", "equals")
COMPARISONS: dict[str, tuple[int, bool]] = (
    dict.fromkeys(MORE, (1, False))
    | dict.fromkeys(LESS, (-1, False))
    | dict.fromkeys(MORE_VERBS, (1, True))
    | dict.fromkeys(LESS_VERBS, (-1, True))
    | dict.fromkeys(EQUAL_VERBS, (0, True))
)
"""Word -> (direction: 1 left is more, -1 left is less, 0 equal; True when the right side follows without "than")."""

SUPERLATIVES = (
    "largest", "smallest", "highest", "lowest", "strongest", "weakest", "best", "worst", "most", "least", "greatest",
    "surest", "biggest", "rarest",
)  # fmt: skip
"""Claims that only a judgement word of a fact may make."""

NEGATIONS = (
    "not",
    "no",
    "never",
    "neither",
    "nor",
    "none",
    "cannot",
    "without",
    "isn't",
    "doesn't",
    "don't",
    "nothing",
)

FRACTIONS = (
    "half", "halves", "third", "thirds", "quarter", "quarters", "fifth", "tenth", "twice", "thrice", "double",
    "doubled", "triple", "dozen", "dozens", "hundreds", "thousands", "millions", "majority", "minority",
)  # fmt: skip
"""Amounts in words that no fact gives."""

NUMBER_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1_000_000,
}  # fmt: skip
"""Number words; "one" is left out, because it is a pronoun, too."""

SENSOR_NAMES = (
    "Sentinel-1", "Sentinel-2", "Sentinel-3", "GF-3", "GF-2", "GF-1", "Gaofen-3", "Gaofen", "Landsat-8", "Landsat-9",
    "Landsat", "MODIS", "RADARSAT-2", "RADARSAT", "TerraSAR-X", "TanDEM-X", "COSMO-SkyMed", "ICEYE", "Umbra", "Capella",
    "ALOS-2", "ALOS", "PALSAR", "NISAR", "PlanetScope", "WorldView", "SPOT", "Pleiades", "OMBRIA", "VV", "VH", "HH",
    "HV", "C-band", "L-band", "X-band", "L1C", "L2A", "near infrared", "infrared", "thermal", "lidar",
)  # fmt: skip
"""Instruments, products and polarisations; each needs a cited fact that names it."""

UNITS: dict[str, str] = {
    "%": "%", "percent": "%", "per cent": "%", "km2": "km2", "km²": "km2", "square kilometres": "km2",
    "square kilometers": "km2", "ha": "ha", "hectares": "ha", "hectare": "ha", "m2": "m2", "m²": "m2",
    "square metres": "m2", "square meters": "m2", "pixels": "px", "pixel": "px", "px": "px", "times": "times",
    "notices": "notices", "notice": "notices", "km": "km", "metres": "m", "meters": "m", "m": "m", "db": "db",
    "points": "points", "percentage points": "points", "tiles": "tiles", "classes": "classes", "maps": "maps",
    "years": "years", "days": "days", "hours": "hours", "people": "people", "houses": "houses",
}  # fmt: skip
"""Unit as written -> unit; those that no fact has are here so that they are never read as plain numbers."""

RELATIONS: dict[str, str] = {
    "less than": "<", "fewer than": "<", "under": "<", "below": "<", "more than": ">", "over": ">", "above": ">",
    "at least": ">=", "at most": "<=", "up to": "<=", "about": "", "around": "", "roughly": "", "nearly": "",
    "almost": "", "approximately": "", "some": "",
}  # fmt: skip

KNOWN_CLASSES = frozenset(name.casefold() for scheme in SCHEMES.values() for name in scheme.names)
"""Class names of all schemes: one that this analysis has not is read as a class all the same."""

_PLAIN = """
a after against alone among an analysis and anything are as at bands be because before beside but by can card check
checkpoint chief class common compared counts data date deserves divided does each edge edges else everything facts
failure files firm for found from fullest further gives goes has have here holds how in input is it its keep known
label labelled learned leave leaves like limit logits look make makes map mapped maps mark marked means measured
measures mind mistake model normal normalised notice notices numbers of often on one only open or outline pixel
pixels place places probabilities raised reaches read reading rest rests said second sensor sensors share shares
shown shows so something spoke stand stays tell tells that the their them there these they this those through tile
to true truth under warns was weighing were what where which while who whole why with
"""
PLAIN_WORDS = frozenset(_PLAIN.split())
"""Words of the phrases without a claim; no class may be called so, a test keeps the list whole."""

RESERVED = PLAIN_WORDS | frozenset(
    part.casefold()
    for phrase in (
        *MODE_WORDS, *METRIC_WORDS, *PLACES, *COMPARISONS, *SUPERLATIVES, *NEGATIONS, *FRACTIONS, *NUMBER_WORDS,
        *SENSOR_NAMES, *UNITS, *RELATIONS, *WORD_KINDS, "than",
    )
    for part in (phrase, *phrase.split())
)  # fmt: skip
"""Names that would change how a sentence is read; a class called so becomes `class N`."""
