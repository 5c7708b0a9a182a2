"""What a person at the command line can mend: one line, with the remedy, and no trace.

Mendable
├── SettingInvalid       a setting names something that is not there
├── EmbeddedUnavailable  there is no Valkey or Redis program to start
└── DemoFailed           the service answered the demo with something else than a slate

What a client of the API can mend is in `service.http.problems`.
"""


class Mendable(Exception):
    """The root of this tree."""


class SettingInvalid(Mendable):
    """A setting names something that is not there."""


class EmbeddedUnavailable(Mendable):
    """No Valkey or Redis server to start."""


class DemoFailed(Mendable):
    """An answer to the demo was no slate."""
