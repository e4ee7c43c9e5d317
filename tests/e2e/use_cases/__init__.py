"""Use cases that the end-to-end tests need to see a certain thing happen."""
