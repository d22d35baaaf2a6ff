"""Stored payments as Arrow; that each value comes through is shown in tests/store/test_batches.py."""

import pytest
from bson import encode

from financeops.arrow.bson import table_of
from financeops.arrow.tables import SCHEMA
from financeops.core.errors import InvalidValue
from financeops.store.documents import payment_document
from tests.builders import payment


def test_no_documents_are_an_empty_table():
    table = table_of([], SCHEMA.names)
    assert (table.num_rows, table.schema) == (0, SCHEMA)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("country", 49, "country: of payment .* is 49"), ("method", None, "method: is missing")],
)
def test_a_stored_value_that_no_payment_has_is_named(field, value, said):
    document = {**payment_document(payment()), field: value}
    with pytest.raises(InvalidValue, match=f"^{said}"):
        table_of([encode(payment_document(payment())), encode(document)], SCHEMA.names)
