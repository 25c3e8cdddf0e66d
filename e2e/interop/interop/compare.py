"""Comparing two answers, place by place."""

from collections.abc import Iterator
from dataclasses import dataclass

from .exchange import Exchange
from .normal import Json

ABSENT = "<absent>"

NAMES = [
    ("type", "state_key"),
    ("type", "event_id"),
    ("rule_id",),
    ("device_id",),
    ("user_id",),
    ("room_id",),
    ("kind", "key"),
    ("kind",),
    ("set_tweak",),
    ("type",),
]
"""By which keys an item of a list is told from the others; the first that an item has count."""


@dataclass(frozen=True)
class Difference:
    """A place where the answers to one request differ."""

    scenario: str
    request: str
    at: str
    """`status`, `type` (of the content), or a path such as `body.chunk[m.room.member].sender`."""
    pli: Json
    synapse: Json

    def __str__(self) -> str:
        return (
            f"{self.scenario} / {self.request} / {self.at}\n"
            f"    Pli:     {_brief(self.pli)}\n"
            f"    Synapse: {_brief(self.synapse)}"
        )


def differences(scenario: str, pli: list[Exchange], synapse: list[Exchange]) -> list[Difference]:
    """Compares what two servers answered in a scenario. A request that one of them was never asked
    (because an earlier answer lacked what it needs) is a difference at `asked`.
    """
    found: list[Difference] = []
    answers = {exchange.label: exchange for exchange in pli}
    references = {exchange.label: exchange for exchange in synapse}
    for label in dict.fromkeys([*answers, *references]):
        answer, reference = answers.get(label), references.get(label)
        if answer is None or reference is None:
            found.append(
                Difference(scenario, label, "asked", answer is not None, reference is not None)
            )
            continue
        found += [Difference(scenario, label, *rest) for rest in _answers(answer, reference)]
    return found


def _answers(pli: Exchange, synapse: Exchange) -> Iterator[tuple[str, Json, Json]]:
    if pli.status != synapse.status:
        yield "status", f"{pli.status} {pli.errcode}", f"{synapse.status} {synapse.errcode}"
        if pli.failed or synapse.failed:
            # Bodies of a success and of a failure have nothing in common.
            return
    if pli.content_type != synapse.content_type:
        yield "type", pli.content_type, synapse.content_type
    yield from places("body", pli.body, synapse.body)


def places(at: str, pli: Json, synapse: Json) -> Iterator[tuple[str, Json, Json]]:
    """Yields every place below `at` where two values differ."""
    if isinstance(pli, dict) and isinstance(synapse, dict):
        for key in dict.fromkeys([*synapse, *pli]):
            yield from places(f"{at}.{key}", pli.get(key, ABSENT), synapse.get(key, ABSENT))
    elif isinstance(pli, list) and isinstance(synapse, list):
        left, right = _labelled(pli), _labelled(synapse)
        if set(left) == set(right) and list(left) != list(right):
            yield f"{at}.order", list(left), list(right)
        for label in dict.fromkeys([*right, *left]):
            yield from places(f"{at}[{label}]", left.get(label, ABSENT), right.get(label, ABSENT))
    elif pli != synapse or isinstance(pli, bool) != isinstance(synapse, bool):
        yield at, pli, synapse


def _labelled(items: list[Json]) -> dict[str, Json]:
    """Gives each item of a list a name by which it is found in the other list: what it is, and the
    how manieth of these it is.
    """
    named: dict[str, Json] = {}
    counts: dict[str, int] = {}
    for item in items:
        name = _name(item)
        counts[name] = counts.get(name, 0) + 1
        named[name if counts[name] == 1 else f"{name} #{counts[name]}"] = item
    return named


def _name(item: Json) -> str:
    if not isinstance(item, dict):
        return "" if isinstance(item, list) else str(item)
    for keys in NAMES:
        parts = [str(item[key]) for key in keys if key in item]
        if len(parts) == len(keys):
            return " ".join(part for part in parts if part)
    return ""


def _brief(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
