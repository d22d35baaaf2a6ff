"""What decline codes mean."""

import hashlib

import pytest

from financeops.core.checks import METHOD
from financeops.core.declines import MEANINGS, DeclineKind, FailureStage, meaning_of
from financeops.core.payments import explained
from tests.builders import draft


@pytest.mark.parametrize(
    ("code", "stage", "kind"),
    [
        ("insufficient_funds", "declined", "soft"),
        ("51", "declined", "soft"),
        ("stolen_card", "declined", "hard"),
        ("43", "declined", "hard"),
        ("authentication_required", "authentication", "soft"),
        ("highest_risk_level", "blocked", "hard"),
        ("91", "technical", "soft"),
        ("payment_expired", "abandoned", "soft"),
        ("no_such_code", "declined", None),
        (None, "declined", None),
    ],
)
def test_a_code_tells_stage_and_kind(code, stage, kind):
    assert meaning_of(code) == (stage, kind)
    failed = explained(draft(status="failed", decline_code=code))
    assert (failed.failure_stage, failed.decline_kind) == (stage, kind)


def test_what_the_sender_says_counts():
    said = {"failure_stage": FailureStage.BLOCKED, "decline_kind": DeclineKind.HARD}
    failed = draft(status="failed", decline_code="51", **said)
    assert explained(failed) == failed
    only = explained(draft(status="failed", decline_code="51", failure_stage=FailureStage.BLOCKED))
    assert (only.failure_stage, only.decline_kind) == ("blocked", "soft")


def test_only_failures_are_explained():
    assert explained(draft()).failure_stage is None


def test_codes_are_written_as_payments_carry_them():
    assert all(METHOD.fullmatch(code) for code in MEANINGS)


def test_the_table_is_the_one_that_databases_were_counted_with():
    """A change of this needs a new version of the data model: see `financeops.core.declines`."""
    table = sorted((code, str(stage), str(kind)) for code, (stage, kind) in MEANINGS.items())
    assert hashlib.sha256(repr(table).encode()).hexdigest()[:16] == "9c48bfd40ac7c59e"
