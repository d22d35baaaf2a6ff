"""`financeops seed`, `export`, `verify` and the program itself, against a real server."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from importlib.metadata import version

import pytest
from pymongo import MongoClient

from financeops.cli.running.addresses import free_port
from financeops.client import Client
from tests.cli.conftest import run
from tests.processes import start_server

SALES = "amount,createdAt,reference\n11.77,2024-03-01,a\n0.23,2024-03-02,b\n5,2024-03-03,c\n"
PAID = ("--currency", "USD", "--default", "method=card,status=success")


@pytest.fixture
def sales(financeops, tenant, tmp_path):
    (tmp_path / "sales.csv").write_text(SALES)
    assert financeops("import", "sales.csv", "--tenant", tenant, *PAID).returncode == 0


def test_the_help_lists_commands_with_whole_sentences():
    listed = run("--help", COLUMNS="80").stdout.partition("Commands:")[2]
    assert "..." not in listed
    said = " ".join(listed.split())
    assert "Check running totals and displayed figures against the payments." in said
    assert "Copy the notebooks that come with FinanceOps, to read, run and change." in said


def test_without_its_libraries_the_command_says_how_to_install_them():
    code = "import sys; sys.modules['typer'] = None; from financeops.__main__ import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("financeops: typer is not installed: pip install")
    assert len(result.stderr.splitlines()) == 1


def test_no_server_at_an_address_names_the_option_for_another():
    result = run("seed", "--url", f"http://127.0.0.1:{free_port()}")
    assert result.returncode == 1
    assert "--url" in result.stderr


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:99999", "is no URL (Port out of range 0-65535)"),
        ("http://[::1", "is no URL (Invalid IPv6 URL)"),
        ("ftp://x", "does not begin with http:// or https://"),
        ("http://", "names no host"),
    ],
)
def test_a_wrong_url_is_refused_in_one_line_that_names_what_gave_it(url, problem):
    for name, result in (
        ("--url", run("imports", "--url", url)),
        ("FINANCEOPS_URL", run("imports", url=url)),
    ):
        assert result.returncode == 1
        assert result.stderr.startswith(
            f"financeops: {name} is {url.rstrip('/')!r}, which {problem}: "
        )
        assert result.stderr.count("\n") == 1


def test_undo_goes_by_its_own_options_whatever_the_list_would_go_by():
    there, unknown = f"http://127.0.0.1:{free_port()}", "0" * 24
    result = run("imports", "undo", "--url", there, unknown, url="nowhere")
    assert result.stderr.startswith(f"financeops: no connection to {there}")
    for option in (("--url", there), ("--tenant", "shop"), ("--json",)):
        result = run("imports", *option, "undo", unknown, url=there)
        assert result.returncode == 2
        assert f"for {option[0]}: is for the list of imports here" in result.stderr


def test_export_writes_the_selected_payments(financeops, tenant, tmp_path, sales):
    span = ("--from", "2024-03-02T00:00:00Z", "--to", "2024-03-03T01:00:00+01:00")
    result = financeops("export", "-o", "some.csv", "--tenant", tenant, *span)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    (row,) = csv.DictReader(io.StringIO((tmp_path / "some.csv").read_text()))
    assert (row["reference"], row["amount"]) == ("b", "0.23")

    lines = financeops("export", "-o", "-", "--tenant", tenant, "--format", "ndjson")
    assert [json.loads(line)["reference"] for line in lines.stdout.splitlines()] == ["a", "b", "c"]


def test_a_failed_export_leaves_the_earlier_file(financeops, tmp_path):
    (tmp_path / "all.csv").write_text("yesterday's")
    result = financeops("export", "-o", "all.csv", "--tenant", "nobody")
    assert result.returncode == 1
    assert result.stderr.startswith("financeops: tenant 'nobody' does not exist")
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
    assert (tmp_path / "all.csv").read_text() == "yesterday's"


def test_a_day_in_an_export_is_in_the_tenants_zone(financeops, tenant, tmp_path, sales):
    span = ("--from", "2024-03-01", "--to", "2024-03-02")

    def exported():
        lines = financeops("export", "-o", "-", "--tenant", tenant, "--format", "ndjson", *span)
        return [json.loads(line)["reference"] for line in lines.stdout.splitlines()]

    assert exported() == ["a"]
    assert financeops("tenant", "set-timezone", tenant, "America/New_York").returncode == 0
    assert exported() == ["b"]


def test_export_says_what_is_wrong_with_its_options(financeops, tenant, sales):
    for wrong, why in {
        "2024-03-01T00:00": "must name its zone: 2024-03-01T00:00:00Z is UTC",
        "2500-01-01": "must lie between 1970 and 2099",
        "tomorrow": "must be a datetime with its zone, a date, or ISO 8601 text",
    }.items():
        refused = financeops("export", "-o", "x.csv", "--tenant", tenant, "--from", wrong)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"financeops: --from: {why}")
    nowhere = financeops("export", "-o", "no/x.csv")
    assert nowhere.returncode == 1
    assert "cannot write no/x.csv: No such file or directory; change --output" in nowhere.stderr
    assert financeops("export", "-o", "x.csv", "--format", "xls").returncode == 2


def test_seed_fills_an_empty_database_once_and_verify_finds_and_repairs_a_wrong_total(database_uri):
    server = start_server(database_uri)
    try:
        first = run("seed", "--count", 1500, "--days", 10, url=server.url)
        assert (first.returncode, first.stdout) == (0, "Seeded successfully: 1,500 payments\n")
        again = run("seed", url=server.url)
        assert (again.returncode, again.stdout) == (0, "Already seeded: 1,500 payments\n")

        good = run("verify", url=server.url)
        assert good.returncode == 0, good.stdout + good.stderr
        assert good.stdout.endswith("no difference\n")
        assert "displayed figures checked, no difference\n" in good.stdout
        with MongoClient(database_uri) as client:
            rollups = client.get_default_database()["rollups"]
            rollups.update_one({"grain": "total"}, {"$inc": {"methods.card.success.amount": 1}})
        bad = run("verify", url=server.url)
        assert bad.returncode == 2
        assert "1 differ; `financeops verify --repair` repairs them\n" in bad.stdout
        assert (
            "displayed figures checked, 1 are displayed wrong because totals differ\n" in bad.stdout
        )
        mended = run("verify", "--repair", url=server.url)
        assert (mended.returncode, mended.stdout.rpartition(", ")[2]) == (
            0,
            "1 differed and were repaired\n",
        )
        assert run("verify", url=server.url).returncode == 0
    finally:
        server.stop()


async def test_a_tenant_can_move_to_another_time_zone(financeops, tenant, sales, server_url):
    moved = financeops("tenant", "set-timezone", tenant, "Asia/Tokyo")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.startswith(f"{tenant}: ")
    assert "Asia/Tokyo" in moved.stdout
    async with Client(server_url) as client:
        assert (await client.metrics(tenant)).timezone == "Asia/Tokyo"
    assert financeops("verify", "--tenant", tenant).returncode == 0

    wrong = financeops("tenant", "set-timezone", tenant, "Mars")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("financeops: timezone: ")


def test_the_version_is_that_of_the_package():
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"financeops {version('financeops')}\n")


def test_help_names_every_command_without_loading_what_they_need():
    result = run("--help")
    assert result.returncode == 0
    for command in ("up", "serve", "seed", "import", "export", "verify", "tenant"):
        assert f"\n  {command} " in result.stdout
    code = "import sys, financeops.cli; print({'aiohttp', 'pyarrow', 'rich'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert loaded.stdout == b"set()\n"


def test_an_unknown_option_is_a_usage_error():
    result = run("seed", "--amount", 3)
    assert result.returncode == 2
    assert "No such option" in result.stderr
