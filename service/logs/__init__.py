"""Logs: what is told of requests that are already answered, to the store and on stderr."""
