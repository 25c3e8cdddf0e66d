"""A question and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from .normal import Json


@dataclass(frozen=True)
class Exchange:
    """What is compared of one request."""

    label: str
    method: str
    path: str
    """The path's template, without ids."""
    status: int
    content_type: str
    body: Json
    """What came, made comparable; `None` if it was not JSON."""

    @property
    def failed(self) -> bool:
        """Whether the server refused."""
        return self.status >= 400

    @property
    def errcode(self) -> str:
        """The error code, or nothing."""
        code = self.body.get("errcode", "") if isinstance(self.body, dict) else ""
        return str(code)


class AnswerLacksError(Exception):
    """An answer lacks what the scenario's next request needs."""


class Answer:
    """An answer as it came: what later requests take ids and tokens from."""

    def __init__(self, label: str, status: int, body: Json, headers: Mapping[str, str]) -> None:
        self.label = label
        self.status = status
        self.body = body
        self.headers = headers

    def __getitem__(self, key: str) -> str:
        """Returns the text at a key of the answer; ends the scenario if it is not there."""
        value = self.at(key)
        if not isinstance(value, str):
            raise AnswerLacksError(f"'{self.label}' was answered without a text '{key}'")
        return value

    def at(self, *path: str | int) -> Json:
        """Returns what is at a path in the answer, or nothing."""
        value = self.body
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif (
                isinstance(value, list)
                and isinstance(part, int)
                and -len(value) <= part < len(value)
            ):
                value = value[part]
            else:
                return None
        return value

    def objects(self, *path: str | int) -> list[dict[str, Json]]:
        """Returns the objects in the list at a path in the answer."""
        value = self.at(*path)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
