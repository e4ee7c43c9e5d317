"""Other drift detection, each in an environment of its own: their versions, and the scripts that run in there."""
