"""Surfaces as they are served: the file that names them, and each one's plan for a catalogue."""
