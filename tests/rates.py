"""Rates for tests: a file in the form of the European Central Bank's, and texts at the borders."""

from decimal import Decimal

from hypothesis import strategies as st

ECB_FORM = """\
Date,USD,JPY,CYP,GBP,
1999-01-06,1.1743,131.42,N/A,0.7076,
1999-01-05,1.1790,130.96,0.58231,0.7122,
1999-01-04,1.1789,133.73,0.58231,0.7111,
"""
"""Rates of the first days of the euro."""

RATE_TEXTS = st.builds(
    lambda digits, power: format(Decimal(digits).scaleb(-power), "f"),
    st.one_of(st.integers(1, 10**6), st.integers(1, 10**12 - 1)),
    st.integers(0, 6),
)
"""Most of them have few digits, as published ones do."""
