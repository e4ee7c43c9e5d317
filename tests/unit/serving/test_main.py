"""Which use cases a service serves: those it is told, else all shipped ones that say how."""

from __future__ import annotations

import pytest

from include.errors import PermanentError
from include.serving.main import options, served


def test_all_shipped_ones_that_say_how_are_served(monkeypatch):
    monkeypatch.delenv("FLIGHTDECK_SERVES", raising=False)
    assert set(served()) >= {"credit_risk", "load_forecast"}


def test_the_environment_chooses(monkeypatch, tmp_path):
    monkeypatch.setenv("FLIGHTDECK_SERVES", " load_forecast ")
    given = options(["--home", str(tmp_path), "--port", "1234", "--workers", "3", "--host", "0.0.0.0"])  # noqa: S104
    assert (given.serves, given.port, given.workers, given.bind) == (("load_forecast",), 1234, 3, "0.0.0.0")  # noqa: S104


@pytest.mark.parametrize(("name", "said"), [("tumours", "'serving' in the spec of tumours"), ("nothing", "no module")])
def test_what_cannot_be_served_is_refused_at_the_start(monkeypatch, name, said):
    monkeypatch.setenv("FLIGHTDECK_USE_CASES", "tests.second_use_case")
    monkeypatch.setenv("FLIGHTDECK_SERVES", name)
    with pytest.raises(PermanentError, match=said):
        served()
