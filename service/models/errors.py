"""Why the model that is served did not change.

ChangeRefused            the one that was served before still is
├── UnknownVersion       no such artifact in the folder
├── VersionRefused       it is damaged, or did not pass the gate
├── NothingToGoBackTo    no version was left by an activation
├── ChangeUnderWay       one change at a time
└── PointerUnreachable   Redis did not confirm, so the replicas would not agree
"""


class ChangeRefused(Exception):
    """The model that was served before still is; the message says why, and what to do."""


class UnknownVersion(ChangeRefused):
    """No artifact of that name lies in the folder of artifacts."""


class VersionRefused(ChangeRefused):
    """The artifact is not as published, or the gate found it unfit."""


class NothingToGoBackTo(ChangeRefused):
    """There is no previous version: none was activated, or it has been gone back to already."""


class ChangeUnderWay(ChangeRefused):
    """Another activation or rollback is being prepared in this process."""


class PointerUnreachable(ChangeRefused):
    """Redis did not take the pointer."""
