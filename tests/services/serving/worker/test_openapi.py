"""The OpenAPI document says what the service does: requests made from it, right and wrong ones, find nothing else."""

from __future__ import annotations

import datetime as dt

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from include.serving.app import create_app
from include.serving.view import ViewOfKey
from include.spec import Serving
from include.use_cases.credit_risk import SPEC as CREDIT
from include.use_cases.load_forecast import SPEC as LOAD
from include.use_cases.recommender import SPEC as SHOP
from tests.asking import serving
from tests.served import KEY, Home, access, issued

HEADERS = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """Give the schema of a served application, read from it."""
    home = Home(tmp_path_factory.mktemp("serving"))
    home.access = (access("abc123", KEY, ("credit_risk", "load_forecast", "recommender")),)
    shop = home.recommends(3, **{market: ViewOfKey(decides=home.recommender(7, market)) for market in SHOP.markets})
    credit = home.view(17, decides=home.model(3))
    shop.model_copy(update={"use_cases": {**shop.use_cases, **credit.use_cases}}).write(home.path)
    issued(home.path, LOAD, dt.date(2008, 1, 4))
    patient = {"serving": Serving(outputs=None, deadline_ms=1000)}
    specs = [spec.model_copy(update=patient) for spec in (CREDIT, LOAD, SHOP)]
    with serving(create_app(home.path, specs)) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_is_answered_is_what_is_documented(api, mode):
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) == 6
    for operation in operations:

        @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def each(case):
            assume(
                all(value not in ("", [], {}, None) for value in (case.query or {}).values())
            )  # in a URL these are as if not there
            case.call_and_validate(headers=HEADERS)

        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters:
            each()


def test_every_route_of_a_use_case_says_how_it_refuses(api):
    paths = {path: item for path, item in api.raw_schema["paths"].items() if path.startswith("/v1/")}
    assert set(paths) == {
        "/v1/credit_risk/predict", "/v1/load_forecast/predict", "/v1/recommender/recommendations/{user}",
    }  # fmt: skip
    for item in paths.values():
        for operation in item.values():
            assert {"200", "401", "403", "422", "429", "503"} <= set(operation["responses"])
            assert ("413" in operation["responses"]) == ("requestBody" in operation)
            assert operation["security"]
    one = api.raw_schema["components"]["schemas"]["CreditRiskCase"]
    assert set(one["required"]) == {"ID", *CREDIT.model_columns}
    assert one["additionalProperties"] is False
