"""The pure core: values and functions without I/O, clock or globals."""

from financeops.core import errors as errors  # a public name of the package
