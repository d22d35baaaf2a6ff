"""Pack answers in the encoding that a browser accepts; large files are packed once and kept."""

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
"""Of brotli's 11: packing the page's 4.7 MB to 1.08 MB takes 1.6 s; 11 takes 13 s for a tenth less."""

_KEPT = 8
"""Number of packed files to keep in a shared folder: each version of the page has two."""


class Encoding(StrEnum):
    """Encodings by their names in ``Accept-Encoding``, the best one first."""

    BROTLI = "br"
    GZIP = "gzip"


class Transform(GZipContentEncoding):
    """Packs dynamic answers as Tornado does, but honours ``q=0``."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        accepted = request.headers.get("Accept-Encoding")
        self._gzipping = encoding_for(accepted, [Encoding.GZIP]) is not None


def encoding_for(
    accepted: str | None, among: Sequence[Encoding] = tuple(Encoding)
) -> Encoding | None:
    """Return the encoding that an ``Accept-Encoding`` prefers; None for no encoding.

    RFC 9110, 12.5.3. A weight that cannot be read counts as 0.
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
    """Return whether packed bytes unpack to exactly this text; never unpacks more than its length."""
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
    """Pack a text, or use the packed file of an earlier run in a folder.

    Several programs may do this at the same time, and the folder may be read-only.
    """
    kept = folder / f"{hashlib.sha256(plain).hexdigest()}.{encoding}"
    with suppress(OSError):
        packed = kept.read_bytes()
        # The file may be damaged or forged: use it only if it unpacks to this text.
        if unpacks_to(packed, encoding, plain):
            return packed
    packed = pack(plain, encoding)
    # If it cannot be kept, it is packed again at each start.
    with suppress(OSError):
        _keep(kept, packed)
    return packed


def cache_folder() -> Path:
    """Return the folder in which packed files are kept."""
    named = os.environ.get("FINANCEOPS_CACHE_DIR")
    return (Path(named).expanduser() if named else user_cache_path("financeops")) / "pages"


def _keep(file: Path, content: bytes) -> None:
    """Write a file atomically, and delete the oldest ones."""
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
