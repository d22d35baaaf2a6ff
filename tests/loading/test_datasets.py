"""The data sets of `fo.datasets`."""

import pytest

import financeops as fo


def test_the_cdnow_purchases_are_there_to_the_cent():
    purchases = fo.datasets.cdnow()
    assert purchases.shape == (69_659, 5)
    assert purchases["customer_id"].n_unique() == 23_570
    assert purchases["amount"].sum() == 250_031_563
    assert (purchases["amount"] == 0).sum() == 80
    assert f"{purchases['created_at'].max():%Y-%m-%d}" == "1998-06-30"


@pytest.mark.parametrize("frame", ["pandas", "pyarrow"])
def test_the_cdnow_purchases_come_in_any_library(frame):
    purchases = fo.datasets.cdnow(frame=frame)
    assert type(purchases).__module__.partition(".")[0] == frame
    assert len(purchases) == 69_659


def test_datasets_are_imported_when_they_are_used():
    assert "datasets" in dir(fo)
    assert fo.datasets.demo_incidents()
