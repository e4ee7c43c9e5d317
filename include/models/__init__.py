"""Models: features, candidates, training, evaluation, comparison, and the artifact that leaves this room."""
