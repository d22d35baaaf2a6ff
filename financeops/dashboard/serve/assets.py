"""What the page is made of: the scripts of Voilà, of the widgets and of the charts, in one file.

Voilà and each extension come in pieces, of which a page would load a hundred, in waves that wait for one another. A
piece only says which functions it has: it may be there before anybody asks for it. So the pieces that this page runs
(``scripts.txt``) stand before Voilà's own script. Addresses begin with a hash of all files: what a browser has of them
never changes, and it need not ask.
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

ADDRESS = "voila/pages"
"""Under it and the version are all files."""

EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "bqplot",
    "bqscales",
    "financeops",
)
"""Those that the dashboard uses. Others may be installed, for JupyterLab."""

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
"""Kinds that are packed as they are."""


class Assets:
    """The files that a page may ask for, by the end of their address. No other file is ever read.

    Parameters
    ----------
    static : iterable of path
        Folders of Voilà's files, of which the first one that has a file counts.
    extensions : iterable of path
        The same for folders of extensions.
    cache : path, optional
        A folder for what takes long to make. Default: the user's.

    Attributes
    ----------
    version : str
        Another one as soon as any of the files is.
    """

    def __init__(
        self, static: Iterable[str], extensions: Iterable[str], cache: Path | None = None
    ) -> None:
        self._files = _found(static, extensions)
        self._cache = cache or cache_folder()
        self._packed: dict[tuple[str, Encoding], bytes | None] = {}
        # One at a time: who asks for the large one while it is being packed waits for it.
        self._packing = ThreadPoolExecutor(1, thread_name_prefix="packing")
        self.version = self._version()

    def plain(self, name: str) -> bytes | None:
        """A file as it is; None when there is none."""
        if name == MAIN:
            return self._main
        return self._files[name].read_bytes() if name in self._files else None

    async def packed(self, name: str, encoding: Encoding) -> bytes | None:
        """A file, packed; None when there is none, or nothing is gained by it."""
        if (name, encoding) in self._packed:
            return self._packed[name, encoding]
        if name != MAIN:
            return self._pack(name, encoding)
        return await asyncio.get_running_loop().run_in_executor(
            self._packing, self._pack, name, encoding
        )

    def pack_ahead(self) -> None:
        """Begin to pack what is large, beside everything else: it takes two seconds the first time."""
        for encoding in reversed(Encoding):  # the quick one first
            self._packing.submit(self._pack, MAIN, encoding)

    def close(self) -> None:
        """Pack no more."""
        self._packing.shutdown(wait=False, cancel_futures=True)

    def configure(self, page_config: dict[str, Any], base_url: str, **_: Any) -> dict[str, Any]:
        """Tell a page of Voilà where its files are."""
        place = f"{base_url}{ADDRESS}/{self.version}"
        page_config["fullStaticUrl"] = f"{place}/static"
        page_config["fullLabextensionsUrl"] = f"{place}/labextensions"
        for extension in page_config["federated_extensions"]:
            # As the browser will ask for it: what it loads ahead has to be the same address.
            extension["load"] = posixpath.normpath(extension["load"])
        return page_config

    @cached_property
    def _main(self) -> bytes:
        """Voilà's script, after the pieces that it and the extensions would load."""
        return b"".join([*self._pieces(), self._files[MAIN].read_bytes()])

    def _pieces(self) -> Iterator[bytes]:
        lines = PIECES.read_text(encoding="utf-8").splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        for name, file in sorted(self._files.items()):
            if not any(fnmatchcase(name, pattern) for pattern in wanted):
                continue
            if (licence := self._files.get(f"{name}.LICENSE.txt")) is not None:
                yield b"".join(b"// %s\n" % line for line in licence.read_bytes().splitlines())
            # Each in a function of its own: "use strict" at its beginning is for it alone.
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
    """Media type of a file."""
    return _KINDS[Path(name).suffix]


def _found(static: Iterable[str], extensions: Iterable[str]) -> dict[str, Path]:
    places = [("static", Path(folder)) for folder in static]
    folders = [Path(folder) for folder in extensions]
    for name in EXTENSIONS:
        # Of an extension that is installed twice the first one counts, as a whole: JupyterLab finds them so.
        found = (folder / name / "static" for folder in folders if (folder / name).is_dir())
        places += [(f"labextensions/{name}/static", folder) for folder in islice(found, 1)]
    files: dict[str, Path] = {}
    for address, folder in places:
        for file in folder.rglob("*"):
            if file.suffix in _KINDS and file.is_file():
                files.setdefault(f"{address}/{file.relative_to(folder).as_posix()}", file)
    return files
