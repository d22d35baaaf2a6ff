"""Stored payments as Arrow; tests/store/test_batches.py shows that each value is kept."""

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
    ("field", "value", "message"),
    [("country", 49, "country: of payment .* is 49"), ("method", None, "method: is missing")],
)
def test_an_invalid_stored_value_is_named(field, value, message):
    document = {**payment_document(payment()), field: value}
    with pytest.raises(InvalidValue, match=f"^{message}"):
        table_of([encode(payment_document(payment())), encode(document)], SCHEMA.names)
