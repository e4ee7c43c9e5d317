"""A worker's application on a thread of this process, over a home of its own."""

from __future__ import annotations

import contextlib
import threading

import httpx
import pytest
import uvicorn

from include.serving.app import create_app
from include.serving.service import Limits
from include.serving.worker import listening
from include.spec import Serving
from include.use_cases.credit_risk import SPEC
from tests.served import KEY, NOW, Home, until


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "serving")


@pytest.fixture
def application(home):
    """Give a function that starts an application over the home, and returns a client with a valid key."""
    with contextlib.ExitStack() as stack:

        def start(*, limits=None, now=lambda: NOW, **serving):
            spec = SPEC.model_copy(update={"serving": Serving(**serving)})
            app = create_app(home.path, [spec], limits=limits or Limits(), now=now)
            return stack.enter_context(_asking(app))

        yield start


@pytest.fixture
def client(home, application):
    """Give a client of an application with one champion, version 3 by entry 17."""
    home.view(17, decides=home.model(3))
    return application()


@contextlib.contextmanager
def _asking(app):
    """Serve an application on a thread with a worker's own loop and parser, and yield a client; it knows the app."""
    server = uvicorn.Server(uvicorn.Config(app, loop="uvloop", http="httptools", log_level="critical", lifespan="on"))
    with listening("127.0.0.1", 0) as opened:
        url = f"http://127.0.0.1:{opened.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=10) as client:
                client.app = app
                yield client
        finally:
            server.should_exit = True
            thread.join()
