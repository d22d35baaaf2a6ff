"""The embedded database as `up` starts it asks for a password, even if it did not before."""

from __future__ import annotations

import base64

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from financeops.cli.running import children, embedded, pulse
from financeops.cli.running.addresses import free_port
from financeops.cli.running.scram import Conversation, Refused
from financeops.cli.running.supervisor import Supervisor
from tests.cli.test_supervisor import Said
from tests.database import EmbeddedDatabase


async def test_without_the_password_access_is_refused(tmp_path):
    old = EmbeddedDatabase(tmp_path)
    old.start()
    with MongoClient(old.uri) as client:
        client.shop.payments.insert_one({"_id": 1})
    old.kill()

    port = free_port()
    password = embedded.password_of(tmp_path / "db")
    async with Supervisor(tmp_path / "logs", Said()) as supervisor:
        await supervisor.start(children.database(tmp_path / "db", port, password=password))
        with MongoClient(embedded.uri(port, password=password)) as client:
            assert client.shop.payments.find_one() == {"_id": 1}
        with MongoClient(embedded.uri(port)) as client:
            for ask in (client.shop.payments.find_one, client.list_database_names):
                with pytest.raises(OperationFailure, match="authentication"):
                    ask()
        asked = (embedded.HOST, port)
        assert await pulse.commits(*asked, within=30, login=(embedded.USER, password))
        assert not await pulse.commits(*asked, within=30, login=(embedded.USER, "another"))
        assert not await pulse.commits(*asked, within=30)

    # Killed after it created its user, but before it noted that.
    kept = tmp_path / "db" / embedded.KEPT
    kept.rename(kept.with_name(embedded.MADE))
    async with Supervisor(tmp_path / "logs", Said()) as supervisor:
        await supervisor.start(children.database(tmp_path / "db", port, password=password))
        assert await pulse.commits(*asked, within=30, login=(embedded.USER, password))
    files = {file.name: file for file in (tmp_path / "db").iterdir() if "password" in file.name}
    assert set(files) == {"password"}
    assert files["password"].stat().st_mode & 0o777 == 0o600
    assert embedded.password_of(tmp_path / "db") == password


def test_the_proof_of_a_password_follows_the_standard():
    """The example of RFC 7677, section 3."""
    talk = Conversation("user", "pencil", nonce="rOprNGfwEbeRWgbNEkqO")
    assert talk.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert talk.final(challenge) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    talk.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(Refused):
        talk.check(b"v=" + base64.b64encode(bytes(32)))


@pytest.mark.parametrize("challenge", [b"r=another,s=AA==,i=4096", b"r=mine1,s=AA==,i=1"])
def test_a_server_with_a_wrong_or_a_weak_challenge_is_refused(challenge):
    with pytest.raises(Refused):
        Conversation("user", "pencil", nonce="mine").final(challenge)
