"""Recommending: from the lines of baskets to ranked items, with models, metrics and what is served."""
