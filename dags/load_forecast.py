"""Airflow DAGs of the load forecast: twenty zones and their total, every noon for the seven days to come."""

from __future__ import annotations

from include.use_cases.load_forecast import SPEC
from plugins import forecast_ring, ring, study

ingest = ring.ingest(SPEC, same_day=True)  # the day's readings so far → asset data
retraining = ring.retraining(SPEC)  # every Monday, or by hand → asset retraining
train = forecast_ring.train(SPEC)  # backtest → choose → fit, mapped over batches of series → asset candidate
deploy = forecast_ring.deploy(SPEC)  # test in a clean process → promotion of the series that passed
forecast = forecast_ring.forecast(SPEC)  # at gate closure: all series, seven days, bands → asset predictions
monitor = forecast_ring.monitor(SPEC)  # error, bias, coverage, jumps → asset retraining for the series concerned
retraining_study = study.study(SPEC)  # by hand: how often to retrain, quality against cost
