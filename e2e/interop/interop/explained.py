"""Differences that are meant to be: `differences.toml`."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from .compare import Difference

DEFAULTS = dict.fromkeys(("scenario", "request", "at", "pli", "synapse"), "*")


class ExplanationError(Exception):
    """The list of explanations is not as it has to be."""


@dataclass(frozen=True)
class Explanation:
    """Why some answers differ, and which. In each pattern `*` stands for anything; `pli` and
    `synapse` are what the two answered, as it is printed.
    """

    scenario: str
    request: str
    at: str
    pli: str
    synapse: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is one of these."""
        return (
            _matches(self.scenario, difference.scenario)
            and _matches(self.request, difference.request)
            and _matches(self.at, difference.at)
            and _matches(self.pli, str(difference.pli))
            and _matches(self.synapse, str(difference.synapse))
        )

    def concerns(self, scenarios: set[str]) -> bool:
        """Whether running only these scenarios can show that it is needed."""
        return self.scenario in scenarios

    def __str__(self) -> str:
        return f"{self.scenario} / {self.request} / {self.at}: {self.reason}"


def read(file: Path) -> list[Explanation]:
    """Reads the list. Each entry needs a `reason`; a pattern left out is `*`."""
    entries = tomllib.loads(file.read_text()).get("difference", [])
    explanations = []
    for entry in entries:
        entry = {**DEFAULTS, **entry}
        if set(entry) != {field.name for field in fields(Explanation)}:
            raise ExplanationError(
                f"{file.name}: an entry has a 'reason' and patterns for 'scenario', 'request', "
                f"'at', 'pli' and 'synapse', nothing else: {entry}"
            )
        explanations.append(Explanation(**entry))
    return explanations


@dataclass(frozen=True)
class Verdict:
    """What is left to be done."""

    unexplained: list[Difference]
    needless: list[Explanation]
    explained: int


def judge(
    differences: list[Difference], explanations: list[Explanation], ran: set[str], everything: bool
) -> Verdict:
    """Sorts differences into explained and unexplained ones, and finds explanations of nothing. If
    not everything `ran`, an explanation that other scenarios may need isn't held needless.
    """
    used: set[Explanation] = set()
    unexplained = []
    for difference in differences:
        covering = [entry for entry in explanations if entry.covers(difference)]
        used.update(covering)
        if not covering:
            unexplained.append(difference)
    needless = [
        entry for entry in explanations if entry not in used and (everything or entry.concerns(ran))
    ]
    return Verdict(unexplained, needless, len(differences) - len(unexplained))


def _matches(pattern: str, text: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
