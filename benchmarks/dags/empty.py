"""A DAG file with nothing in it: what every DAG file costs before it says a word."""

from __future__ import annotations

from airflow.sdk import DAG

with DAG("nothing", schedule=None) as dag:
    pass
