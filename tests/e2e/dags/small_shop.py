"""Airflow DAGs of the tests' small shop, and the forms with which its people step in."""

from __future__ import annotations

from plugins import controls, recommender_ring, ring
from tests.small_shop import SPEC

ingest, retraining = ring.ingest(SPEC), ring.retraining(SPEC)
train, deploy, monitor = recommender_ring.train(SPEC), recommender_ring.deploy(SPEC), recommender_ring.monitor(SPEC)
release, experiment = recommender_ring.release(SPEC), recommender_ring.experiment(SPEC)
switch, pin, items = controls.switch(SPEC), controls.pin(SPEC), controls.items(SPEC)
