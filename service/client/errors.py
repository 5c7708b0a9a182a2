"""What a call may come to instead of an answer.

BraidError
├── Refused      the service said no: `problem` is its document, with the path and the remedy
└── Unreachable  no answer: no connection, or none in time
"""

from service.http.wire import Problem


class BraidError(Exception):
    """The root of this tree."""


class Refused(BraidError):
    """The service answered with a problem (RFC 9457), after the retries that make sense."""

    def __init__(self, status: int, problem: Problem) -> None:
        where = f" at {problem.path}" if problem.path else ""
        super().__init__(f"{status} {problem.title}{where}: {problem.detail}")
        self.status = status
        self.problem = problem


class Unreachable(BraidError):
    """No answer came; what was asked for may have been done all the same."""
