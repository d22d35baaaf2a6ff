"""Currencies that ISO 4217 has withdrawn, with decimals and dates: old payments are in them.

The package ``iso4217`` has the list of today only. The dates come from list three of ISO 4217
(historic denominations), which names months, and from Unicode CLDR (which tells from when to when
a currency was in use somewhere): the later end counts, and no payment is older than 1970. Decimals
are those of list one when the currency was on it. Codes that never had decimals, such as the gold
franc, are left out, and so are those that list three marks as not being ISO codes.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Withdrawn(NamedTuple):
    """Number of decimals of a currency, and the first and last day of its use."""

    decimals: int
    first: date
    last: date


_FACTS: dict[str, tuple[int, str, str]] = {
    "ADP": (0, "1970-01-01", "2003-07-31"),  # Andorran Peseta
    "AFA": (2, "1970-01-01", "2003-01-31"),  # Afghan Afghani (1927-2002)
    "ANG": (2, "1970-01-01", "2025-06-30"),  # Netherlands Antillean Guilder
    "AOK": (2, "1977-01-08", "1991-03-31"),  # Angolan Kwanza (1977-1991)
    "AON": (2, "1990-09-25", "2000-02-29"),  # Angolan New Kwanza (1990-2000)
    "AOR": (2, "1995-07-01", "2000-02-29"),  # Angolan Readjusted Kwanza (1995-1999)
    "ARA": (2, "1985-06-14", "1992-01-31"),  # Argentine Austral
    "ARP": (2, "1983-06-01", "1985-07-31"),  # Argentine Peso (1983-1985)
    "ATS": (2, "1970-01-01", "2002-03-31"),  # Austrian Schilling
    "AZM": (2, "1993-11-22", "2006-12-31"),  # Azerbaijani Manat (1993-2006)
    "BAD": (2, "1992-07-01", "1997-07-31"),  # Bosnia-Herzegovina Dinar (1992-1994)
    "BEC": (2, "1970-01-01", "1990-03-31"),  # Belgian Franc (convertible)
    "BEF": (0, "1970-01-01", "2002-03-31"),  # Belgian Franc
    "BEL": (2, "1970-01-01", "1990-03-31"),  # Belgian Franc (financial)
    "BGL": (2, "1970-01-01", "2003-11-30"),  # Bulgarian Hard Lev
    "BGN": (2, "1999-07-05", "2026-01-31"),  # Bulgarian Lev
    "BOP": (2, "1970-01-01", "1987-02-28"),  # Bolivian Peso
    "BRB": (2, "1970-01-01", "1986-03-31"),  # Brazilian New Cruzeiro (1967-1986)
    "BRC": (2, "1986-02-28", "1989-02-28"),  # Brazilian Cruzado (1986-1989)
    "BRE": (2, "1990-03-16", "1993-08-01"),  # Brazilian Cruzeiro (1990-1993)
    "BRN": (2, "1989-01-15", "1990-03-31"),  # Brazilian New Cruzado (1989-1990)
    "BRR": (2, "1993-08-01", "1994-07-31"),  # Brazilian Cruzeiro (1993-1994)
    "BUK": (2, "1970-01-01", "1990-02-28"),  # Burmese Kyat
    "BYB": (0, "1994-08-01", "2001-01-31"),  # Belarusian Ruble (1994-1999)
    "BYR": (0, "2000-01-01", "2017-01-31"),  # Belarusian Ruble (2000-2016)
    "CHC": (2, "1970-01-01", "2004-11-30"),  # WIR Franc (for electronic)
    "CSD": (2, "2002-05-15", "2006-10-31"),  # Serbian Dinar (2002-2006)
    "CSK": (2, "1970-01-01", "1993-03-31"),  # Czechoslovak Hard Koruna
    "CUC": (2, "1994-01-01", "2021-06-30"),  # Cuban Convertible Peso
    "CYP": (2, "1970-01-01", "2008-01-31"),  # Cypriot Pound
    "DDM": (2, "1970-01-01", "1990-10-02"),  # East German Mark
    "DEM": (2, "1970-01-01", "2002-05-15"),  # German Mark
    "ECS": (2, "1970-01-01", "2000-10-02"),  # Ecuadorian Sucre
    "ECV": (2, "1993-05-23", "2000-09-30"),  # Ecuadorian Unit of Constant Value
    "EEK": (2, "1992-06-21", "2011-01-31"),  # Estonian Kroon
    "ESA": (2, "1978-01-01", "1981-12-31"),  # Spanish Peseta (A account)
    "ESB": (2, "1975-01-01", "1994-12-31"),  # Spanish Peseta (convertible account)
    "ESP": (0, "1970-01-01", "2002-03-31"),  # Spanish Peseta
    "FIM": (2, "1970-01-01", "2002-03-31"),  # Finnish Markka
    "FRF": (2, "1970-01-01", "2002-03-31"),  # French Franc
    "GEK": (2, "1993-04-05", "1995-10-31"),  # Georgian Kupon Larit
    "GHC": (2, "1979-03-09", "2008-01-31"),  # Ghanaian Cedi (1979-2007)
    "GNS": (2, "1972-10-02", "1986-02-28"),  # Guinean Syli
    "GQE": (2, "1975-07-07", "1986-06-30"),  # Equatorial Guinean Ekwele
    "GRD": (0, "1970-01-01", "2002-03-31"),  # Greek Drachma
    "GWE": (2, "1970-01-01", "1981-12-31"),  # Portuguese Guinea Escudo
    "GWP": (2, "1976-02-28", "1997-05-31"),  # Guinea-Bissau Peso
    "HRD": (2, "1991-12-23", "1995-01-31"),  # Croatian Dinar
    "HRK": (2, "1994-05-30", "2023-01-31"),  # Croatian Kuna
    "IEP": (2, "1970-01-01", "2002-03-31"),  # Irish Pound
    "ILP": (2, "1970-01-01", "1981-12-31"),  # Israeli Pound
    "ITL": (0, "1970-01-01", "2002-03-31"),  # Italian Lira
    "LTL": (2, "1993-06-25", "2015-01-31"),  # Lithuanian Litas
    "LTT": (2, "1992-10-01", "1993-07-31"),  # Lithuanian Talonas
    "LUC": (2, "1970-01-01", "1990-03-31"),  # Luxembourgian Convertible Franc
    "LUF": (0, "1970-01-01", "2002-03-31"),  # Luxembourgian Franc
    "LUL": (2, "1970-01-01", "1990-03-31"),  # Luxembourg Financial Franc
    "LVL": (2, "1993-06-28", "2014-01-31"),  # Latvian Lats
    "LVR": (2, "1992-05-07", "1994-12-31"),  # Latvian Ruble
    "MGF": (0, "1970-01-01", "2004-12-31"),  # Malagasy Franc
    "MLF": (2, "1970-01-01", "1984-11-30"),  # Malian Franc
    "MRO": (2, "1973-06-29", "2018-06-30"),  # Mauritanian Ouguiya (1973-2017)
    "MTL": (2, "1970-01-01", "2008-01-31"),  # Maltese Lira
    "MTP": (2, "1970-01-01", "1983-06-30"),  # Maltese Pound
    "MXP": (2, "1970-01-01", "1993-01-31"),  # Mexican Silver Peso (1861-1992)
    "MZE": (2, "1975-06-25", "1981-12-31"),  # Mozambican Escudo
    "MZM": (2, "1980-06-16", "2006-12-31"),  # Mozambican Metical (1980-2006)
    "NIC": (2, "1970-01-01", "1991-04-30"),  # Nicaraguan Córdoba (1988-1991)
    "NLG": (2, "1970-01-01", "2002-03-31"),  # Dutch Guilder
    "PEI": (2, "1985-02-01", "1991-07-31"),  # Peruvian Inti
    "PES": (2, "1970-01-01", "1986-02-28"),  # Peruvian Sol (1863-1965)
    "PLZ": (2, "1970-01-01", "1997-01-31"),  # Polish Zloty (1950-1995)
    "PTE": (0, "1970-01-01", "2002-03-31"),  # Portuguese Escudo
    "RHD": (2, "1970-02-17", "1981-12-31"),  # Rhodesian Dollar
    "ROL": (2, "1970-01-01", "2006-12-31"),  # Romanian Leu (1952-2006)
    "RUR": (2, "1991-12-25", "2004-01-31"),  # Russian Ruble (1991-1998)
    "SDD": (2, "1992-06-08", "2007-07-31"),  # Sudanese Dinar (1992-2007)
    "SDP": (2, "1970-01-01", "1998-06-30"),  # Sudanese Pound (1957-1998)
    "SIT": (2, "1992-10-07", "2007-01-31"),  # Slovenian Tolar
    "SKK": (2, "1992-12-31", "2009-01-31"),  # Slovak Koruna
    "SLL": (2, "1970-01-01", "2023-12-31"),  # Sierra Leonean Leone (1964-2022)
    "SRG": (2, "1970-01-01", "2003-12-31"),  # Surinamese Guilder
    "STD": (2, "1977-09-08", "2017-12-31"),  # São Tomé & Príncipe Dobra (1977-2017)
    "SUR": (2, "1970-01-01", "1992-10-01"),  # Soviet Rouble
    "TJR": (2, "1995-05-10", "2001-04-30"),  # Tajikistani Ruble
    "TMM": (2, "1993-11-01", "2009-01-31"),  # Turkmenistani Manat (1993-2009)
    "TPE": (0, "1970-01-01", "2002-11-30"),  # Timorese Escudo
    "TRL": (0, "1970-01-01", "2005-12-31"),  # Turkish Lira (1922-2005)
    "UAK": (2, "1992-11-13", "1996-09-30"),  # Ukrainian Karbovanets
    "UGS": (2, "1970-01-01", "1987-05-31"),  # Ugandan Shilling (1966-1987)
    "USS": (2, "1970-01-01", "2014-03-31"),  # US Dollar (Same day)
    "UYP": (2, "1975-07-01", "1993-03-31"),  # Uruguayan Peso (1975-1993)
    "VEB": (2, "1970-01-01", "2008-06-30"),  # Venezuelan Bolívar (1871-2008)
    "VEF": (2, "2008-01-01", "2018-08-31"),  # Venezuelan Bolívar (2008-2018)
    "XEU": (2, "1979-01-01", "1999-01-31"),  # European Currency Unit
    "YDD": (2, "1970-01-01", "1996-01-01"),  # Yemeni Dinar
    "YUD": (2, "1970-01-01", "1990-01-31"),  # Yugoslavian Hard Dinar (1966-1990)
    "YUM": (2, "1994-01-24", "2003-07-31"),  # Yugoslavian New Dinar (1994-2002)
    "YUN": (2, "1990-01-01", "1995-11-30"),  # Yugoslavian Convertible Dinar (1990-1992)
    "ZAL": (2, "1985-09-01", "1995-03-31"),  # South African Rand (financial)
    "ZMK": (2, "1970-01-01", "2013-01-31"),  # Zambian Kwacha (1968-2012)
    "ZRN": (2, "1993-11-01", "1999-06-30"),  # Zairean New Zaire (1993-1998)
    "ZRZ": (2, "1971-10-27", "1994-02-28"),  # Zairean Zaire (1971-1993)
    "ZWD": (2, "1980-04-18", "2008-08-31"),  # Zimbabwean Dollar (1980-2008)
    "ZWL": (2, "2009-02-02", "2024-09-30"),  # Zimbabwean Dollar (2009-2024)
    "ZWN": (2, "2006-08-01", "2008-08-31"),  # Zimbabwean Dollar (2006-2008)
    "ZWR": (2, "2008-08-01", "2009-06-30"),  # Zimbabwean Dollar (2008)
}

WITHDRAWN = {
    code: Withdrawn(decimals, date.fromisoformat(first), date.fromisoformat(last))
    for code, (decimals, first, last) in _FACTS.items()
}
"""Withdrawn currencies by code; none of them is in the list of today."""
