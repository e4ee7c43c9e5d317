"""`./flightdeck key`: what is printed, and that a script can take a key from it at once."""

from __future__ import annotations

import pytest
from rich.console import Console

from include.errors import PermanentError
from include.platform import keys
from include.platform.door import key_parser
from include.serving.keys import all_keys


@pytest.fixture
def door(tmp_path, stack, capsys):
    """Give a function that runs `key` and returns its code and what it printed."""

    def run(*arguments, home=tmp_path):
        code = keys.run(key_parser().parse_args(arguments), Console(highlight=False, width=200), home)
        return code, capsys.readouterr().out

    return run


def test_a_quiet_key_is_all_that_is_printed_and_is_listed_by_its_id_alone(door):
    code, plain = door("create", "--quiet", "--scope", "credit_risk", "--scope", "load_forecast", "--days", "2")
    assert code == 0
    beginning, id_, secret = plain.rstrip("\n").split("_", 2)
    assert beginning == "fd"
    (kept,) = all_keys().keys
    assert (kept.id, kept.scopes, kept.rate, kept.burst) == (id_, ("credit_risk", "load_forecast"), 100, 200)
    assert (kept.expires_at - kept.at).days == 2
    code, listed = door("list")
    assert code == 0
    assert id_ in listed
    assert secret not in listed
    code, said = door("revoke", id_)
    assert (code, "was revoked" in said) == (0, True)
    assert "revoked" in door("list")[1]
    assert all_keys().valid() == ()


def test_a_key_opens_only_what_is_served(door, monkeypatch):
    monkeypatch.setenv("FLIGHTDECK_USE_CASES", "tests.second_use_case")
    for name, said in (("tumours", "no 'serving'"), ("nothing", "no module")):
        with pytest.raises(PermanentError, match=said):
            door("create", "--scope", name)
    assert all_keys().keys == ()


def test_the_door_waits_until_the_service_knows_the_key(door, service):
    assert "no scoring service runs here" in door("create", "--scope", "credit_risk", home=service.home)[1]
    service.start()
    service.until(lambda: service.view() and service.view().access, seconds=20)
    plain = door("create", "--quiet", "--scope", "credit_risk", home=service.home)[1]
    id_ = plain.split("_")[1]
    assert id_ in {each.id for each in service.view().access}
    assert "the service refuses it" in door("revoke", id_, home=service.home)[1]
    assert id_ not in {each.id for each in service.view().access}
