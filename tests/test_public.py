"""The public names of the package, their signatures, and their types."""

import inspect
import re
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import financeops as fo
from tests.recorded import as_recorded

RECORDED = Path(__file__).with_name("public.txt")


def public(owner):
    """Public names of a class or module, in order."""
    names = getattr(owner, "__all__", None) or [name for name in vars(owner) if name[0] != "_"]
    return sorted(names)


def lines_of(name, value):
    """The signature of something, and its members."""
    if isinstance(value, ModuleType):
        for inner in public(value):
            found = getattr(value, inner)
            if getattr(found, "__module__", value.__name__).startswith("financeops"):
                yield from lines_of(f"{name}.{inner}", found)
    elif inspect.isclass(value):
        try:
            yield f"class {name}{inspect.signature(value)}"
        except ValueError:
            yield f"class {name}"
        for inner in public(value):
            found = inspect.getattr_static(value, inner)
            if inspect.isfunction(found) or isinstance(found, classmethod | staticmethod):
                yield from lines_of(f"{name}.{inner}", getattr(value, inner))
            else:
                yield f"{name}.{inner}"
    elif callable(value):
        yield f"{name}{inspect.signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def test_the_public_names_are_unchanged():
    lines = [line for name in sorted(fo.__all__) for line in lines_of(name, getattr(fo, name))]
    text = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(lines))
    as_recorded(RECORDED, text + "\n")


def test_the_version_has_one_source_and_the_package_is_typed():
    assert fo.__version__ == version("financeops")
    assert (Path(fo.__file__).parent / "py.typed").exists()


def test_errors_are_caught_by_their_public_name():
    with pytest.raises(fo.errors.InvalidValue) as raised:
        fo.metrics(pl.DataFrame({"amount": [1.5]}))
    assert isinstance(raised.value, fo.errors.FinanceOpsError)
