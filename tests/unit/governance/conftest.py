from tests.unit.deployment.conftest import keys  # noqa: F401
