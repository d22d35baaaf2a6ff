"""What goes out packed: the encoding that a browser likes best, and large texts packed once."""

import gzip
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import brotli
import pytest

from financeops.dashboard.serve.packing import (
    Encoding,
    cache_folder,
    encoding_for,
    pack,
    pack_once,
    unpacks_to,
)

TEXT = b"a text that is packed; " * 999
UNPACK = {Encoding.BROTLI: brotli.decompress, Encoding.GZIP: gzip.decompress}

every_encoding = pytest.mark.parametrize("encoding", Encoding)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip, deflate, br, zstd", "br"),
        ("GZip, deflate", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, *", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, br;q=0", None),
        ("*;q=0, gzip", "gzip"),
        ("br;q=0.1, gzip;q=0.2", "gzip"),
        ("br;q=1.0, gzip;q=0.1", "br"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=nan", None),
        ("gzip;q=", None),
        (",;,=;q", None),
    ],
)
def test_the_encoding_is_the_one_that_is_liked_best(accepted, encoding):
    assert encoding_for(accepted) == encoding


@every_encoding
def test_what_is_packed_unpacks(encoding):
    packed = pack(TEXT, encoding)
    assert len(packed) < len(TEXT) / 10
    assert UNPACK[encoding](packed) == TEXT
    assert pack(TEXT, encoding) == packed


@every_encoding
def test_packing_is_done_once_by_one_who_owns_the_folder(encoding, tmp_path):
    folder = tmp_path / "a" / "cache"
    packed = pack_once(TEXT, encoding, folder)
    (kept,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept.stat().st_mode & 0o777 == 0o600
    # Packed otherwise it shows that it is the kept one.
    other = {Encoding.BROTLI: partial(brotli.compress, quality=1), Encoding.GZIP: gzip.compress}
    kept.write_bytes(other[encoding](TEXT))
    assert pack_once(TEXT, encoding, folder) == kept.read_bytes() != packed


@every_encoding
@pytest.mark.parametrize("left", ["nothing", "no packing", "other", "larger", "cut", "more"])
def test_what_was_kept_is_handed_out_only_if_it_is_the_text(encoding, left, tmp_path):
    packed = pack_once(TEXT, encoding, tmp_path)
    (kept,) = tmp_path.iterdir()
    found = {
        "nothing": b"",
        "no packing": b"no packing at all",
        "other": pack(b"alert()", encoding),
        "larger": pack(bytes(10**7), encoding),
        "cut": packed[:-4],
        "more": packed + b"x",
    }[left]
    assert not unpacks_to(found, encoding, TEXT)
    kept.write_bytes(found)
    assert pack_once(TEXT, encoding, tmp_path) == packed == kept.read_bytes()


def test_without_a_place_for_it_it_is_packed_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    packed = pack_once(TEXT, Encoding.BROTLI, tmp_path / "file" / "cache")
    assert brotli.decompress(packed) == TEXT


def test_many_may_pack_at_once_and_leave_one_file(tmp_path):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        packed = set(
            processes.map(pack_once, *([each] * 8 for each in (TEXT, Encoding.GZIP, tmp_path)))
        )
    assert [gzip.decompress(each) for each in packed] == [TEXT]
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() in packed


def test_of_what_was_kept_the_oldest_goes(tmp_path):
    for age in range(12):
        (tmp_path / f"{age}.br").write_bytes(b"")
        os.utime(tmp_path / f"{age}.br", (10**9 - age, 10**9 - age))
    (tmp_path / "somebody's.txt").write_text("")
    pack_once(TEXT, Encoding.GZIP, tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert names > {*(f"{age}.br" for age in range(7)), "somebody's.txt"}
    assert len(names) == 9


def test_the_folder_is_the_users_or_the_one_that_was_named(monkeypatch, tmp_path):
    monkeypatch.delenv("FINANCEOPS_CACHE_DIR", raising=False)
    assert cache_folder().parts[-2:] == ("financeops", "pages")
    monkeypatch.setenv("FINANCEOPS_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path / "pages"
