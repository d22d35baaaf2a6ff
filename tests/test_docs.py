"""The documentation builds without a warning, needs no other host, omits no name, and is true."""

import doctest
import inspect
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from playwright.async_api import expect
from sphinx.util.inventory import InventoryFile

import financeops as fo
from tests.e2e.browser import launched
from tests.processes import ROOT

# The first test that looks at the pages waits for them to be built.
pytestmark = pytest.mark.timeout(600)

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PACKAGES = ("client", "core", "frames", "loading", "plots")
_REQUESTS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Elements that make a browser request something, and the attribute with its URL."""


def module_names():
    """Modules whose docstrings have examples."""
    yield "financeops.arrow.tables"
    for package in PACKAGES:
        root = import_module(f"financeops.{package}")
        yield root.__name__
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            yield found.name


class Page(HTMLParser):
    """Anchors of a page, its links, and what it requests."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.requests = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        have = dict(attrs)
        self.anchors |= {have[name] for name in ("id", "name") if have.get(name)}
        if tag == "a" and have.get("href"):
            self.links.add(have["href"])
        if asked := have.get(_REQUESTS.get(tag, "")):
            self.requests.add(asked)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the built pages, with one tutorial as it ran."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, ROOT / "docs" / "build.py", "quickstart", "--output", folder]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


@pytest.fixture(scope="module")
def pages(built):
    return {path: Page(path) for path in built.rglob("*.html")}


@pytest.mark.long
def test_every_link_within_the_pages_leads_somewhere(built, pages):
    followed = 0
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(path.as_uri(), link))
            if not target.startswith("file:"):
                continue
            found = Path(unquote(target.removeprefix("file://")))
            assert found.is_file(), f"{path.relative_to(built)}: {link}"
            if anchor and found.suffix == ".html":
                assert unquote(anchor) in pages[found].anchors, f"{path.relative_to(built)}: {link}"
            followed += 1
    assert followed > 100


@pytest.mark.long
def test_pages_request_nothing_from_other_hosts(built, pages):
    asked = {request for page in pages.values() for request in page.requests}
    assert asked
    assert not {request for request in asked if re.match(r"(?:[a-z]+:)?//", request)}
    for style in built.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", text), style


@pytest.mark.long
def test_every_public_name_is_in_the_reference(built):
    with (built / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", urljoin)
    known = {name for names in inventory.values() for name in names}
    missing = []
    public = [(name, getattr(fo, name)) for name in fo.__all__]
    public += [(name, getattr(fo.datasets, name)) for name in fo.datasets.__all__]
    for name, value in public:
        if inspect.ismodule(value):
            continue
        if f"{value.__module__}.{value.__qualname__}" not in known:
            missing.append(name)
    assert not missing


@pytest.mark.long
async def test_charts_of_a_tutorial_are_drawn_without_a_kernel_and_without_another_host(built):
    asked, failed = set(), set()
    async with launched() as browser:
        page = await browser.new_page()
        page.on("request", lambda request: asked.add(urlsplit(request.url).scheme))
        page.on("requestfailed", lambda request: failed.add(request.url))
        await page.goto((built / "tutorials" / "quickstart.html").as_uri())
        countries, followed = page.locator(".bqplot").nth(0), page.locator(".bqplot").nth(1)
        await expect(countries.locator("rect.bar")).to_have_count(8)
        await expect(countries.locator(".axis text", has_text="US").first).to_be_attached()
        await expect(followed.locator("path.line")).to_have_attribute("d", re.compile(r"M.+L"))
    assert failed == set()
    assert asked <= {"file", "data", "blob"}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_notebook_is_listed(notebook):
    assert notebook in (ROOT / "docs" / "tutorials.md").read_text(encoding="utf-8")
    assert f"notebooks/{notebook}.ipynb" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_term_names_the_public_function_that_computes_it():
    said = (ROOT / "docs" / "terms.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`fo\.([a-z_]+)`", said))
    assert {"metrics", "trends", "segments", "cohorts", "refund_curve"} <= named
    assert named <= set(fo.__all__)


@pytest.mark.parametrize("name", sorted(set(module_names())))
def test_examples_in_docstrings_are_true(name):
    results = doctest.testmod(import_module(name))
    assert results.failed == 0


def functions_of_frames():
    return [
        value
        for value in (getattr(fo, name) for name in fo.__all__)
        if inspect.isfunction(value) and value.__module__.startswith("financeops.frames.")
    ]


def test_every_function_of_frames_has_an_example_that_runs():
    finder, functions = doctest.DocTestFinder(recurse=False), functions_of_frames()
    assert functions
    for function in functions:
        examples = [example for found in finder.find(function) for example in found.examples]
        run = [each for each in examples if doctest.SKIP not in each.options]
        assert run, function.__name__
