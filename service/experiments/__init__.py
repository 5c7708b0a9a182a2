"""Experiments as they are served: who gets which arm, what is noted, and shadows of a model."""
