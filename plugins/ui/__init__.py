"""Links and pages inside Airflow."""
