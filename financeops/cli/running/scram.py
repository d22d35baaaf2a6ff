"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.

For passwords of ASCII letters and digits, which need no preparation (RFC 4013).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode


class Refused(Exception):
    """The password is wrong, or the server cannot prove that it knows it."""


class Conversation:
    """The messages by which client and server prove to each other that they know a password.

    Parameters
    ----------
    nonce : str, optional
        A different one each time; printable ASCII without a comma.
    """

    def __init__(self, user: str, password: str, *, nonce: str | None = None) -> None:
        self._password = password
        self._nonce = nonce or secrets.token_urlsafe(24)
        self._bare = f"n={user},r={self._nonce}"
        self._expected = b""

    def first(self) -> bytes:
        """Return the first message."""
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """Return the answer to the server's first message; raises `Refused`."""
        fields = _fields(challenge)
        nonce, rounds = fields.get("r", ""), int(fields.get("i", "0"))
        if not nonce.startswith(self._nonce) or rounds < 4096:
            raise Refused
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password.encode(), b64decode(fields["s"]), rounds
        )
        without_proof = f"c=biws,r={nonce}"
        signed = b",".join((self._bare.encode(), challenge, without_proof.encode()))
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        self._expected = _hmac(_hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={b64encode(proof).decode()}".encode()

    def check(self, last: bytes) -> None:
        """Raise `Refused` unless the server's last message proves that it knows the password too."""
        if not hmac.compare_digest(b64decode(_fields(last).get("v", "")), self._expected):
            raise Refused


def _fields(message: bytes) -> dict[str, str]:
    return dict(part.split("=", 1) for part in message.decode().split(",") if "=" in part)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
