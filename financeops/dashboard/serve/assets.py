"""Serve the scripts of the page, those of Voilà, the widgets and the charts, as one file.

Voilà and each extension come in pieces. A page would load a hundred of them, in waves that wait for one another. A piece
only registers its functions, so it may be loaded before it is needed: the pieces that this page runs (``scripts.txt``)
precede Voilà's own script. Addresses begin with a hash of all files, so browsers can keep them without asking again.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from financeops.dashboard.serve.packing import Encoding, cache_folder, pack, pack_once
from financeops.dashboard.serve.unused import without

ADDRESS = "voila/pages"
"""Prefix of the address of all files; the version follows."""

EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "bqplot",
    "bqscales",
    "financeops",
)
"""Extensions that the dashboard uses. Others may be installed for JupyterLab."""

MAIN = "static/voila.js"
PIECES = Path(__file__).parent / "scripts.txt"

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".woff", ".woff2"})
"""Kinds of files that are compressed by themselves."""


class Assets:
    """The files that a page may request, by the end of their address. No other file is ever read.

    Parameters
    ----------
    static : iterable of path
        Folders of Voilà's files, of which the first one that has a file counts.
    extensions : iterable of path
        The same for folders of extensions.
    cache : path, optional
        Folder for results that take long to compute. Default: the user's.

    Attributes
    ----------
    version : str
        Hash of all files: it changes with any of them.
    """

    def __init__(
        self, static: Iterable[str], extensions: Iterable[str], cache: Path | None = None
    ) -> None:
        self._files = _found(static, extensions)
        self._cache = cache or cache_folder()
        self._packed: dict[tuple[str, Encoding], bytes | None] = {}
        # One at a time: requests for the large file wait while it is being packed.
        self._packing = ThreadPoolExecutor(1, thread_name_prefix="packing")
        self.version = self._version()

    def plain(self, name: str) -> bytes | None:
        """Return a file as it is; None if there is no such file."""
        if name == MAIN:
            return self._main
        return self._files[name].read_bytes() if name in self._files else None

    async def packed(self, name: str, encoding: Encoding) -> bytes | None:
        """Return a file packed; None if there is no such file, or packing does not make it smaller."""
        if (name, encoding) in self._packed:
            return self._packed[name, encoding]
        if name != MAIN:
            return self._pack(name, encoding)
        return await asyncio.get_running_loop().run_in_executor(
            self._packing, self._pack, name, encoding
        )

    def pack_ahead(self) -> None:
        """Start packing the large file in a thread: the first time it takes two seconds."""
        for encoding in reversed(Encoding):  # the quick one first
            self._packing.submit(self._pack, MAIN, encoding)

    def close(self) -> None:
        """Stop packing."""
        self._packing.shutdown(wait=False, cancel_futures=True)

    def configure(self, page_config: dict[str, Any], base_url: str, **_: Any) -> dict[str, Any]:
        """Set the addresses of files in the configuration of a Voilà page."""
        place = f"{base_url}{ADDRESS}/{self.version}"
        page_config["fullStaticUrl"] = f"{place}/static"
        page_config["fullLabextensionsUrl"] = f"{place}/labextensions"
        for extension in page_config["federated_extensions"]:
            # As the browser will request it: a preload hint must have the same address.
            extension["load"] = posixpath.normpath(extension["load"])
        return page_config

    @cached_property
    def _main(self) -> bytes:
        """Voilà's script, preceded by the pieces that it and the extensions would load."""
        main = without(self._files[MAIN].read_text(encoding="utf-8")).encode()
        return b"".join([*self._pieces(), main])

    def _pieces(self) -> Iterator[bytes]:
        lines = PIECES.read_text(encoding="utf-8").splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        for name, file in sorted(self._files.items()):
            if not any(fnmatchcase(name, pattern) for pattern in wanted):
                continue
            if (licence := self._files.get(f"{name}.LICENSE.txt")) is not None:
                yield b"".join(b"// %s\n" % line for line in licence.read_bytes().splitlines())
            # Each in its own function, so that "use strict" at its beginning applies to it alone.
            yield b"(()=>{\n%s\n})();\n" % file.read_bytes()

    def _version(self) -> str:
        content = hashlib.sha256(self._main)
        for name, file in sorted(self._files.items()):
            content.update(f"\0{name}\0".encode())
            content.update(hashlib.sha256(file.read_bytes()).digest())
        return content.hexdigest()[:20]

    def _pack(self, name: str, encoding: Encoding) -> bytes | None:
        if (name, encoding) not in self._packed:
            plain = self.plain(name)
            if plain is None or Path(name).suffix in _PACKED:
                packed = None
            elif name == MAIN:
                packed = pack_once(plain, encoding, self._cache)
            else:
                packed = pack(plain, encoding)
            self._packed[name, encoding] = packed
        return self._packed[name, encoding]


def kind_of(name: str) -> str:
    """Return the media type of a file."""
    return _KINDS[Path(name).suffix]


def _found(static: Iterable[str], extensions: Iterable[str]) -> dict[str, Path]:
    places = [("static", Path(folder)) for folder in static]
    folders = [Path(folder) for folder in extensions]
    for name in EXTENSIONS:
        # If an extension is installed twice, the first one counts as a whole, as in JupyterLab.
        found = (folder / name / "static" for folder in folders if (folder / name).is_dir())
        places += [(f"labextensions/{name}/static", folder) for folder in islice(found, 1)]
    files: dict[str, Path] = {}
    for address, folder in places:
        for file in folder.rglob("*"):
            if file.suffix in _KINDS and file.is_file():
                files.setdefault(f"{address}/{file.relative_to(folder).as_posix()}", file)
    return files
