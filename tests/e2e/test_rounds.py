"""A few random rounds of failures; `python -m tests.rounds` runs 200."""

from random import Random

import pytest

from tests.database import NAMED_URI
from tests.rounds import hold


@pytest.mark.skipif(
    NAMED_URI is not None, reason="kills its database: only one of its own may be killed"
)
async def test_answers_are_true_whatever_fails(tmp_path):
    outcome = await hold(tmp_path, 3, Random(20261126))
    assert outcome.wrong == []
    assert outcome.rounds == 3
    assert outcome.payments > 75
