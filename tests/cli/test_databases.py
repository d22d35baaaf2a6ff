"""Which database `up` starts. The workflow tests what a real mongod then does."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from financeops.cli.running.databases import child_of
from financeops.core.errors import Misconfigured


@pytest.fixture
def path(tmp_path):
    """A PATH with a mongod that only prints its version, ``path("8.0.4")``, or without one."""

    def with_version(version: str | None = None) -> dict[str, str]:
        folder = tmp_path / f"bin-{version}"
        folder.mkdir(exist_ok=True)
        if version is not None:
            program = folder / "mongod"
            program.write_text(f"#!/bin/sh\necho 'db version v{version}'\n", "utf-8")
            program.chmod(0o755)
        return {"PATH": str(folder)}

    return with_version


@pytest.fixture
def started(tmp_path):
    """Name the program that would be started, and the folder of its data."""

    def start(environment, data_dir: str = "data"):
        said: list[str] = []
        child, uri = child_of(tmp_path / data_dir, 1, environment, said.append)
        folders = [each.name for each in (tmp_path / data_dir).iterdir()]
        (program,) = {Path(word).name for word in child.command} & {"mongod", "secantusd-py"}
        if program == "mongod":  # whose authentication needs a key
            key = Path(child.command[child.command.index("--keyFile") + 1])
            assert f":{key.read_text('ascii')}@" in uri
            assert re.fullmatch("[0-9A-Za-z]{6,1024}", key.read_text("ascii"))
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
        return program, folders, " ".join(said)

    return start


@pytest.mark.parametrize("version", ["7.0.1", "8.0.4", "10.2.0"])
def test_a_mongod_of_this_machine_is_preferred(version, path, started, tmp_path):
    assert started(path(version)) == (
        *("mongod", ["mongodb"]),
        "Using the mongod of this machine as the database.",
    )
    assert stat.S_IMODE((tmp_path / "data" / "mongodb").stat().st_mode) == 0o700


@pytest.mark.parametrize("version", [None, "6.0.19", "of nobody knows"])
def test_without_a_recent_mongod_the_embedded_database_is_started(version, path, started):
    assert started(path(version)) == ("secantusd-py", ["db"], "")


def test_it_can_be_set(path, started):
    embedded = {**path("8.0.4"), "FINANCEOPS_DATABASE": "embedded"}
    assert started(embedded) == ("secantusd-py", ["db"], "")
    asked = {**path("8.0.4"), "FINANCEOPS_DATABASE": "mongod"}
    assert started(asked, "another")[:2] == ("mongod", ["mongodb"])


def test_a_folder_keeps_the_database_it_was_created_with_and_says_so(path, started):
    started(path())
    program, folders, said = started(path("8.0.4"))
    assert (program, folders) == ("secantusd-py", ["db"])
    assert "keeps the embedded database with which it was created" in said


@pytest.mark.parametrize(
    ("made_with", "asked", "words"),
    [
        (None, (None, "mongo"), "it must be auto, mongod or embedded"),
        (None, (None, "mongod"), "FINANCEOPS_DATABASE asks for"),
        (None, ("6.0.19", "mongod"), "no mongod of version 7 or later"),
        (None, ("8.0.4", "mongod"), "was created with FINANCEOPS_DATABASE=embedded"),
        ("8.0.4", (None, "auto"), "was created with"),
        ("8.0.4", ("8.0.4", "embedded"), "was created with FINANCEOPS_DATABASE=mongod"),
    ],
)
def test_an_impossible_choice_is_refused_before_anything_is_started(
    made_with, asked, words, path, started
):
    if made_with is not None or "created" in words:
        started(path(made_with))
    version, setting = asked
    with pytest.raises(Misconfigured, match=words):
        started({**path(version), "FINANCEOPS_DATABASE": setting})
