"""Why one slate is what it is, and what another model or other settings would have made of it."""
