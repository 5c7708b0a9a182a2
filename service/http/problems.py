"""Errors as RFC 9457 `application/problem+json`: whose fault, what, where, and the remedy.

ProblemError                   has a stable code, a title and a status
├── BadJson               400  the body is no JSON
├── FilterInvalid         400  the filter is none, or none for this catalogue
├── CursorInvalid         400  no token of ours for the next page
├── HeaderInvalid         400  a header of ours with a value that it cannot have
├── NotHttp               400  a request that could be read as another, or as two
├── Unauthorized          401  no key, or none that is known here
├── Forbidden             403  the key has not the scope that this takes
├── NotServed        404, 405  no such route, or not with this method
├── UnknownItems          404  nothing to be similar to
├── UnknownSurface        404  the file of surfaces has none of that name
├── NoSuchRequest         404  the flight recorder does not keep it (any more)
├── NoSuchVersion         404  no artifact of that name
├── TooSlow               408  the request did not come whole in its time
├── NoWayBack             409  there is no previous version to go back to
├── NotReplayable         409  what was recorded of it is not enough to run it again
├── ChangeUnderWay        409  one change of the model at a time
├── BodyTooLarge          413  longer than the limit
├── TargetTooLong         414  the path and query are longer than any of ours
├── NotJson               415  another content type
├── BodyEncoded           415  compressed, or otherwise encoded
├── ExpectationFailed     417  it expects something else than 100-continue
├── BodyInvalid           422  JSON of another shape than the contract; has the JSON path
├── ModelRefused          422  the artifact is damaged or unfit; the old model serves on
├── HeadTooLarge          431  too many headers, or too long
├── TooManyRequests       429  more than the key's rate allows
├── ServerFault           500  a bug of ours or of a plug-in; the log has the trace
├── Overloaded            503  more wait than can be answered in time; come back later
├── EventsNotStored       503  the store did not confirm; repeat with the same event ids
├── NotStored             503  Redis did not confirm the items or users; repeating is safe
├── PointerNotWritten     503  Redis did not confirm which model the replicas are to serve
├── NoConnectionFree      503  as many connections as there may be are open
└── VersionNotServed      505  neither HTTP/1.1 nor HTTP/1.0
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from service.http.wire import Problem

CONTENT_TYPE = "application/problem+json"


class ProblemError(Exception):
    """An error the client is told about, at best with the JSON ``path`` of its cause."""

    code: str
    title: str
    status: int
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, detail: str, path: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path


class BadJson(ProblemError):
    """The client's: these bytes are no JSON."""

    code, title, status = "bad-json", "The body is not JSON", 400


class FilterInvalid(ProblemError):
    """The client's: a filter that cannot be read, or that asks for columns there are not."""

    code, title, status = "filter-invalid", "The filter cannot be used", 400


class CursorInvalid(ProblemError):
    """The client's: a token for the next page that no page has given."""

    code, title, status = "cursor-invalid", "The cursor cannot be used", 400


class HeaderInvalid(ProblemError):
    """The client's: a header of ours with a value that it cannot have."""

    code, title, status = "header-invalid", "The header cannot be used", 400


class Unauthorized(ProblemError):
    """The client's: no key, or none that is known here (RFC 6750 says how it is told)."""

    code, title, status = "unauthorized", "A key is needed", 401
    headers = MappingProxyType({"www-authenticate": 'Bearer realm="braid"'})


class Forbidden(ProblemError):
    """The client's: its key is good, but not for this."""

    code, title, status = "forbidden", "The key is not for this", 403


