"""All ways to install (pip, conda, lock files) install the same packages, and name no host."""

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))

# Packages whose name on conda-forge differs from PyPI's (other than by - and _).
CONDA_NAMES = {"brotli-python": "brotli", "python-tzdata": "tzdata"}

# Assembled here, so that this file does not contain them itself.
REGISTRY_HOSTS = [
    ".".join(parts).encode()
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("debian", "org"),
        ("ubuntu", "com"),
        ("anaconda", "org"),
        ("anaconda", "com"),
    ]
]


def requirements(extra=None):
    """All requirements of the project with an extra, as {name: [Requirement, …]}."""
    found = {}
    texts = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"].get(extra, [])]
    for requirement in map(Requirement, texts):
        if canonicalize_name(requirement.name) == PROJECT["name"]:
            for name, more in chain.from_iterable(
                requirements(e).items() for e in requirement.extras
            ):
                found.setdefault(name, []).extend(r for r in more if r not in found.get(name, []))
        elif requirement not in found.setdefault(canonicalize_name(requirement.name), []):
            found[canonicalize_name(requirement.name)].append(requirement)
    return found


def bounds(extra):
    return {
        name: {str(requirement.specifier) for requirement in same}
        for name, same in requirements(extra).items()
    }


def conda_bounds():
    *conda, last = CONDA["dependencies"]
    found = {}
    for text in [*conda, *(line for line in last["pip"] if not line.startswith("-"))]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        found[CONDA_NAMES.get(name, name)] = {str(requirement.specifier)}
    return found


HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked(file):
    """The lock file as {name: version}; everything in it has its hashes."""
    found = {}
    whole = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", "")
    for line in whole.splitlines():
        text, *hashes = line.partition("#")[0].split(" --hash")
        if text.strip():
            assert hashes, f"{file} has no hash of {text!r}"
            requirement = Requirement(text.strip())
            (pin,) = requirement.specifier
            assert pin.operator == "==", f"{file} does not pin {line!r}"
            found[canonicalize_name(requirement.name)] = pin.version
    return found


def tracked_files():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing is tracked")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for path in map(ROOT.joinpath, listed.split("\0")) if path.is_file()]


def test_conda_and_pip_install_the_same_packages_with_the_same_bounds():
    conda = conda_bounds()
    assert conda.pop("python") == {PROJECT["requires-python"]}
    del conda["pip"]
    assert conda == bounds("all")


def test_conda_installs_the_project_itself():
    assert "--editable ." in CONDA["dependencies"][-1]["pip"]


def test_a_package_has_the_same_bound_in_every_extra():
    assert {name: same for name, same in bounds("dev").items() if len(same) > 1} == {}


@pytest.mark.parametrize(
    ("file", "extra"), [("requirements.lock", "all"), ("requirements-dev.lock", "dev")]
)
def test_the_lock_file_holds_every_requirement_within_its_bounds(file, extra):
    pins = locked(file)
    outside = [
        f"{requirement} has {pins.get(name)} in {file}: run `make lock`"
        for name, same in requirements(extra).items()
        for requirement in same
        if name not in pins or not requirement.specifier.contains(pins[name], prereleases=True)
    ]
    assert outside == []


def test_both_lock_files_agree():
    developing = locked("requirements-dev.lock")
    running = locked("requirements.lock")
    assert {name: developing.get(name) for name in running} == running


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_name_no_place(file):
    text = HASH.sub("", (ROOT / file).read_text(encoding="utf-8"))
    assert re.findall(r"(?m)^\s*--\S+|\S+://\S+|(?<!\w)/(?:\w+/)+\w*", text) == []


def test_no_tracked_file_names_a_registry_host():
    naming = [
        f"{path.relative_to(ROOT)} names {host.decode()}"
        for path in tracked_files()
        for text in [path.read_bytes().lower()]
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert naming == []


def test_actions_of_workflows_are_named_by_hash_and_version():
    uses = [
        line.strip()
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert uses
    pinned = re.compile(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in uses if not pinned.fullmatch(line)] == []
