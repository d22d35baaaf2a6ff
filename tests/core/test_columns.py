"""Recognise by its columns what kind of file it is."""

import pytest

from financeops.core.columns import MINOR_UNITS, PAYMENTS, Form, form_of
from financeops.core.errors import InvalidValue

FRAME = list(PAYMENTS)
EXPORT = [column.json for column in PAYMENTS.values()]
REQUIRED = [name for name, column in PAYMENTS.items() if not column.nullable]


@pytest.mark.parametrize("names", [FRAME, FRAME[::-1], REQUIRED, [*REQUIRED, "note", ""]])
def test_a_saved_frame_is_recognised_by_the_columns_that_are_never_null(names):
    assert form_of(names) is Form.FRAME


@pytest.mark.parametrize("names", [EXPORT, [*EXPORT, "amountMinor"]])
def test_an_export_is_recognised_by_its_json_names(names):
    assert form_of(names) is Form.EXPORT


@pytest.mark.parametrize("missing", REQUIRED)
def test_with_fewer_columns_a_file_is_not_recognised(missing):
    assert form_of([name for name in FRAME if name != missing]) is None
    assert form_of([name for name in EXPORT if name != PAYMENTS[missing].json]) is None


def test_an_amount_marked_with_its_unit_needs_no_other_columns():
    assert form_of(["amount", "currency"], MINOR_UNITS) is Form.FRAME
    assert form_of(["amount", "currency"], {b"unit": b"pounds"}) is None


def test_the_columns_of_both_are_refused():
    with pytest.raises(InvalidValue, match=r"^amount: is in minor units in a data frame and"):
        form_of([*FRAME, *EXPORT])
