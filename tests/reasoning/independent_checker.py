"""A reader of narratives that shares nothing with the narrator or with grounding.

It knows the English of the narratives as whole-sentence frames, and every number, class, word and direction that a
frame holds it measures again, by its own counting, in the raw `analysis.json` and `arrays.npz`. A sentence that fits
no frame is a problem, too. Class names are expected to be plain words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

SHOWN = {"fused": "the fused map", "optical": "the optical map", "sar": "the SAR map"}
WORDS: dict[str, list[tuple[str, Any]]] = {
    "share": [
        ("absent", lambda v: v == 0), ("a trace", lambda v: 0 < v <= 0.01), ("a small part", lambda v: 0.01 < v <= 0.1),
        ("a minor part", lambda v: 0.1 < v <= 0.4), ("about half", lambda v: 0.4 < v <= 0.6),
        ("the larger part", lambda v: 0.6 < v <= 0.95), ("nearly all", lambda v: v > 0.95),
    ],
    "confidence": [
        ("unsure", lambda v: v < 0.6), ("moderately sure", lambda v: 0.6 <= v < 0.8),
        ("sure", lambda v: 0.8 <= v < 0.95), ("very sure", lambda v: v >= 0.95),
    ],
    "doubt": [
        ("negligible", lambda v: v < 0.02), ("limited", lambda v: 0.02 <= v < 0.15),
        ("considerable", lambda v: 0.15 <= v < 0.4), ("widespread", lambda v: v >= 0.4),
    ],
    "entropy": [("sharp", lambda v: v < 0.2), ("mixed", lambda v: 0.2 <= v < 0.6), ("diffuse", lambda v: v >= 0.6)],
    "score": [
        ("poor", lambda v: v < 0.3), ("weak", lambda v: 0.3 <= v < 0.5), ("fair", lambda v: 0.5 <= v < 0.7),
        ("good", lambda v: 0.7 <= v < 0.85), ("excellent", lambda v: v >= 0.85),
    ],
    "extent": [
        ("drawn too narrowly", lambda v: v <= 0.9), ("drawn to size", lambda v: 0.9 < v <= 1.1),
        ("drawn too widely", lambda v: v > 1.1),
    ],
    "confusion": [
        ("slight", lambda v: v < 0.05), ("notable", lambda v: 0.05 <= v < 0.2), ("serious", lambda v: v >= 0.2)
    ],
    "prevalence": [
        ("rare", lambda v: v < 0.05), ("uncommon", lambda v: 0.05 <= v < 0.2), ("frequent", lambda v: v >= 0.2)
    ],
    "trust": [
        ("SAR-led", lambda v: v <= 0.35), ("shared evenly", lambda v: 0.35 < v <= 0.65),
        ("optical-led", lambda v: v > 0.65),
    ],
    "disagree": [
        ("in full agreement", lambda v: v == 0), ("nearly in agreement", lambda v: 0 < v <= 0.05),
        ("partly at odds", lambda v: 0.05 < v <= 0.2), ("strongly at odds", lambda v: v > 0.2),
    ],
    "seen": [
        ("missing", lambda v: v == 0), ("hardly observed", lambda v: 0 < v <= 0.5),
        ("partly observed", lambda v: 0.5 < v <= 0.95), ("nearly clear", lambda v: 0.95 < v < 0.9999995),
        ("fully observed", lambda v: v > 0.999999),
    ],
    "ece": [
        ("well calibrated", lambda v: v < 0.02), ("acceptably calibrated", lambda v: 0.02 <= v < 0.05),
        ("roughly calibrated", lambda v: 0.05 <= v < 0.1), ("badly calibrated", lambda v: v >= 0.1),
    ],
    "temperature": [
        ("sharpened", lambda v: v <= 0.95), ("left as they were", lambda v: 0.95 < v <= 1.05),
        ("softened", lambda v: v > 1.05),
    ],
    "gathered": [("concentrated", lambda v: v >= 0.4), ("spread", lambda v: v < 0.4)],
}  # fmt: skip

WORD_OF = {
    "share": "share", "confidence": "confidence", "doubt": "doubt", "entropy": "entropy", "iou": "score",
    "extent": "extent", "confusion": "confusion", "prevalence": "prevalence", "trust": "trust", "disagree": "disagree",
    "seen": "seen", "date": "seen", "ece": "ece", "temperature": "temperature", "place": "gathered",
}  # fmt: skip

FRAMES = (Path(__file__).parent / "frames.txt").read_text(encoding="utf-8").splitlines()
"""One sentence per line: `{C}` class, `{M}` map, `{S}` sensor, `{n:x}` number and `{w:x}` word of the measure x."""


class Checker:
    """Reads sentences against one raw analysis.

    Args:
        content: `analysis.json`.
        arrays: `arrays.npz`.
    """

    def __init__(self, content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.content, self.arrays = content, arrays
        self.names = [entry["name"] for entry in content["scheme"]["classes"]]
        maps = {mode: arrays[f"classes_{mode}"] for mode in content["modes"]}
        self.maps = {mode: classes for mode, classes in maps.items() if (classes != 255).any()}
        self.lead = next(mode for mode in ("fused", "optical", "sar") if mode in self.maps)
        lut = np.full(256, 255)
        for place, entry in enumerate(content["scheme"]["classes"]):
            lut[entry["id"]] = place
        self.label = lut[arrays["label"]] if "label" in arrays else None
        self._top = {mode: np.sort(arrays[f"probabilities_{mode}"], axis=0)[-1] for mode in self.maps}
        self._matrices: dict[str, np.ndarray] = {}
        self._frames = _compile(tuple(self.names))
        self._known: dict[tuple[Any, ...], float] = {}

    def problems(self, sentence: str) -> list[str]:
        """What is wrong with a sentence; nothing when it is right."""
        found, folded = None, sentence.casefold()
        for anchor, pattern, orders in self._frames:
            match = pattern.fullmatch(sentence) if anchor in folded else None
            if match:
                found = [problem for problem in self._judge(match, orders) if problem]
                if not found:
                    return []
        return [f"no frame reads: {sentence}"] if found is None else found

    def _judge(self, match: re.Match[str], orders: Orders) -> list[str]:
        groups = match.groupdict()

        def pick(key: str, table: list[str]) -> Any:
            return next((k for k, each in enumerate(table) if groups.get(key, "").casefold() == each.casefold()), None)

        maps, sensors = list(SHOWN), ["optical", "sar"]
        first, second = pick("M", list(SHOWN.values())), pick("N", list(SHOWN.values()))
        subject = {
            "c": pick("C", self.names), "d": pick("D", self.names), "date": groups.get("d"),
            "mode": self.lead if first is None else maps[first], "other": None if second is None else maps[second],
            "s": None, "o": None,
        }  # fmt: skip
        for key in ("s", "o"):
            sensor = pick(key.upper(), ["optical", "SAR"])
            subject[key] = None if sensor is None else sensors[sensor]
        if subject["s"] is not None and subject["s"] == subject["o"]:
            return ["a sensor beside itself"]
        return [self._check(kind, what, groups.get(name, ""), subject) for kind, what, name in orders]

    def _check(self, kind: str, what: str, text: str, subject: dict[str, Any]) -> str:
        try:
            return self._compare(kind, what, text, subject)
        except (KeyError, ValueError, StopIteration, ZeroDivisionError) as error:
            return f"{text!r} cannot be measured as {what}: {error!r}"

    def _compare(self, kind: str, what: str, text: str, subject: dict[str, Any]) -> str:
        if kind in "nom":
            where = {"n": subject, "o": {**subject, "s": subject["o"]}, "m": {**subject, "mode": subject["other"]}}[
                kind
            ]
            return self._check_number(what, text, where)
        if kind in "wv":
            where = subject if kind == "w" else {**subject, "s": subject["o"]}
            value = self.measure(what, where)
            return "" if dict(WORDS[WORD_OF[what]])[text](value) else f"{text!r} for {what} {value}"
        if kind in "xy":
            return self._check_direction(kind, what, text, subject)
        check = {
            "q": self._check_quote, "r": self._check_quote, "p": self._check_place, "b": self._check_best,
            "list": self._check_list, "is": self._check_is,
        }[kind]  # fmt: skip
        return check(what, text, subject)

    def _check_direction(self, kind: str, what: str, text: str, subject: dict[str, Any]) -> str:
        if kind == "x":
            metric = (
                "right" if self.label is not None and not math.isnan(self.measure("right", subject)) else "followed"
            )
            mine, other = (self.measure(metric, {**subject, "s": subject[key]}) for key in ("s", "o"))
        else:
            mine, other = self.measure(what, {**subject, "mode": subject["other"]}), self.measure(what, subject)
        ahead = text in ("more", "higher")
        return "" if (mine > other if ahead else mine < other) else f"{text!r} for {mine} and {other}"

    def _check_number(self, what: str, text: str, subject: dict[str, Any]) -> str:
        value = self.measure(what, subject)
        match = re.fullmatch(
            r"(less than |more than )?([\d,]+(?:\.(\d+))?)( %| km2| ha| m2| pixels?| times| notices?|)", text, re.I
        )
        if match is None or math.isnan(value):
            return f"{text!r} cannot be read as {what} {value}"
        metric = self.content["georeference"]["metres"]
        wanted = {
            "share": " %", "doubt": " %", "place": " %", "disagree": " %", "right": " %", "followed": " %",
            "trust": " %", "seen": " %", "date": " %", "confusion": " %", "prevalence": " %", "accuracy": " %",
            "extent": " times", "notices": " notice", "area": (" km2", " ha", " m2") if metric else " pixel",
        }.get(what, "")  # fmt: skip
        unit = match.group(4)
        if not (unit.startswith(wanted) if wanted else unit == ""):
            return f"{text!r} has the wrong unit for {what}"
        scale = {" %": 100.0, " km2": 1e-6, " ha": 1e-4}.get(unit, 1.0)
        number, decimals = float(match.group(2).replace(",", "")), len(match.group(3) or "")
        if match.group(1):
            good = value * scale < number if match.group(1).casefold().startswith("less") else value * scale > number
        else:
            good = abs(value * scale - number) <= 0.5000001 * 10**-decimals + 1e-9
        return "" if good else f"{text!r} for {what} {value * scale}"

    def _check_quote(self, what: str, text: str, subject: dict[str, Any]) -> str:
        model = self.content["model"] or {}
        if what in ("optical", "sar"):
            return "" if model.get("sensors", {}).get(what) == text else f"{text!r} is no {what} sensor"
        if what == "bands":
            return (
                ""
                if ", ".join(self.content["layers"][subject["s"]]["bands"]) == text
                else f"{text!r} are not the bands"
            )
        return "" if text in model.get(what, ()) else f"{text!r} is not among the {what}"

    def _check_place(self, what: str, text: str, subject: dict[str, Any]) -> str:
        counts = self._quarters(subject["c"], subject["mode"])
        return "" if counts[text.casefold()] == max(counts.values()) > 0 else f"{text!r} is not the fullest: {counts}"

    def _check_best(self, what: str, text: str, subject: dict[str, Any]) -> str:
        scores = {mode: self.measure("miou", {**subject, "mode": mode}) for mode in self.maps}
        known = sorted((value for value in scores.values() if not math.isnan(value)), reverse=True)
        word = "best" if known[0] - known[1] >= 0.005 else "tied for best"
        good = text == word and scores[subject["mode"]] == known[0]
        return "" if good else f"{text!r} for {subject['mode']} of {scores}"

    def _check_list(self, what: str, text: str, subject: dict[str, Any]) -> str:
        parts = re.split(r", | and ", text)
        if what in ("absent", "classes"):
            indices = [self._index(part) for part in parts]
            if what == "classes":
                return "" if sorted(indices) == list(range(len(self.names))) else f"{text!r} are not the classes"
            good = all(self.measure("share", {**subject, "c": index}) == 0 for index in indices)
            return "" if good else f"{text!r} are not absent"
        for part in parts:
            name, _, number = part.rpartition(" at ")
            if what == "share":
                where = {**subject, "c": self._index(name)}
            else:
                where = {**subject, "mode": next(mode for mode, title in SHOWN.items() if title == name)}
                if where["mode"] == subject["mode"]:
                    return "a map beside itself"
            if problem := self._check_number(what, number, where):
                return problem
        return ""

    def _check_is(self, what: str, text: str, subject: dict[str, Any]) -> str:
        if what == "gone":
            seen = self.measure("seen", subject), self.measure("seen", {**subject, "s": subject["o"]})
            return "" if seen[0] == 0 < seen[1] else f"seen {seen}"
        if what == "unlabelled":
            return "" if self.label is None or (self.label == 255).all() else "there is a label"
        if what == "chief":
            matrix = self._confusion(subject["mode"])
            np.fill_diagonal(matrix, 0)
            return "" if matrix[subject["c"], subject["d"]] == matrix.max() > 0 else "not the chief confusion"
        if what == "weakest":
            what = "weakest_confidence" if self.label is None else "weakest_iou"
        metric = {"largest": "share", "weakest_iou": "iou", "weakest_confidence": "confidence"}[what]
        values = [self.measure(metric, {**subject, "c": k}) for k in range(len(self.names))]
        known = [value for value in values if not math.isnan(value)]
        extreme = max(known) if what == "largest" else min(known)
        return "" if values[subject["c"]] == extreme else f"{what}: {values[subject['c']]} among {known}"

    def _index(self, name: str) -> int:
        return [each.casefold() for each in self.names].index(name.casefold())

    def measure(self, what: str, subject: dict[str, Any]) -> float:
        """A quantity, counted in the raw arrays."""
        key = (what, subject["c"], subject["d"], subject["mode"], subject["s"], subject["date"])
        if key not in self._known:
            self._known[key] = float(getattr(self, f"_measure_{what}")(subject))
        return self._known[key]

    def _here(self, subject: dict[str, Any]) -> np.ndarray:
        return np.asarray(self.maps[subject["mode"]] == subject["c"])

    def _measure_share(self, subject: dict[str, Any]) -> float:
        return int(self._here(subject).sum()) / int((self.maps[subject["mode"]] != 255).sum())

    def _measure_area(self, subject: dict[str, Any]) -> float:
        place = self.content["georeference"]
        pixel = abs(place["transform"][0] * place["transform"][4]) if place["metres"] else 1.0
        return int(self._here(subject).sum()) * pixel

    def _measure_place(self, subject: dict[str, Any]) -> float:
        counts = self._quarters(subject["c"], subject["mode"])
        return max(counts.values()) / sum(counts.values()) if sum(counts.values()) else math.nan

    def _quarters(self, index: int, mode: str) -> dict[str, int]:
        rows, columns = np.nonzero(self.maps[mode] == index)
        high, wide = self.maps[mode].shape
        counts = dict.fromkeys(
            ("upper left quarter", "upper right quarter", "lower left quarter", "lower right quarter"), 0
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            counts[f"{'upper' if 2 * row < high else 'lower'} {'left' if 2 * column < wide else 'right'} quarter"] += 1
        return counts

    def _measure_confidence(self, subject: dict[str, Any]) -> float:
        top, here = self._top[subject["mode"]].astype(np.float64), self._here(subject)
        return float(top[here].sum() / here.sum()) if here.any() else math.nan

    def _measure_doubt(self, subject: dict[str, Any]) -> float:
        top, here = self._top[subject["mode"]], self._here(subject)
        return float((here & (top < np.float32(0.7))).sum() / here.sum()) if here.any() else math.nan

    def _measure_entropy(self, subject: dict[str, Any]) -> float:
        values = self.arrays[f"probabilities_{subject['mode']}"].astype(np.float64)[:, self._here(subject)]
        bits = np.where(values > 0, -values * np.log2(np.where(values > 0, values, 1)), 0).sum(axis=0)
        return float(bits.mean() / math.log2(len(self.names))) if bits.size else math.nan

    def _confusion(self, mode: str) -> np.ndarray:
        count = len(self.names)
        if self.label is None or mode not in self.maps:
            return np.zeros((count, count), int)
        if mode not in self._matrices:
            pairs = list(zip(self.label.ravel().tolist(), self.maps[mode].ravel().tolist(), strict=True))
            matrix = np.zeros((count, count), int)
            for true, found in pairs:
                if true != 255 and found != 255:
                    matrix[true, found] += 1
            self._matrices[mode] = matrix
        return self._matrices[mode].copy()

    def _measure_iou(self, subject: dict[str, Any]) -> float:
        matrix, k = self._confusion(subject["mode"]), subject["c"]
        union = matrix[k].sum() + matrix[:, k].sum() - matrix[k, k]
        return float(matrix[k, k] / union) if union else math.nan

    def _measure_precision(self, subject: dict[str, Any]) -> float:
        matrix, k = self._confusion(subject["mode"]), subject["c"]
        return float(matrix[k, k] / matrix[:, k].sum()) if matrix[:, k].sum() else 0.0

    def _measure_recall(self, subject: dict[str, Any]) -> float:
        matrix, k = self._confusion(subject["mode"]), subject["c"]
        return float(matrix[k, k] / matrix[k].sum()) if matrix[k].sum() else 0.0

    def _measure_extent(self, subject: dict[str, Any]) -> float:
        matrix, k = self._confusion(subject["mode"]), subject["c"]
        return float(matrix[:, k].sum() / matrix[k].sum()) if matrix[k].sum() else math.nan

    def _measure_confusion(self, subject: dict[str, Any]) -> float:
        matrix = self._confusion(subject["mode"])
        total = matrix[subject["c"]].sum()
        return float(matrix[subject["c"], subject["d"]] / total) if total else math.nan

    def _measure_miou(self, subject: dict[str, Any]) -> float:
        ious = [self._measure_iou({**subject, "c": k}) for k in range(len(self.names))]
        known = [iou for iou in ious if not math.isnan(iou)]
        return sum(known) / len(known) if known else math.nan

    def _measure_accuracy(self, subject: dict[str, Any]) -> float:
        matrix = self._confusion(subject["mode"])
        return float(np.trace(matrix) / matrix.sum()) if matrix.sum() else math.nan

    def _measure_ece(self, subject: dict[str, Any]) -> float:
        classes, label = self.maps[subject["mode"]], self.label
        assert label is not None
        chosen = (classes != 255) & (label != 255)
        top = self._top[subject["mode"]][chosen].astype(float)
        right = (classes == label)[chosen]
        total = 0.0
        for low in range(15):
            inside = (top > low / 15) & (top <= (low + 1) / 15)
            if inside.any():
                total += inside.sum() * abs(top[inside].mean() - right[inside].mean())
        return total / len(top)

    def _measure_temperature(self, subject: dict[str, Any]) -> float:
        return float(self.content["modes"][subject["mode"]]["temperature"])

    def _differ(self) -> np.ndarray:
        optical, sar = self.maps.get("optical"), self.maps.get("sar")
        if optical is None or sar is None:
            return np.zeros(self.maps[self.lead].shape, bool)
        return np.asarray((optical != 255) & (sar != 255) & (optical != sar))

    def _measure_disagree(self, subject: dict[str, Any]) -> float:
        both = (self.maps["optical"] != 255) & (self.maps["sar"] != 255)
        return float(self._differ().sum() / both.sum())

    def _measure_right(self, subject: dict[str, Any]) -> float:
        if self.label is None:
            return math.nan
        judged = self._differ() & (self.label != 255)
        return float((self.maps[subject["s"]] == self.label)[judged].mean()) if judged.any() else math.nan

    def _measure_followed(self, subject: dict[str, Any]) -> float:
        differ = self._differ()
        return float((self.maps[subject["s"]] == self.maps["fused"])[differ].mean()) if differ.any() else math.nan

    def _measure_trust(self, subject: dict[str, Any]) -> float:
        here = self._here({**subject, "mode": self.lead})
        return float(self.arrays["trust"][here].astype(float).mean()) if here.any() else math.nan

    def _measure_seen(self, subject: dict[str, Any]) -> float:
        if subject["s"] in self.content["modes"]:
            return float((self.arrays[f"classes_{subject['s']}"] != 255).mean())
        return 0.0 if not self.arrays[f"{subject['s']}_valid"].any() else math.nan

    def _measure_date(self, subject: dict[str, Any]) -> float:
        found = [
            each["share"] for each in self.content["observations"]
            if (each["modality"], each["date"]) == (subject["s"], subject["date"])
        ]  # fmt: skip
        return float(found[0]) if found else math.nan

    def _measure_prevalence(self, subject: dict[str, Any]) -> float:
        return float(self.content["model"]["prevalence"][subject["c"]])

    def _measure_notices(self, subject: dict[str, Any]) -> float:
        return len({each["message"] for each in (*self.content["notices"], *self.content["tile_notices"])})


Orders = list[tuple[str, str, str]]
Frame = tuple[str, re.Pattern[str], Orders]


@lru_cache(maxsize=16)
def _compile(names: tuple[str, ...]) -> list[Frame]:
    return [_compile_frame(frame, names) for frame in FRAMES]


def _compile_frame(frame: str, names: tuple[str, ...]) -> Frame:
    orders: Orders = []
    anchor = max(re.split(r"\{[^}]*\}", frame), key=len).casefold()
    text = ""
    for piece in re.split(r"(\{[^}]*\})", frame):
        if not piece.startswith("{"):
            text += re.escape(piece)
            continue
        kind, _, what = piece[1:-1].partition(":")
        group = f"g{len(orders)}"
        if kind in "CD":
            text += f"(?P<{kind}>{'|'.join(map(re.escape, names))})"
        elif kind in ("M", "N"):
            text += f"(?P<{kind}>{'|'.join(SHOWN.values())})"
        elif kind in ("S", "O"):
            text += f"(?P<{kind}>optical|SAR)"
        elif kind == "optical":
            text += "optical"
        elif kind == "d":
            text += r"(?P<d>\w+)"
        else:
            text += {"is": "", "p": f"(?P<{group}>(?:upper|lower) (?:left|right) quarter)"}.get(
                kind, _group(kind, what, group)
            )
            orders.append((kind, what, group))
    return anchor, re.compile(text, re.IGNORECASE), orders


def _group(kind: str, what: str, group: str) -> str:
    if kind in "wv":
        return f"(?P<{group}>{'|'.join(word for word, _ in WORDS[WORD_OF[what]])})"
    if kind in "nom":
        return rf"(?P<{group}>(?:less than |more than )?[\d,.]*\d(?: \w+2?| %)??)"
    fixed = {"b": "tied for best|best", "x": "more|less", "y": "more|less|higher|lower"}
    return f"(?P<{group}>{fixed.get(kind, '.+?')})"
