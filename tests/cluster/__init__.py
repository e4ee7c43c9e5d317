"""A deployment in containers, hurt on purpose."""
