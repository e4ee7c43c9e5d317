"""Monitoring at work: reads tables, journal and registry, asks ``include.monitoring`` what they say, writes MLflow."""
