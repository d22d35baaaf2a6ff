"""Of the packages that Voilà shares those that the dashboard never uses are empty, the others as they were."""

import re
from pathlib import Path

from voila.paths import collect_static_paths

from financeops.dashboard.serve.unused import PACKAGES, without

SHARED = re.compile(
    r'\w\("((?:@[\w-]+/)?[\w-]+)","[\d.]+",\((?:async)?\(\)=>.*?\)\)?(?=,\w\("|\)\)?[,;])'
)


def test_packages_that_are_never_used_are_empty_and_all_others_as_they_were():
    folders = map(Path, collect_static_paths(["voila"], "base"))
    script = next(file for folder in folders if (file := folder / "voila.js").is_file())
    before = script.read_text("utf-8")
    own, after = without(before).split(before[:50])
    assert "financeopsEmpty = () =>" in own
    was, now = ({each[1]: each[0] for each in SHARED.finditer(text)} for text in (before, after))
    assert set(PACKAGES) < was.keys() == now.keys()
    for name, shared in now.items():
        assert ("financeopsEmpty" in shared) == (name in PACKAGES), name
        assert ("Promise" in shared or ".e(" in shared) == (name not in PACKAGES), name
        assert name in PACKAGES or shared == was[name]


def test_a_script_of_another_form_stays_as_it_is():
    script = 'i("@jupyterlab/notebook", "9.0.0", load)'
    assert without(script).endswith(script)
