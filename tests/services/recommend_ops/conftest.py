"""A real PostgreSQL for campaign lists."""

from __future__ import annotations

import pytest

from tests.postgres import postgres_server


@pytest.fixture(scope="module")
def postgres():
    """Give the DSN of a running PostgreSQL, and stop it afterwards."""
    with postgres_server("shop") as port:
        yield f"host=127.0.0.1 port={port} user=shop dbname=postgres"
