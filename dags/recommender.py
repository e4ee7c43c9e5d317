"""Airflow DAGs of the recommender: trained every night, promoted before the morning, at rest by day."""

from __future__ import annotations

from include.use_cases.recommender import SPEC
from plugins import recommender_ring, ring, study

ingest = ring.ingest(SPEC)  # the day's purchases → asset data
retraining = ring.retraining(SPEC)  # by hand, with a reason → asset retraining
train = recommender_ring.train(SPEC)  # rank → judge → register, mapped over batches of markets → asset candidate
deploy = recommender_ring.deploy(SPEC)  # promotion in the window → lists to push → asset predictions
release = recommender_ring.release(SPEC)  # when the window opens → asset candidate
monitor = recommender_ring.monitor(SPEC)  # what was bought of what was shown; a worse champion is taken back
experiment = recommender_ring.experiment(SPEC)  # by hand: A/B on recorded days
retraining_study = study.study(SPEC)  # by hand: how often to retrain, quality against cost
