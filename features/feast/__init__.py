"""Feature rows of a Redis that Feast writes: its keys, its values, and a store that reads them."""
