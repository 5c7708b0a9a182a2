"""Logs: what is told to the store about requests that are already answered."""