class TooManyRequests(ProblemError):
    """The client's: more than the rate of its key allows."""

    code, title, status = "too-many-requests", "Too many requests", 429

    def __init__(self, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.headers = headers


class NotServed(ProblemError):
    """The client's: no such route, or not with this method (404, 405, ...)."""

    code, title = "not-served", "Not served here"

    def __init__(self, status: int, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


class UnknownItems(ProblemError):
    """The client's: none of the items it names is in the catalogue."""

    code, title, status = "unknown-items", "No such items", 404


class BodyTooLarge(ProblemError):
    """The client's: the rest of the body is not read, so the connection ends here."""

    code, title, status = "body-too-large", "The body is too large", 413
    headers = MappingProxyType({"connection": "close"})


class NotJson(ProblemError):
    """The client's: it says itself that the body is something else."""

    code, title, status = "not-json", "The content type is not JSON", 415


class BodyInvalid(ProblemError):
    """The client's: JSON of another shape."""

    code, title, status = "body-invalid", "The body does not fit the contract", 422


class ServerFault(ProblemError):
    """Ours, or a plug-in's: the log has the trace under the request id."""

    code, title, status = "server-fault", "The server failed", 500


class Overloaded(ProblemError):
    """Ours: more wait than can be answered in time."""

    code, title, status = "overloaded", "Too much is asked at once", 503

    def __init__(self, come_back_s: int) -> None:
        super().__init__(f"more wait than can be answered in time; ask again in {come_back_s} s")
        self.headers = MappingProxyType({"retry-after": str(come_back_s)})


class EventsNotStored(ProblemError):
    """The store's: nothing is acknowledged that it did not confirm."""

    code, title, status = "events-not-stored", "The events were not stored", 503
    headers = MappingProxyType({"retry-after": "1"})


class UnknownSurface(ProblemError):
    """The client's: a surface that is not set up here."""

    code, title, status = "unknown-surface", "There is no such surface", 404


class NotStored(ProblemError):
    """The store's: nothing is acknowledged that it did not confirm."""

    code, title, status = "not-stored", "The items or users were not stored", 503
    headers = MappingProxyType({"retry-after": "1"})


class NoSuchVersion(ProblemError):
    """The client's: no artifact of that name."""

    code, title, status = "no-such-version", "No such version", 404


class NoSuchRequest(ProblemError):
    """The client's: no request of that id is kept here."""

    code, title, status = "no-such-request", "No such request", 404


class NotReplayable(ProblemError):
    """Nobody's: too little of the request was kept."""

    code, title, status = "not-replayable", "The request cannot be run again", 409


class NoWayBack(ProblemError):
    """The client's: there is no previous version."""

    code, title, status = "no-way-back", "There is no previous version", 409


class ChangeUnderWay(ProblemError):
    """Nobody's: one change at a time."""

    code, title, status = "change-under-way", "Another change is under way", 409
    headers = MappingProxyType({"retry-after": "1"})


class ModelRefused(ProblemError):
    """The artifact's: damaged or unfit; the old model serves on."""

    code, title, status = "model-refused", "The model was refused", 422


class PointerNotWritten(ProblemError):
    """The store's: it did not confirm, so the replicas would not agree."""

    code, title, status = "pointer-not-written", "The pointer was not written", 503
    headers = MappingProxyType({"retry-after": "1"})


class NotHttp(ProblemError):
    """The client's, or of something between: two readers could take it for different requests."""

    code, title, status = "not-http", "The request is not as HTTP has it", 400


class TooSlow(ProblemError):
    """The client's: the head or the body did not come in its time."""

    code, title, status = "too-slow", "The request came too slowly", 408


class TargetTooLong(ProblemError):
    """The client's: no path and query of ours are that long."""

    code, title, status = "target-too-long", "The request's target is too long", 414


class BodyEncoded(ProblemError):
    """The client's: bodies are read as they come."""

    code, title, status = "body-encoded", "The body is encoded", 415
    headers = MappingProxyType({"accept-encoding": "identity"})


class ExpectationFailed(ProblemError):
    """The client's: it expects what it cannot get."""

    code, title, status = "expectation-failed", "The expectation cannot be met", 417


class HeadTooLarge(ProblemError):
    """The client's: too many headers, or too long."""

    code, title, status = "head-too-large", "The headers are too large", 431


class NoConnectionFree(ProblemError):
    """Nobody's: as many connections as there may be are open."""

    code, title, status = "no-connection-free", "Too many connections", 503
    headers = MappingProxyType({"retry-after": "1"})


class VersionNotServed(ProblemError):
    """The client's: another version of HTTP."""

    code, title, status = "version-not-served", "This version of HTTP is not served", 505


_encode = msgspec.json.Encoder().encode


def document(problem: ProblemError, request_id: str) -> bytes:
    """Encode the problem document."""
    return _encode(
        Problem(
            type=f"urn:braid:problem:{problem.code}",
            title=problem.title,
            status=problem.status,
            detail=problem.detail,
            request_id=request_id,
            path=problem.path,
        )
    )
