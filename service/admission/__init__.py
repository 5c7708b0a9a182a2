"""How much is let in, and what becomes of the rest."""
