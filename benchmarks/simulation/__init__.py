"""Queues as events in time (SimPy): one machine's threads on its cores, and fleets of machines."""
