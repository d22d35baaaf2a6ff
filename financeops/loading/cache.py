"""Months of payments on this computer's disk, one Parquet file each.

The metadata of a file describe its content: the month, the history of the tenant, the `seq` as of
which it is true, and the number of payments. So a file cannot be mistaken for another. Files are
replaced as a whole, so several processes may read and write at once.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import parquet

from financeops.arrow.tables import SCHEMA
from financeops.client import MonthAnswer, MonthsAnswer
from financeops.core.payments import Status
from financeops.core.wire import timestamp

_FORM = b"5"
"""Version of the files' format; files of other versions are not read."""

_COUNTED = ("payments", "refunded", "returned", "revised", "taken_back", "renumbered")
_FEW_VALUES = [
    *("tenant_id", "currency", "method", "status", "source", "country", "decline_code"),
    *("processor", "network", "funding", "issuer_country", "channel"),
    *("authentication", "failure_stage", "decline_kind"),
]


class Counts(Struct, frozen=True):
    """Numbers of payments and of refunded ones in a month, and what was given back, in minor units.

    `revised` is how often something was told of them later: disputes, fees, settlements. All can
    only grow as long as `taken_back`, the tenant's number of payments and refunds that
    were taken back, is the same. A refund changes what was given back, except that of nothing: an
    amount of zero. `renumbered` is how often payments of the month were given another number in their
    order.
    """

    payments: int
    refunded: int
    returned: int
    revised: int
    taken_back: int
    renumbered: int


class KeptMonth(Struct, frozen=True):
    """A month on disk, true at `seq`; `table` reads its payments."""

    path: Path
    seq: int
    counts: Counts

    def table(self, columns: list[str]) -> pa.Table | None:
        """Its payments; None when the file is damaged or was just removed."""
        try:
            # Opened here, because the file may be replaced while it is read.
            with parquet.ParquetFile(self.path, page_checksum_verification=True) as file:
                same = _text_of(file.schema_arrow.metadata or {}, "seq") == str(self.seq)
                table = file.read(columns=columns).select(columns).replace_schema_metadata()
        except (OSError, KeyError, pa.ArrowException):
            return None
        whole = table.num_rows == self.counts.payments
        expected = pa.schema([SCHEMA.field(name) for name in columns])
        return table if same and whole and table.schema.equals(expected) else None


class MonthCache:
    """The months of one tenant of one server.

    Parameters
    ----------
    url : str
    tenant_id : str
    folder : Path, optional
        Default: ``FINANCEOPS_CACHE_DIR``, else the user's folder for caches.
    """

    def __init__(self, url: str, tenant_id: str, folder: Path | None = None) -> None:
        self._owner = hashlib.sha256(f"{url}\0{tenant_id}".encode()).hexdigest()[:32]
        self._folder = (folder or cache_folder()) / "payments" / self._owner

    def find(self, months: MonthsAnswer, month: MonthAnswer) -> KeptMonth | None:
        """The kept file of a month; None when there is none of this history and time zone."""
        path = self._path(month)
        try:
            found = parquet.read_schema(path).metadata or {}
            kept = KeptMonth(
                path,
                int(_text_of(found, "seq")),
                Counts(*(int(_text_of(found, name)) for name in _COUNTED)),
            )
        except (OSError, ValueError, pa.ArrowException):
            return None
        expected = self._identity(months, month)
        if any(found.get(name) != value for name, value in expected.items()):
            return None
        return kept

    def keep(self, months: MonthsAnswer, month: MonthAnswer, table: pa.Table) -> None:
        """Keep a month as it was at ``months.seq``, if the folder can be written."""
        counts = counts_of(table, months, month)
        metadata = {
            **self._identity(months, month),
            b"seq": str(months.seq).encode(),
            **{name.encode(): str(getattr(counts, name)).encode() for name in _COUNTED},
        }
        # A cache that cannot be written only makes the next load slower.
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                dir=self._folder, suffix=".new"
            )  # only this user can read it
            try:
                with os.fdopen(handle, "wb") as file:
                    parquet.write_table(
                        table.replace_schema_metadata(metadata),
                        file,
                        compression="lz4",
                        use_dictionary=_FEW_VALUES,
                        write_page_checksum=True,
                    )
                Path(name).replace(self._path(month))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def _path(self, month: MonthAnswer) -> Path:
        return self._folder / f"{month.month}.parquet"

    def _identity(self, months: MonthsAnswer, month: MonthAnswer) -> dict[bytes, bytes]:
        return {
            b"form": _FORM,
            b"owner": self._owner.encode(),
            b"history": months.history.encode(),
            b"from": timestamp(month.start).encode(),
            b"to": timestamp(month.end).encode(),
        }


def cache_folder() -> Path:
    """The folder of the cache."""
    if named := os.environ.get("FINANCEOPS_CACHE_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path  # noqa: PLC0415 - slow to import

    return user_cache_path("financeops")


def counts_of(table: pa.Table, months: MonthsAnswer, month: MonthAnswer) -> Counts:
    """Counts of a month's table that is as of an answer."""
    back = table["refunded_amount"]
    whole = pc.equal(table["status"], Status.REFUNDED.value)
    refunded = pc.sum(pc.or_(whole, pc.greater(back, 0))).as_py()
    # Of all currencies together: it only tells whether anything was given back since.
    returned = pc.sum(back.cast(pa.decimal128(38, 0))).as_py()
    revised = pc.sum(table["revision"]).as_py()
    return Counts(
        payments=table.num_rows,
        refunded=refunded or 0,
        returned=int(returned or 0),
        revised=revised or 0,
        taken_back=months.taken_back,
        renumbered=month.renumbered,
    )


def empty_month() -> pa.Table:
    """A month without payments."""
    return SCHEMA.empty_table()


def _text_of(metadata: dict[bytes, Any], name: str) -> str:
    return bytes(metadata.get(name.encode(), b"")).decode()
