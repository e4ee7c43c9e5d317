"""The ground floor: plain Python that knows nothing of Airflow and can be used from a notebook, a test or another orchestrator."""
