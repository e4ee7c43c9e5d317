"""Airflow DAGs of consumer credit risk: from raw rows to a governed champion, and round again."""

from __future__ import annotations

from include.use_cases.credit_risk import SPEC
from plugins import ring, study
from plugins.rollout import rollout

ingest = ring.ingest(SPEC)  # a day's applications, or the truth that became known → asset data
retraining = ring.retraining(SPEC)  # twice a month, or by hand → asset retraining
train = ring.train(SPEC)  # snapshot → search → fit → evaluate → asset candidate
deploy = ring.deploy(SPEC)  # artifact test → approval by a person → promotion → asset deployment
release = rollout(SPEC, SPEC.rollout)  # instead of deploy: shadow → 10 % → 50 % of the requests → promotion
score = ring.score(SPEC)  # accept, review or decline → asset predictions
monitor = ring.monitor(SPEC)  # what changed, and why? → asset retraining, roll back, or stop and call
retraining_study = study.study(SPEC)  # by hand: how often to retrain, quality against cost
