"""Experiments: how many households they need, who gets which variant's lists, and what may be concluded, when."""
