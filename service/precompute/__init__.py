"""Slates of many users made ahead of time, on every core: what `braid batch` and Spark do."""
