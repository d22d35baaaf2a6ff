"""What decline codes mean: where a payment failed, and whether another try is worth it.

The table holds codes of Stripe, response codes of ISO 8583 (field 39, two characters), and the
names that this package and others use for them. Sources:

- Stripe, "Decline codes" (docs.stripe.com/declines/codes), and the codes that it never retries;
- ISO 8583-1:1987, field 39, as card processors publish it;
- Visa's categories of declines since 2020: 1, the issuer will never approve (``hard``); 2, it cannot
  approve now; 3, it cannot approve with these details (both ``soft``).

A tenant can have a table of its own, which comes first (`FINANCEOPS_TENANTS`). Codes that are in no table were
declined by an issuer or a bank; nothing says of which kind.

A payment keeps what the table said when it was recorded: a change of the table is one for later payments.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FailureStage(StrEnum):
    """Where a payment failed."""

    AUTHENTICATION = "authentication"
    BLOCKED = "blocked"
    DECLINED = "declined"
    TECHNICAL = "technical"
    ABANDONED = "abandoned"


class DeclineKind(StrEnum):
    """Whether another try may succeed: later, or with corrected details."""

    SOFT = "soft"
    HARD = "hard"


class Authentication(StrEnum):
    """What 3-D Secure said of a payment."""

    AUTHENTICATED = "authenticated"
    ATTEMPTED = "attempted"
    FAILED = "failed"
    REJECTED = "rejected"
    ABANDONED = "abandoned"
    EXEMPTED = "exempted"
    NONE = "none"


Meaning = tuple[FailureStage, DeclineKind | None]
"""Where a payment with a code failed, and of which kind that is; None if nothing says."""

_CODES: dict[Meaning, str] = {
    (FailureStage.DECLINED, DeclineKind.SOFT): """
        approve_with_id call_issuer card_velocity_exceeded currency_not_supported do_not_honor
        expired_card generic_decline incorrect_address incorrect_cvc incorrect_pin incorrect_zip
        instrument_declined insufficient_funds invalid_address invalid_amount invalid_cvc
        invalid_expiry_month invalid_expiry_year invalid_pin new_account_information_available
        no_action_taken not_permitted offline_pin_required online_or_offline_pin_required
        pin_try_exceeded suspected_fraud underpaid withdrawal_count_limit_exceeded
        01 02 03 05 13 19 51 54 55 59 61 62 65 70 75 78 82 86 93 6p n3 n4 n7
        """,
    (FailureStage.DECLINED, DeclineKind.HARD): """
        account_closed account_restricted card_not_supported do_not_try_again incorrect_number
        invalid_account invalid_number lost_card lost_or_stolen_card pickup_card restricted_card
        revocation_of_all_authorizations revocation_of_authorization security_violation
        service_not_allowed stolen_card stop_payment_order transaction_not_allowed
        04 07 12 14 15 36 39 41 43 46 57 63 r0 r1 r3
        """,
    (FailureStage.AUTHENTICATION, DeclineKind.SOFT): """
        authentication_failed authentication_not_handled authentication_required
        mobile_device_authentication_required 1a
        """,
    (FailureStage.BLOCKED, DeclineKind.HARD): """
        blocked blocked_by_rule elevated_risk_level fraudulent highest_risk_level
        merchant_blacklist rule
        """,
    (FailureStage.TECHNICAL, DeclineKind.SOFT): """
        bank_unavailable duplicate_transaction issuer_not_available issuer_unavailable
        network_congestion processing_error reenter_transaction testmode_decline timeout
        try_again_later
        06 30 68 91 92 94 96
        """,
    (FailureStage.ABANDONED, DeclineKind.SOFT): """
        abandoned canceled cancelled expired payer_cancelled payment_expired 17
        """,
}

MEANINGS: dict[str, Meaning] = {
    code: meaning for meaning, codes in _CODES.items() for code in codes.split()
}
"""What each known code means."""

UNLISTED: Meaning = (FailureStage.DECLINED, None)
"""What any other code means, and none at all."""


def meaning_of(code: str | None, own: Mapping[str, Meaning] = {}) -> Meaning:
    """Where a payment with a decline code failed, and of which kind that is.

    Parameters
    ----------
    code : str or None
    own : mapping of code to meaning
        The tenant's own table.

    Examples
    --------
    >>> [str(each) for each in meaning_of("insufficient_funds")]
    ['declined', 'soft']
    >>> meaning_of("no_idea") == meaning_of(None) == UNLISTED
    True
    >>> own = {"house_limit": (FailureStage.BLOCKED, DeclineKind.HARD)}
    >>> [str(each) for each in meaning_of("house_limit", own)]
    ['blocked', 'hard']
    """
    if code is None:
        return UNLISTED
    return own.get(code) or MEANINGS.get(code, UNLISTED)
