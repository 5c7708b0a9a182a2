"""Where the command line speaks: answers to stdout, warnings to stderr."""

from rich.console import Console

console = Console()
warnings = Console(stderr=True)
