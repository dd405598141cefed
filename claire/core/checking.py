"""Values from a file against the types that their dataclass declares, all the way down.

A dataclass does not look at types by itself, so a number where a text belongs would be found far away, as a bug.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np


def check_types(value: Any, hint: Any = None, name: str = "value") -> None:
    """Compare a value with a type hint.

    Args:
        value: A dataclass, or anything with a hint.
        hint: Dataclasses, `None`, plain types, Literal, unions, tuples, mappings and numpy arrays are understood; a
            whole number counts as a float.
        name: Of the value, for the message.

    Raises:
        TypeError: Something in it is of another type.

    Example:
        >>> check_types(("a", "b"), tuple[str, ...])
        >>> check_types(("a", 1), tuple[str, ...])
        Traceback (most recent call last):
        TypeError: value[1] is a int
    """
    wanted = type(value) if hint is None else hint
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        _check_union(value, parts, name)
    elif origin is Literal:
        _require(any(value == each and type(value) is type(each) for each in parts), value, name)
    elif origin is tuple:
        _check_tuple(value, parts, name)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(value, Mapping), value, name)
        for key, item in value.items():
            check_types(key, parts[0], f"a key of {name}")
            check_types(item, parts[1], f"{name}[{key!r}]")
    elif origin is np.ndarray or wanted is Any:
        _require(wanted is Any or isinstance(value, np.ndarray), value, name)
    elif is_dataclass(wanted) and isinstance(wanted, type):
        _require(isinstance(value, wanted), value, name)
        for field, of_field in _list_hints(wanted).items():
            check_types(getattr(value, field), of_field, field)
    else:
        _check_plain(value, wanted, name)


def _check_union(value: Any, parts: tuple[Any, ...], name: str) -> None:
    for part in parts:
        try:
            check_types(value, part, name)
        except TypeError:
            continue
        return
    _require(False, value, name)


def _check_tuple(value: Any, parts: tuple[Any, ...], name: str) -> None:
    _require(isinstance(value, tuple), value, name)
    wanted = [parts[0]] * len(value) if parts[-1:] == (Ellipsis,) else list(parts)
    _require(len(wanted) == len(value), value, name)
    for number, (item, part) in enumerate(zip(value, wanted, strict=True)):
        check_types(item, part, f"{name}[{number}]")


def _check_plain(value: Any, wanted: Any, name: str) -> None:
    if wanted in (int, float):
        kinds = (int, np.integer) if wanted is int else (int, float, np.integer, np.floating)
        _require(isinstance(value, kinds) and not isinstance(value, bool), value, name)
    else:
        _require(isinstance(value, wanted), value, name)


def _require(right: bool, value: Any, name: str) -> None:
    if not right:
        raise TypeError(f"{name} is a {type(value).__name__}")


@lru_cache
def _list_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
