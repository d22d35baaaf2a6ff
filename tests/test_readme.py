"""The README lists everything: settings, routes, commands, folders."""

import re

import httpx
import pytest
import typer.main

from financeops.cli import app
from server.settings import settings_table
from tests.processes import ROOT, start_server

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def routes(mongodb_uri):
    """Every route of the running server: method and path."""
    server = start_server(mongodb_uri)
    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    server.stop()
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_settings_are_listed_with_their_defaults_and_meaning():
    assert settings_table() in README


def test_every_route_is_listed_and_no_other(routes):
    listed = set(re.findall(r"`((?:GET|POST) /[^`]*)`", README))
    assert listed == routes


def test_every_command_is_listed_and_no_other():
    group = typer.main.get_command(app)
    listed = set(re.findall(r"^\| `financeops ([a-z-]+)", README, re.MULTILINE))
    assert listed == set(group.commands)


def test_every_folder_is_listed_and_every_link_leads_somewhere():
    for package in (ROOT / "financeops").iterdir():
        if (package / "__init__.py").exists():
            assert f"`financeops/{package.name}`" in README
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "SECURITY.md"])
def test_files_named_as_evidence_exist(page):
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", (ROOT / page).read_text("utf-8")))
    assert {each for each in named if not (ROOT / each).exists()} == set()
