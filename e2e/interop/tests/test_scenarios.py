"""Without these, a scenario could be wrong in itself and be found out only by a long run."""

import unittest
from unittest import mock

from interop.exchange import Answer
from interop.normal import Json
from interop.scenario import every_scenario
from interop.script import Request, Script


class Agreeable(Answer):
    """An answer that has whatever is asked of it."""

    def at(self, *path: str | int) -> Json:
        return {} if path == () else f"{self.label}"


def agree(_script: Script, request: Request, _token: str) -> tuple[Answer, str]:
    """Answers a request with whatever is asked of it."""
    request.path()
    return Agreeable(request.label, 200, {}, {}), "application/json"


class Scenarios(unittest.TestCase):
    def test_every_request_of_a_scenario_has_a_name_of_its_own(self) -> None:
        for entry in every_scenario():
            with (
                self.subTest(entry.name),
                mock.patch.object(Script, "_send", agree),
                mock.patch("interop.script.PATIENCE", 0.0),
            ):
                exchanges, ended = entry.play("http://nowhere.invalid")
                self.assertIsNone(ended)
                self.assertTrue(exchanges)


if __name__ == "__main__":
    unittest.main()
