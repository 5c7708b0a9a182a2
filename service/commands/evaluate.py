"""`braid evaluate`."""
