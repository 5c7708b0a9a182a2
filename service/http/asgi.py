"""The one callable type that everything here is or is called by (ASGI 3, HTTP only)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

type Scope = Mapping[str, Any]
type Message = Mapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Asgi = Callable[[Any, Any, Any], Awaitable[None]]
"""Answers one request: (scope, receive, send)."""
