"""What Pydantic finds wrong, in the words of this product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def in_words(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, as a clause without its name: ``must be a whole number``.

    Parameters
    ----------
    error : mapping
        One of `pydantic.ValidationError.errors`.
    """
    match error["type"]:
        case "int_parsing" | "int_from_float":
            return "must be a whole number"
        case "float_parsing":
            return "must be a number"
        case "bool_parsing":
            return "must be true or false"
        case "model_type" | "dict_type":  # Pydantic names our class
            return "must be an object, such as {}"
        case "literal_error":
            # Pydantic shows the Python names of enumeration members.
            return "must be " + re.sub(r"<[\w.]+: ('[^']*')>", r"\1", error["ctx"]["expected"])
        case _:
            text: str = error["msg"]
            text = text.removeprefix("Value error, ").replace("Input should be", "must be", 1)
            return text[:1].lower() + text[1:]
