"""Making answers of two servers comparable: what differs by nature is replaced by its kind.

A user id is the same on both servers; an event id, a token or a time is not. Those become
`<event>`, `<token>` or `<time>`; everything else is compared as it is.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

from .server import SERVER_NAME

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_ID = r"[A-Za-z0-9_\-+/=~.]"
_KINDS_OF_TEXT = [
    (re.compile(rf"mxc://{re.escape(SERVER_NAME)}/{_ID}+"), "mxc://<media>"),
    (re.compile(rf"\$[A-Za-z0-9_\-+/]{{43}}(?::{re.escape(SERVER_NAME)})?"), "<event>"),
    (re.compile(rf"![A-Za-z0-9_\-+/]{{16,43}}(?::{re.escape(SERVER_NAME)})?"), "<room>"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<address>"),
]

_TIMES = {
    "age",
    "age_ts",
    "created_ts",
    "expires_in_ms",
    "msc4354_sticky_duration_ttl_ms",
    "expires_ts",
    "first_msg_ts",
    "invited_by_ts",
    "last_active_ago",
    "last_seen_ts",
    "last_ts",
    "origin_server_ts",
    "submitted_at",
    "ts",
    "unused_expires_at",
    "valid_until_ts",
}
_TOKENS = {
    "access_token",
    "after",
    "before",
    "delay_id",
    "org.matrix.msc4140.delay_id",
    "device_id",
    "end",
    "etag",
    "filter_id",
    "hash",
    "login_token",
    "next_batch",
    "next_token",
    "nonce",
    "origin_server_signature",
    "pos",
    "prev_batch",
    "refresh_token",
    "session",
    "sha256",
    "sid",
    "start",
    "token",
    "unsigned_hash",
}
_TEXTS_FOR_PEOPLE = {"error"}
_NETWORK = {"ip", "last_seen_ip", "last_seen_user_agent", "user_agent"}


def normal(value: Json, names: Mapping[str, str]) -> Json:
    """Replaces what differs between two servers by nature. What has a name (ids of rooms and events
    that the caller made, device ids that it chose) is replaced by that.
    """
    return _Normal(names).value(value, "")


class _Normal:
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        # A longer one first: one may begin with another.
        named = sorted(map(re.escape, names), key=len, reverse=True)
        self._named = re.compile("|".join(named)) if named else None

    def value(self, value: Json, key: str) -> Json:
        match value:
            case {"type": "m.push_rules", "content": _}:
                # Every account has them; their own scenario compares them.
                return {"type": "m.push_rules", "content": "<push rules>"}
            case dict():
                return {self._text(name): self.value(inner, name) for name, inner in value.items()}
            case list():
                return [self.value(inner, key) for inner in value]
            case str():
                return self._string(value, key)
            case bool() | None:
                return value
            case int() | float() if key in _TIMES or value > 1_000_000_000_000:
                return "<time>"
        return value

    def _string(self, value: str, key: str) -> str:
        if value in self._names:
            return self._names[value]
        if key in _TOKENS and value:
            return "<token>"
        if key in _TEXTS_FOR_PEOPLE and value:
            return "<text>"
        if key in _NETWORK:
            return "<network>"
        return self._text(value)

    def _text(self, value: str) -> str:
        if self._named is not None:
            value = self._named.sub(lambda found: self._names[found[0]], value)
        for pattern, kind in _KINDS_OF_TEXT:
            value = pattern.sub(kind, value)
        return value
