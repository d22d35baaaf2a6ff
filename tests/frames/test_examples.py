"""The examples in the docstrings give the results shown."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from financeops import frames

MODULES = [module.name for module in iter_modules(frames.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    # Import modules by name: in the package, functions of the same name hide them.
    module = import_module(f"financeops.frames.{name}")
    assert doctest.testmod(module).failed == 0


def test_every_public_function_has_an_example():
    finder = doctest.DocTestFinder()
    without = [
        name
        for name in frames.__all__
        if not any(test.examples for test in finder.find(getattr(frames, name), name))
    ]
    assert without == []
