"""Following what all users do, and noting what they are shown."""
