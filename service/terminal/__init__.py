"""How the command line speaks to a person."""
