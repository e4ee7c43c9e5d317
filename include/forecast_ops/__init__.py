"""What the DAGs of a forecast do: read what was known, train, issue, watch. The arithmetic is in ``forecasting``."""
