"""The ground floor: plain Python that never imports Airflow; usable from a notebook, a test or another orchestrator."""
