"""Forecasting: series that add up over space and time, with sample paths, intervals and their scores."""
