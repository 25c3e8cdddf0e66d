"""Without these, a difference between the servers could go unseen."""

import unittest

from interop.compare import Difference, places
from interop.explained import Explanation, judge
from interop.normal import normal


class Places(unittest.TestCase):
    def test_equal_answers_have_no_difference(self) -> None:
        answer = {"a": [1, {"type": "x", "state_key": ""}], "b": None}
        self.assertEqual([], list(places("body", answer, answer)))

    def test_a_key_that_one_lacks_is_found(self) -> None:
        found = list(places("body", {"a": 1}, {"a": 1, "b": None}))
        self.assertEqual([("body.b", "<absent>", None)], found)

    def test_true_is_not_one(self) -> None:
        self.assertEqual([("body.a", True, 1)], list(places("body", {"a": True}, {"a": 1})))

    def test_items_are_found_by_what_they_are(self) -> None:
        name = {"type": "m.room.name", "state_key": "", "content": {"name": "a"}}
        topic = {"type": "m.room.topic", "state_key": ""}
        found = list(places("body", [name, topic], [topic, {**name, "content": {"name": "b"}}]))
        where = [at for at, _, _ in found]
        self.assertEqual(["body.order", "body[m.room.name].content.name"], where)

    def test_the_second_of_a_kind_is_told_from_the_first(self) -> None:
        found = list(places("body", [{"type": "x"}], [{"type": "x"}, {"type": "x"}]))
        self.assertEqual([("body[x #2]", "<absent>", {"type": "x"})], found)


class Normal(unittest.TestCase):
    def test_what_servers_make_up_is_replaced(self) -> None:
        event = "$" + "a" * 43
        answer = {"event_id": event, "next_batch": "s1_2", "origin_server_ts": 1, "ts": 2}
        wanted = {
            "event_id": "<event>",
            "next_batch": "<token>",
            "origin_server_ts": "<time>",
            "ts": "<time>",
        }
        self.assertEqual(wanted, normal(answer, {}))

    def test_what_has_a_name_is_called_by_it(self) -> None:
        room = "!" + "b" * 43
        answer = {"rooms": {room: {"device_id": "PHONE", "text": f"in {room}"}}}
        wanted = {"rooms": {"<desk>": {"device_id": "PHONE", "text": "in <desk>"}}}
        self.assertEqual(wanted, normal(answer, {room: "<desk>", "PHONE": "PHONE"}))

    def test_what_people_wrote_stays(self) -> None:
        answer = {"errcode": "M_FORBIDDEN", "displayname": "Claire", "count": 3, "flag": True}
        self.assertEqual(answer, normal(answer, {}))


class Explanations(unittest.TestCase):
    difference = Difference("sync", "first", "body.presence", "<absent>", {"events": []})

    def test_an_explained_difference_is_no_failure(self) -> None:
        entry = Explanation("*", "*", "body.pres*", "<absent>", "*", "it is off")
        verdict = judge([self.difference], [entry], {"sync"}, everything=True)
        self.assertEqual(([], []), (verdict.unexplained, verdict.needless))

    def test_another_answer_is_not_explained(self) -> None:
        entry = Explanation("*", "*", "body.presence", "{}", "*", "it is off")
        verdict = judge([self.difference], [entry], {"sync"}, everything=True)
        self.assertEqual(([self.difference], [entry]), (verdict.unexplained, verdict.needless))

    def test_an_explanation_of_nothing_is_needless(self) -> None:
        entry = Explanation("sync", "*", "status", "*", "*", "once")
        self.assertEqual([entry], judge([], [entry], {"sync"}, everything=True).needless)

    def test_an_explanation_is_not_needless_where_its_scenario_did_not_run(self) -> None:
        entries = [Explanation(name, "*", "status", "*", "*", "once") for name in ("*", "login")]
        self.assertEqual([], judge([], entries, {"sync"}, everything=False).needless)

    def test_brackets_and_dots_of_a_pattern_stand_for_themselves(self) -> None:
        entry = Explanation("*", "*", "body[a.b]", "*", "*", "")
        other = Difference("s", "r", "bodya.b", 1, 2)
        self.assertFalse(entry.covers(other))
        self.assertTrue(entry.covers(Difference("s", "r", "body[a.b]", 1, 2)))
