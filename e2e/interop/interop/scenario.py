"""The list of scenarios."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import requests

from . import scenarios
from .exchange import AnswerLacksError, Exchange
from .script import Script

Steps: TypeAlias = Callable[[Script], None]


@dataclass(frozen=True)
class Scenario:
    """A story that is played with each server."""

    name: str
    steps: Steps

    def play(self, url: str) -> tuple[list[Exchange], str | None]:
        """Plays it with a server. Returns what was asked and answered, and why it ended early."""
        script = Script(self.name, url)
        try:
            self.steps(script)
        except (AnswerLacksError, requests.RequestException) as error:
            return script.exchanges, str(error)
        return script.exchanges, None


_SCENARIOS: dict[str, Scenario] = {}


def scenario(steps: Steps) -> Steps:
    """Adds a function to the list, under its own name."""
    name = steps.__name__
    if name in _SCENARIOS:
        raise ValueError(f"there are two scenarios called '{name}'")
    _SCENARIOS[name] = Scenario(name, steps)
    return steps


def every_scenario() -> list[Scenario]:
    """Returns the scenarios of all files, in the order of their files' names."""
    for module in sorted(entry.name for entry in pkgutil.iter_modules(scenarios.__path__)):
        importlib.import_module(f"{scenarios.__name__}.{module}")
    return list(_SCENARIOS.values())
