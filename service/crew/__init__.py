"""Helper threads that lend a hand to whoever asks, and never keep anybody waiting.

`Crew` owns the helpers, each event loop has a `Caller`, each request a `Party`:

    with caller.party() as party:       # this loop's thread is at work
        party.rouse(ns_of_work_to_come) # idle helpers wake while the request prepares their work
        parts = party.share(work, rows, ns_per_row)
"""

from service.crew.crew import Crew
from service.crew.job import Work
from service.crew.noted import Done
from service.crew.party import Caller, Party

__all__ = ["Caller", "Crew", "Done", "Party", "Work"]
