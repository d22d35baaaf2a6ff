"""What the dashboard's page is made of: one file, under an address that changes with it."""

import gzip
import os
import shutil

import pytest
from voila.paths import collect_static_paths
from voila.utils import get_voila_labextensions_path

from financeops.dashboard.serve.assets import EXTENSIONS, MAIN, Assets
from financeops.dashboard.serve.packing import Encoding

PIECE = "labextensions/bqplot/static/568.0123abcd.js"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Folders as Voilà knows them: of its own files and of extensions."""
    static, extensions = tmp_path_factory.mktemp("static"), tmp_path_factory.mktemp("extensions")
    for name in ("voila.js", "1601.voila.js", "9999.voila.js"):
        (static / name).write_text(f'"use strict";{name};' * 99)
    (static / "1601.voila.js.LICENSE.txt").write_text("/* Copyright\n * Somebody */\n")
    (static / "9999.voila.js.LICENSE.txt").write_text("/* Copyright of what is not in it */\n")
    (static / "font.woff2").write_bytes(bytes(999))
    for name in ("bqplot", "pygments"):
        folder = extensions / name / "static"
        folder.mkdir(parents=True)
        (folder / "568.0123abcd.js").write_text(f"{name}();" * 99)
    (static.parent / "secret.js").write_text("")
    return [static], [extensions]


@pytest.fixture
def made(tmp_path):
    """Makes assets; their threads end with the test."""
    every = []

    def make(static, extensions):
        every.append(Assets(static, extensions, tmp_path / "cache"))
        return every[-1]

    yield make
    for assets in every:
        assets.close()


@pytest.fixture
def assets(packages, made):
    return made(*packages)


def test_the_pieces_of_the_page_stand_before_its_script_with_their_licences(assets):
    main = assets.plain(MAIN).decode()
    order = ("bqplot()", "// /* Copyright\n//  * Somebody */\n", '{\n"use strict";1601.voila.js')
    places = [main.index(text) for text in (*order, '"use strict";voila.js')]
    assert places == sorted(places)
    for text in ("9999", "not in it", "pygments"):
        assert text not in main


async def test_only_files_of_the_page_can_be_asked_for(assets):
    assert assets.plain("static/9999.voila.js") is not None, "the page may want more than we know"
    for name in (
        "labextensions/pygments/static/568.0123abcd.js",
        *("static/../secret.js", "static/none.js", "static", "", "/etc/passwd"),
    ):
        assert assets.plain(name) is None
        assert await assets.packed(name, Encoding.BROTLI) is None


def test_of_an_extension_that_is_installed_twice_the_first_one_counts(packages, made, tmp_path):
    static, extensions = packages
    folder = tmp_path / "bqplot" / "static"
    folder.mkdir(parents=True)
    (folder / "568.fedcba98.js").write_text("first();")
    main = made(static, [tmp_path, *extensions]).plain(MAIN)
    assert b"first()" in main
    assert b"bqplot()" not in main


async def test_what_is_packed_is_what_is_plain(assets, tmp_path):
    assets.pack_ahead()
    for name in (MAIN, "static/1601.voila.js", PIECE):
        packed = await assets.packed(name, Encoding.GZIP)
        assert gzip.decompress(packed) == assets.plain(name)
        assert await assets.packed(name, Encoding.GZIP) is packed
    assert await assets.packed("static/font.woff2", Encoding.GZIP) is None
    assert len(await assets.packed(MAIN, Encoding.BROTLI)) < len(assets.plain(MAIN)) / 2
    # Only what takes long is kept.
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_version_changes_with_any_file(packages, made, tmp_path):
    static, extensions = (shutil.copytree(each, tmp_path / each.name) for (each,) in packages)

    def version():
        return made([static], [extensions]).version

    seen = {version() for _ in range(2)}
    assert len(seen) == 1
    for file in (static / "voila.js", static / "9999.voila.js", extensions / PIECE[14:]):
        about = file.stat()
        file.write_text(file.read_text().replace(";", " ", 1))
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
        seen.add(version())
    (static / "new.js").write_text("")
    seen.add(version())
    assert len(seen) == 5


def test_a_page_is_told_the_addresses_that_its_browser_will_ask_for(assets):
    config = {"federated_extensions": [{"name": "bqplot", "load": "./static//a.js"}]}
    place = f"/base/voila/pages/{assets.version}"
    assert assets.configure(config, "/base/", log=None) == {
        "fullStaticUrl": f"{place}/static",
        "fullLabextensionsUrl": f"{place}/labextensions",
        "federated_extensions": [{"name": "bqplot", "load": "static/a.js"}],
    }


def test_every_extension_that_the_page_wants_is_installed(monkeypatch, made):
    from financeops.dashboard.serve.app import _DASHBOARD

    monkeypatch.setenv("JUPYTER_PATH", str(_DASHBOARD))
    assets = made(
        collect_static_paths(["voila", "nbconvert"], "lab"), get_voila_labextensions_path()
    )
    files = [name for name in assets._files if name.startswith("labextensions/")]
    for extension in EXTENSIONS:
        assert any(name.startswith(f"labextensions/{extension}/static/") for name in files)
    assert b"jupyter.widget" in assets.plain(MAIN)
