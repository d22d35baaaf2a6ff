"""Packing for the wire: the encoding that a browser asks for, and what is large packed once and kept."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile

import brotli
from platformdirs import user_cache_path
from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

_QUALITY = 9
"""Of brotli's 11: the page's 4.7 MB take 1.6 s and become 1.08 MB; with 11 it is 13 s for a tenth less."""

_KEPT = 8
"""Packed files that stay, of programs that share a folder: two of each version of the page."""


class Encoding(StrEnum):
    """How an answer is packed, by its name in ``Accept-Encoding``; the best one first."""

    BROTLI = "br"
    GZIP = "gzip"


class Transform(GZipContentEncoding):
    """Packs what is made for one answer, as Tornado does, but not for who says that it must not be packed."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        accepted = request.headers.get("Accept-Encoding")
        self._gzipping = encoding_for(accepted, [Encoding.GZIP]) is not None


def encoding_for(
    accepted: str | None, among: Sequence[Encoding] = tuple(Encoding)
) -> Encoding | None:
    """The encoding that whoever sent this ``Accept-Encoding`` likes best; None for none at all.

    RFC 9110, 12.5.3. What cannot be read is not liked.
    """
    weights = _weights(accepted or "")
    liked = {name: weights.get(name, weights.get("*", 0.0)) for name in among}
    best = max(among, key=lambda name: liked[name])  # of equals the first one
    return best if 0 < liked[best] >= weights.get("identity", 0.0) else None


def pack(plain: bytes, encoding: Encoding) -> bytes:
    """Pack a text; the same one gives the same bytes."""
    match encoding:
        case Encoding.BROTLI:
            packed: bytes = brotli.compress(plain, mode=brotli.MODE_TEXT, quality=_QUALITY)
            return packed
        case Encoding.GZIP:
            return gzip.compress(plain, mtime=0)


def unpacks_to(packed: bytes, encoding: Encoding, plain: bytes) -> bool:
    """Whether it is this text packed, and nothing more. Never more is unpacked than that, whatever it holds."""
    try:
        match encoding:
            case Encoding.BROTLI:
                brotlied = brotli.Decompressor()
                unpacked = brotlied.process(packed, output_buffer_limit=len(plain) + 1)
                whole = brotlied.is_finished()
            case Encoding.GZIP:
                gzipped = zlib.decompressobj(wbits=31)
                unpacked = gzipped.decompress(packed, len(plain) + 1)
                whole = gzipped.eof and not gzipped.unused_data
    except (brotli.error, zlib.error):
        return False
    return bool(whole) and unpacked == plain


def pack_once(plain: bytes, encoding: Encoding, folder: Path) -> bytes:
    """Pack a text, or find it packed in a folder.

    Any number of programs may do so at once, and the folder may be one that cannot be written.
    """
    kept = folder / f"{hashlib.sha256(plain).hexdigest()}.{encoding}"
    with suppress(OSError):
        packed = kept.read_bytes()
        # Whoever wrote it, and whatever became of it: only what is this text is handed out.
        if unpacks_to(packed, encoding, plain):
            return packed
    packed = pack(plain, encoding)
    # Without a place for it, it is made anew at each start.
    with suppress(OSError):
        _keep(kept, packed)
    return packed


def cache_folder() -> Path:
    """Where packed files are kept."""
    named = os.environ.get("FINANCEOPS_CACHE_DIR")
    return (Path(named).expanduser() if named else user_cache_path("financeops")) / "pages"


def _keep(file: Path, content: bytes) -> None:
    """Put it there whole or not at all, and let the oldest go."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as written:
        written.write(content)
    Path(written.name).replace(file)
    of_all = [each for name in Encoding for each in file.parent.glob(f"*.{name}")]
    for old in sorted(of_all, key=lambda each: each.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)


def _weights(accepted: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        weights[name.removeprefix("x-")] = weight
    return weights
