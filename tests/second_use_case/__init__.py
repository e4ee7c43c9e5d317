"""A second use case in a package of its own, made by following docs/adding-a-pipeline.md."""
