"""`financeops rates import`, and the rates that it records as a data frame."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

import financeops as fo
from financeops.core.errors import InvalidValue, NotFound
from tests.rates import ECB_FORM


@pytest.fixture
def source():
    return f"s{uuid4().hex[:12]}"


def test_a_history_is_recorded_once_for_all_tenants_and_read_as_frames(
    financeops, server_url, source, tmp_path
):
    file = tmp_path / "eurofxref-hist.csv"
    file.write_text(ECB_FORM)
    asked = ("rates", "import", file.name, "--source", source)
    done = financeops(*asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "eurofxref-hist.csv: 11 rates added, 0 replaced, 0 known; 1999-01-04 to 1999-01-06\n"
    )
    assert "0 rates added, 0 replaced, 11 known" in financeops(*asked).stdout

    with fo.connect(server_url, "nobody", progress=False) as connection:
        found = connection.rates(source=source, frame="pyarrow")
        assert found.equals(fo.read_rates(file, source=source, frame="pyarrow"))
        assert found.schema.names == ["date", "base", "quote", "rate", "source"]
        some = connection.rates("1999-01-05", date(1999, 1, 6), quote="USD", frame="polars")
        assert some.filter(source=source)["rate"].to_list() == [Decimal("1.179")]
        assert connection.rates(source="nobody", frame="pandas").empty
        with pytest.raises(InvalidValue, match="since: must be a day"):
            connection.rates("1999")

    file.write_text(ECB_FORM.replace("130.96", "130.97").replace("N/A", "0.58"))
    refused = financeops(*asked)
    assert refused.returncode == 1
    assert "EUR in JPY on 1999-01-05 is 130.96" in refused.stderr
    assert "11 known" in _again(financeops, file, asked, ECB_FORM)
    file.write_text(ECB_FORM.replace("130.96", "130.97").replace("N/A", "0.58"))
    assert "1 rates added, 1 replaced, 10 known" in financeops(*asked, "--replace").stdout


def _again(financeops, file, asked, text):
    file.write_text(text)
    return financeops(*asked).stdout


def test_a_long_history_is_taken_whole_or_not_at_all(financeops, server_url, source, tmp_path):
    first = date(2001, 1, 1)
    lines = [f"{first + timedelta(n)},EUR,USD,{1000 + n}" for n in range(2100)]
    file = tmp_path / "long.csv"
    asked = ("rates", "import", file.name, "--source", source)

    def imported(lines):
        file.write_text("\n".join(["date,base,quote,rate", *lines]))
        return financeops(*asked)

    assert imported(lines[2099:]).returncode == 0
    refused = imported([*lines[:2099], f"{lines[2099]}.5"])
    assert f"EUR in USD on {first + timedelta(2099)} is 3099 by {source}" in refused.stderr
    assert "2,099 rates added, 0 replaced, 1 known" in imported(lines).stdout
    with fo.connect(server_url, "nobody", progress=False) as connection:
        found = connection.rates(source=source, frame="pyarrow")
    assert found["rate"].to_pylist() == [*range(1000, 3100)]


def test_what_is_wrong_with_a_file_is_named_and_nothing_is_taken(
    financeops, server_url, source, tmp_path
):
    file = tmp_path / "rates.csv"
    plain = f"date,base,quote,rate,source\n1999-01-04,EUR,USD,1.1789,{source}\n"
    for text, options, problem in (
        (
            f"{plain}1999-01-04,EUR,JPY,133.73.1,{source}\n",
            (),
            "rates.csv: line 3, column rate: must be",
        ),
        ("date,base,quote,rate\n", (), "rates.csv: --source: must be named: who says so?"),
        (plain, ("--source", source), "rates.csv: --source: is in the file too"),
        ("\xff", (), "rates.csv: is not text in UTF-8"),
    ):
        file.write_text(text, encoding="latin-1")
        refused = financeops("rates", "import", file.name, *options)
        assert refused.returncode == 1
        assert problem in refused.stderr
    missing = financeops("rates", "import", "missing.csv")
    assert "missing.csv cannot be read: No such file" in missing.stderr
    with fo.connect(server_url, "nobody", progress=False) as connection:
        assert len(connection.rates(source=source, frame="pyarrow")) == 0
    with pytest.raises(NotFound, match="there is no file"):
        fo.read_rates(tmp_path / "missing.csv")
    with pytest.raises(InvalidValue, match="is not text in UTF-8"):
        fo.read_rates(file)
