import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.checks import check_key, check_tenant_id
from financeops.core.contract.texts import TEXT_PATTERN
from financeops.core.errors import InvalidValue


@pytest.mark.parametrize("tenant_id", ["tenant_1", "A", "a.b-c_d", "9" * 64])
def test_a_tenant_id_is_accepted(tenant_id):
    assert check_tenant_id(tenant_id) == tenant_id


@pytest.mark.parametrize("tenant_id", ["", "_a", ".", "a|b", "a b", "ä", "a\n", "$ne", "a" * 65])
def test_an_invalid_tenant_id_is_refused(tenant_id):
    with pytest.raises(InvalidValue) as refusal:
        check_tenant_id(tenant_id, "tenant")
    assert refusal.value.field == "tenant"


def test_keys_have_1_to_200_characters():
    assert check_key("k" * 200, "Idempotency-Key") == "k" * 200
    for key in ("", "k" * 201):
        with pytest.raises(InvalidValue) as refusal:
            check_key(key, "Idempotency-Key")
        assert refusal.value.field == "Idempotency-Key"


@pytest.mark.parametrize("key", [" k", "k ", "k\t", "\u00a0k", "k\u3000", "a\x00b", "\x85", "a\nb"])
def test_a_key_with_blanks_at_its_ends_or_control_characters_is_refused(key):
    with pytest.raises(InvalidValue):
        check_key(key, "reference")
    assert not re.search(TEXT_PATTERN, key.rstrip("\n"))


UNSEEN = "\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_a_key_that_only_looks_like_another_is_refused_and_named(unseen):
    with pytest.raises(InvalidValue, match=f"U\\+{ord(unseen):04X}"):
        check_key(f"order{unseen}1", "reference")


PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
SINHALA = "\u0d9a\u0dca\u200d\u0dbb"


@pytest.mark.parametrize("key", [PERSIAN, SINHALA, "👩\u200d🚀", "a\u0301", "é", "…"])
def test_a_key_is_spelled_as_its_language_is(key):
    assert check_key(key, "reference") == key
    assert re.search(TEXT_PATTERN, key)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=210))
def test_keys_that_match_the_described_pattern_are_accepted_and_no_others(key):
    described = 1 <= len(key) <= 200 and bool(re.fullmatch(TEXT_PATTERN, key))
    try:
        taken = check_key(key, "reference") == key
    except InvalidValue:
        taken = False
    assert taken == described
