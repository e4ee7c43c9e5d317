"""Scores and decisions of the champion: in batches here, the scoring service beside it."""
