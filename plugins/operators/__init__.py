"""Operators: one step of a pipeline each, usable in any DAG."""
