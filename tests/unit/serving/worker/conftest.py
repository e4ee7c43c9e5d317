"""A worker's application on a thread of this process, over a home of its own."""

from __future__ import annotations

import contextlib

import httpx
import pytest

from include.serving.app import create_app
from include.serving.service import Limits
from include.spec import Serving
from include.use_cases.credit_risk import SPEC
from tests.asking import serving
from tests.served import KEY, NOW, Home

HEADERS = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "serving")


@pytest.fixture
def application(home):
    """Give a function that starts an application over the home, and returns a client with a valid key."""
    with contextlib.ExitStack() as stack:

        def start(*, limits=None, now=lambda: NOW, spec=SPEC, **how):
            served = spec.model_copy(update={"serving": Serving(**how)})
            app = create_app(home.path, [served], limits=limits or Limits(), now=now)
            return stack.enter_context(_asking(app))

        yield start


@pytest.fixture
def client(home, application):
    """Give a client of an application with one champion, version 3 by entry 17."""
    home.view(17, decides=home.model(3))
    return application()


@contextlib.contextmanager
def _asking(app):
    """Yield a client of a served application; it knows the application."""
    with serving(app) as url, httpx.Client(base_url=url, headers=HEADERS, timeout=10) as client:
        client.app = app
        yield client
