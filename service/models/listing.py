"""What an operator is shown of versions and replicas."""

from collections.abc import Mapping, Sequence

import msgspec

from service.models.pointer import Report, Wanted


class Refusal(msgspec.Struct, frozen=True):
    """A replica that would not serve a version, and why."""

    replica: str
    reason: str


class ModelVersion(msgspec.Struct, frozen=True):
    """One version: whether it is wanted, who serves it, who refused it.

    ``published`` tells whether it lies in this replica's folder of artifacts.
    """

    version: str
    published: bool
    active: bool
    previous: bool
    served_by: list[str]
    refused_by: list[Refusal]


class ModelsAnswer(msgspec.Struct, frozen=True):
    """Every version known, the newest first.

    ``active`` is what the pointer wants, else what this ``replica`` serves; ``previous`` is what a
    rollback would bring. Without a ``pointer`` (Redis did not answer) only this replica is known.
    """

    replica: str
    serves: str
    active: str
    previous: str | None
    pointer: bool
    versions: list[ModelVersion]


def listing(
    replica: str,
    own: Report,
    published: Sequence[str],
    wanted: Wanted | None,
    reports: Mapping[str, Report] | None,
) -> ModelsAnswer:
    """Put together what this replica, the pointer and the other replicas say."""
    everybody = {**(reports or {}), replica: own}  # its last report may be a second old
    active = wanted.version if wanted else own.version
    previous = wanted.previous if wanted else None
    told = {active, previous} | {version for one in everybody.values() for version in _of(one)}
    elsewhere = sorted({version for version in told if version} - set(published), reverse=True)
    return ModelsAnswer(
        replica=replica,
        serves=own.version,
        active=active,
        previous=previous,
        pointer=reports is not None,
        versions=[
            ModelVersion(
                version=version,
                published=version in published,
                active=version == active,
                previous=version == previous,
                served_by=[name for name, one in everybody.items() if one.version == version],
                refused_by=[
                    Refusal(name, one.refused[version])
                    for name, one in everybody.items()
                    if version in one.refused
                ],
            )
            for version in (*published, *elsewhere)
        ],
    )


def _of(report: Report) -> list[str]:
    return [report.version, *report.refused]
