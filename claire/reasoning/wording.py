"""Values as they stand in sentences; the only place that rounds."""

from __future__ import annotations

from claire.core.facts import Fact, FactUnit

HECTARE, SQUARE_KILOMETRE = 1e4, 1e6


def show_number(value: float, unit: FactUnit) -> str:
    """A value with its unit, as it is printed.

    Args:
        value: In `unit`.
        unit: Of the fact.

    Example:
        >>> show_number(0.3141, "share"), show_number(0.0002, "share"), show_number(0.9999, "share")
        ('31.4 %', 'less than 0.1 %', 'more than 99.9 %')
        >>> show_number(2.5e6, "m2"), show_number(12000, "m2"), show_number(4096, "pixels")
        ('2.50 km2', '1.2 ha', '4,096 pixels')
    """
    if unit == "share":
        return _show_share(value)
    if unit == "m2":
        return _show_area(value)
    if unit == "pixels":
        return f"{value:,.0f} pixel" + ("" if value == 1 else "s")
    if unit == "ratio":
        return f"{value:.2f} times"
    return f"{value:.0f}" if unit == "count" else f"{value:.2f}"


def show(fact: Fact) -> str:
    """The value of a fact, as it is printed."""
    return fact.value if isinstance(fact.value, str) else show_number(fact.value, fact.unit)


def _show_share(share: float) -> str:
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "less than 0.1 %"
    return "more than 99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def _show_area(square_metres: float) -> str:
    if square_metres >= SQUARE_KILOMETRE:
        return f"{square_metres / SQUARE_KILOMETRE:,.2f} km2"
    if square_metres >= 0.1 * HECTARE or square_metres == 0:
        return f"{square_metres / HECTARE:.1f} ha"
    return f"{square_metres:.0f} m2"
