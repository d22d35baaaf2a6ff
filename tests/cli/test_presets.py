"""Files of payment providers: each figure against a hand computation."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pyarrow import parquet

from financeops.cli.importing.columns import Columns, pairs_of
from financeops.cli.importing.interpreting import Skipped
from financeops.cli.importing.preset import known, preset_in, preset_of, recognised
from financeops.cli.importing.readers import Layout, format_of, opened
from financeops.cli.importing.separating import separators_in
from financeops.cli.importing.valuemaps import values_of
from financeops.core.errors import InvalidValue
from tests.cli.conftest import run

FILES = Path(__file__).with_name("provider_files")


def read(path, *, preset=None, named=None, values=(), defaults=None, **options):
    """What becomes of the rows of a file: payments, why they are skipped, why they are refused."""
    layout = Layout(format=format_of(path))
    found = []
    with opened(path, layout, needed=()) as table:
        columns = Columns(
            named=pairs_of(named or [], option="--map"),
            defaults=defaults or {},
            tenant_id="shop",
            zone=ZoneInfo("Asia/Tokyo"),
            values=values_of(values),
            preset=recognised(table.columns) if preset is None else preset_of(preset),
            **options,
        ).fitted(table)
        for row in table.rows:
            try:
                found.append(columns.payment(row.values) if row.values else row.problem)
            except Skipped as skipped:
                found.append(f"skipped: {skipped}")
            except InvalidValue as error:
                found.append(str(error))
    return found, columns


def without(payment, *names):
    return {name: value for name, value in payment.items() if name not in {"tenantId", *names}}


STRIPE = {
    "currency": "EUR",
    "method": "card",
    "status": "success",
    "processor": "stripe",
    "refundedAmount": 0,
}


def test_each_row_of_stripes_payments_is_what_it_says():
    found, columns = read(FILES / "stripe.csv")
    shirts, part, failed, whole, lost, open_, *others = [
        without(each) if isinstance(each, dict) else each for each in found
    ]
    assert shirts == STRIPE | {
        "reference": "ch_1",
        "orderId": "pi_1",
        "customerId": "cus_a",
        "payoutId": "po_1",
        "createdAt": "2026-05-01T10:00:00Z",
        "amount": Decimal("1234.50"),
        "network": "visa",
        "funding": "debit",
        "issuerCountry": "DE",
        "last4": "0042",
        "metadata": {"shop": "Mitte", "order no": "A-1"},
        "fees": [  # 18.77 of which 2.99 are tax
            {"kind": "processing", "amount": Decimal("15.78")},
            {"kind": "tax", "amount": Decimal("2.99")},
        ],
    }
    # 20.00 USD of which 5.00 were given back; its fee is in EUR.
    assert (part["amount"], part["refundedAmount"], part["status"]) == (20, 5, "success")
    assert (part["currency"], part["network"], "fees" in part) == ("USD", "mastercard", False)
    assert columns.interpreter.left_out == 1
    assert (failed["status"], failed["declineCode"]) == ("failed", "insufficient_funds")
    assert "payoutId" not in failed
    assert (whole["status"], whole["refundedAmount"], whole["orderId"]) == ("refunded", 15, "pi_3")
    assert whole["fees"] == [{"kind": "processing", "amount": Decimal("0.47")}]
    assert (lost["amount"], lost["currency"], lost["fees"][0]["amount"]) == (5000, "JPY", 180)
    day = "2026-05-20T12:00:00Z"
    assert lost["dispute"] == {
        "id": "ch_5",
        "status": "lost",
        "amount": 5000,
        "reason": "fraudulent",
        "openedAt": day,
        "closedAt": day,
    }
    assert (open_["method"], open_["dispute"]["amount"]) == ("bank_transfer", 30)
    assert open_["dispute"]["openedAt"] == "2026-05-21T12:00:00Z"
    assert "closedAt" not in open_["dispute"]
    assert others[:2] == ["skipped: authorised, but not captured", "skipped: not finished"]
    assert others[2].startswith("status: is 'Partially paid' in the column 'Status', which stripe-")
    assert others[3].startswith("method: is 'klarna' in the column 'Payment Source Type', which")


def test_the_command_line_comes_before_the_preset():
    values = ["status:Partially paid=success", "method:klarna=bank_transfer"]
    named = ["customerId=Card Last4,metadata.text=Description"]
    found, _ = read(FILES / "stripe.csv", values=values, named=named)
    assert [each["status"] for each in found[8:]] == ["success", "success"]
    # An inquiry of the network takes no money.
    assert (found[9]["method"], "dispute" in found[9]) == ("bank_transfer", False)
    assert found[0]["customerId"] == "0042"
    assert found[0]["metadata"]["text"] == "Two shirts, blue"
    for wrong in ("status", "status:Paid", "Status:Paid=success", "status:=success"):
        with pytest.raises(InvalidValue, match=r"^--value: "):
            values_of([wrong])
    with pytest.raises(InvalidValue, match=r"^--map: status=State: the file only has"):
        read(FILES / "stripe.csv", named=["status=State"])


def test_todays_stripe_files_have_other_columns(tmp_path):
    (tmp_path / "a.csv").write_text(
        "id;Created date (UTC);Amount;Amount Refunded;Currency;Status;Fee;Taxes On Fee;Refunded date (UTC)\n"
        "py_1;2026-06-05 20:38:34;3125.00;3125.00;kwd;Refunded;90.93;1.5;2026-06-07 08:00:00\n"
    )
    with pytest.raises(InvalidValue, match=r"^method: has no column: name it"):
        read(tmp_path / "a.csv")
    (payment,), _ = read(tmp_path / "a.csv", defaults={"method": "card"})
    assert (payment["amount"], payment["currency"]) == (3125, "KWD")
    assert payment["createdAt"] == "2026-06-05T20:38:34Z"
    assert payment["refundedAt"] == "2026-06-07T08:00:00Z"
    assert [fee["amount"] for fee in payment["fees"]] == [Decimal("89.43"), Decimal("1.5")]


def test_typed_cells_of_a_stripe_file_are_what_their_texts_are(tmp_path):
    row = {"id": "ch_1", "Created (UTC)": datetime(2026, 5, 1, 10), "Amount": 12.5}  # noqa: DTZ001 - a file has no zone
    row |= {"Amount Refunded": Decimal("0.50"), "Currency": "eur", "Status": "Paid"}
    row |= {"Captured": True, "Card Last4": 42.0, "Card Brand": "Visa", "no (metadata)": 7.0}
    row |= {"shop no": 7001234567891.0, "Fee": 0.5, "Tax": None, "Converted Currency": "eur"}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    (payment,), _ = read(tmp_path / "a.parquet", named=["customerId=shop no"])
    assert (payment["amount"], payment["refundedAmount"]) == (Decimal("12.5"), Decimal("0.5"))
    assert (payment["createdAt"], payment["last4"]) == ("2026-05-01T10:00:00Z", "0042")
    assert (payment["customerId"], payment["metadata"]) == ("7001234567891", {"no": "7"})
    assert payment["fees"] == [{"kind": "processing", "amount": Decimal("0.5")}]


def test_each_row_of_braintrees_transactions_is_what_it_says():
    found, _ = read(FILES / "braintree.csv")
    sale, paypal, declined, rejected, *others = found
    assert without(sale) == {
        "reference": "b1",
        "orderId": "o-1",
        "customerId": "c1",
        "processor": "braintree",
        "status": "success",
        "method": "card",
        "network": "mastercard",
        "last4": "4444",
        # Of the 12.00 that were authorised; 23:30 in Chicago in summer.
        "amount": Decimal("10.50"),
        "currency": "EUR",
        "createdAt": "2026-05-02T04:30:00Z",
        "issuerCountry": "DE",
    }
    assert (paypal["amount"], paypal["method"]) == (Decimal("1.234"), "paypal")
    assert (declined["amount"], declined["createdAt"]) == (20, "2026-05-02T12:01:00Z")
    assert (declined["declineCode"], declined["failureStage"]) == ("insufficient_funds", "declined")
    assert (rejected["declineCode"], rejected["failureStage"]) == (
        "three_d_secure",
        "authentication",
    )
    assert (rejected["createdAt"], "issuerCountry" in rejected) == ("2026-05-02T16:02:00Z", False)
    assert others[:3] == [
        "skipped: refunds in rows of their own are not read yet",
        "skipped: voided before it was settled",
        "skipped: authorised, but not submitted for settlement",
    ]
    assert others[3].startswith("createdAt: is in the zone 'XXT', which is not known")
    assert others[4] == (
        "Transaction Type: is 'adjustment', Transaction Status 'settled': braintree does not say what such a "
        "row is"
    )


def test_each_row_of_squares_transactions_is_what_it_says():
    found, columns = read(FILES / "square.csv", usual_currency="USD")
    card, cash, split, refund, partial, amex, mars = found
    assert without(card) == {
        "reference": "P1",
        "orderId": "T1",
        "customerId": "C1",
        "processor": "square",
        "status": "success",
        "method": "card",
        "network": "visa",
        "last4": "0042",
        # 1,230.00 - 30.00 + 24.00 + 10.50, at 21:50 in California in summer
        "amount": Decimal("1234.50"),
        "currency": "USD",
        "createdAt": "2026-05-02T04:50:48Z",
        "payoutId": "D1",
        "settledAt": "2026-05-03T07:00:00Z",
        "fees": [{"kind": "processing", "amount": Decimal("32.20")}],
    }
    assert (cash["method"], cash["amount"], "fees" in cash) == ("cash", Decimal("12.96"), False)
    assert split == "method: is not clear: there are amounts of Card and Cash"
    assert refund == "skipped: refunds in rows of their own are not read yet"
    assert partial == (
        "Partial Refunds: must be nothing in a payment's row, not '-$5.00': see its preset"
    )
    # Settled on the day on which it was paid; a cost in parentheses is a negative one, too.
    assert amex["createdAt"] == amex["settledAt"] == "2026-05-04T16:00:00Z"
    assert amex["fees"] == [{"kind": "processing", "amount": Decimal("0.88")}]
    assert mars.startswith("createdAt: is in the zone 'Mars', which is not known")
    assert columns.assumed_currency([tuple(next(_rows(FILES / "square.csv")))]) == "USD"


def _rows(path):
    with opened(path, Layout(format=format_of(path)), needed=()) as table:
        yield from (row.values for row in table.rows)


MINE = """
name = "mine"
title = "Our shop"
notes = "Open is paid later."
metadata-ending = "!"
[recognised]
columns = ["when", "what"]
[fields]
createdAt = { column = "when", date-format = "excel", zone = "+02:00" }
amount = { column = "what" }
status = { constant = "success" }
method = { constant = "card" }
currency = { constant = "EUR" }
"""


def test_a_preset_of_ones_own_is_read_from_its_path(tmp_path):
    (tmp_path / "mine.toml").write_text(MINE)
    header = ",".join(["when", "what", *(f"m{n}!" for n in range(21))])
    (tmp_path / "a.csv").write_text(f"{header}\n46143.5,12.00{',x' * 21}\n0,1{',' * 21}\n")
    (payment, wrong), columns = read(tmp_path / "a.csv", preset=str(tmp_path / "mine.toml"))
    # 46143 days after 1899-12-30, and noon
    assert (payment["createdAt"], payment["amount"]) == ("2026-05-01T10:00:00Z", 12)
    assert list(payment["metadata"]) == [f"m{n}" for n in range(20)]
    assert columns.unread(header.split(",")) == ["m20!"]
    assert wrong.startswith("createdAt: must be a day as a spreadsheet counts it, such as 46143.5")
    (tmp_path / "b.csv").write_text("when,amount\n46143,1\n")
    with pytest.raises(
        InvalidValue, match=r"^--from: mine needs the columns what; the file has wh"
    ):
        read(tmp_path / "b.csv", preset=str(tmp_path / "mine.toml"))


def test_without_a_word_of_the_preset_each_column_tells_what_separates_decimals(tmp_path):
    own = MINE.replace('{ constant = "EUR" }', '{ column = "cur" }').replace("excel", "%d.%m.%Y")
    own = own.replace("amount =", "feeAmount = { column = 'cost' }\namount =")
    (tmp_path / "mine.toml").write_text(own)
    lines = ["when;what;cost;cur", "01.05.2026;1.234;1,234;EUR", "01.05.2026;0,50 EUR;0.25;EUR"]
    (tmp_path / "a.csv").write_text("\n".join([*lines, "01.05.2026;0,50 EUR;0.25;USD"]))
    with opened(
        tmp_path / "a.csv", Layout(format=format_of(tmp_path / "a.csv")), needed=["cur"]
    ) as table:
        columns = Columns(
            named={},
            defaults={},
            tenant_id="shop",
            zone=ZoneInfo("UTC"),
            preset=preset_of(str(tmp_path / "mine.toml")),
        ).fitted(table)
        rows = list(table.rows)
    columns = columns.separating(separators_in(rows, columns.amounts))
    first, second = (columns.payment(row.values) for row in rows[:2])
    assert (first["amount"], first["feeAmount"]) == (1234, 1234)
    assert (second["amount"], second["feeAmount"]) == (Decimal("0.5"), Decimal("0.25"))
    with pytest.raises(InvalidValue, match=r"^what: is '0,50 EUR', and the row's currency is USD"):
        columns.payment(rows[2].values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nobody", r"^--from: must be auto, none, .* or one of braintree, .*, not 'nobody'"),
        ("./none.toml", r"^--from: \./none\.toml cannot be read: No such file"),
    ],
)
def test_a_preset_that_does_not_exist_is_refused(text, says):
    with pytest.raises(InvalidValue, match=says):
        preset_of(text)


def test_a_name_that_a_presets_file_must_not_have_is_said():
    for wrong in (
        MINE.replace("amount =", "money ="),
        MINE.replace("excel", "%d.%m."),
        MINE + "colour = 1",
        MINE.replace("column =", "columned ="),
        "name = ",
    ):
        with pytest.raises(InvalidValue, match=r"^--from: is no preset: "):
            preset_in(wrong, called="--from")


def test_a_file_that_two_presets_fit_is_asked_for():
    both = {name for preset in known().values() for name in preset.recognised.columns}
    both |= {"Created (UTC)"}
    with pytest.raises(InvalidValue, match=r"^--from: is required: braintree and square and strip"):
        recognised(both)
    assert recognised(["id", "Amount", "Currency", "Status"]) is None
    assert all(preset.notes.strip() for preset in known().values())


def test_presets_are_listed_and_shown():
    listed = run("presets")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        *("braintree", "square", "stripe-payments"),
    ]
    shown = run("presets", "square")
    assert shown.stdout.startswith('name = "square"')
    assert "Deposit Date has no time" in shown.stdout
