"""Sync and filters."""

import json

from ..scenario import scenario
from ..script import Script


@scenario
def sync(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    claire.sync("nothing yet")
    room = claire.create_room("a room", preset="public_chat", name="Desk")
    samir.join("samir joins", room)
    claire.say("claire speaks", room, "one")
    first = claire.sync("first")
    since = first["next_batch"]
    claire.sync("nothing new", since=since)
    samir.say("samir speaks", room, "two")
    second = claire.sync("something new", since=since)
    claire.sync("the same again", since=since)
    claire.set_state("topic", room, "m.room.topic", {"topic": "Tea"})
    claire.sync("a topic", since=second["next_batch"])
    claire.sync("everything", since=since, full_state="true")
    claire.sync("odd token", since="nowhere")
    claire.sync("odd time-out", timeout="soon")
    claire.sync("offline", since=since, set_presence="offline")
    claire.sync("odd presence", set_presence="dancing")
    claire.sync("odd filter", filter="{")
    claire.sync("unknown filter", filter="12345")
    s.anybody().sync("without a token")


@scenario
def sync_limits(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room", name="Desk")
    since = claire.sync("before")["next_batch"]
    for number in range(1, 15):
        claire.say(f"message {number}", room, str(number))
    few = json.dumps({"room": {"timeline": {"limit": 2}}})
    limited = claire.sync("a few", since=since, filter=few)
    before = s.need(limited.at("rooms", "join", room, "timeline", "prev_batch"), "prev_batch")
    claire.get("the gap", "v3/rooms/{}/messages", room, dir="b", limit=5, from_=before, to=since)
    claire.sync("first with few", filter=few)
    all_of_them = json.dumps({"room": {"timeline": {"limit": 14}}})
    claire.sync("all since", since=since, filter=all_of_them)


@scenario
def sync_filtered(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat", name="Desk")
    other = claire.create_room("other room", preset="public_chat")
    samir.join("samir joins", room)
    samir.say("samir speaks", room, "hello", url="mxc://x/y")
    claire.say("claire speaks", room, "hello")

    def filtered(label: str, **content: object) -> None:
        claire.sync(label, filter=json.dumps(content))

    filtered("one room", room={"rooms": [room]})
    filtered("not that room", room={"not_rooms": [room]})
    filtered("types", room={"timeline": {"types": ["m.room.message"]}, "rooms": [room]})
    filtered("type patterns", room={"timeline": {"types": ["m.room.m*"]}, "rooms": [room]})
    filtered("not types", room={"timeline": {"not_types": ["m.room.*"]}, "rooms": [room]})
    filtered("senders", room={"timeline": {"senders": [samir.id]}, "rooms": [room]})
    filtered("not senders", room={"timeline": {"not_senders": [samir.id]}, "rooms": [room]})
    filtered("with a link", room={"timeline": {"contains_url": True}, "rooms": [room]})
    filtered("no state", room={"state": {"types": []}, "rooms": [room]})
    filtered("lazy members", room={"state": {"lazy_load_members": True}, "rooms": [room]})
    filtered("fields", event_fields=["type", "content.body"], room={"rooms": [room]})
    filtered("for federation", event_format="federation", room={"rooms": [room]})
    filtered("no account data", account_data={"types": []}, room={"rooms": [other]})
    samir.post("samir leaves", "v3/rooms/{}/leave", room)
    samir.sync("left rooms are left out")
    samir.sync("left rooms too", filter=json.dumps({"room": {"include_leave": True}}))


@scenario
def filters(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    path = "v3/user/{}/filter"
    content = {"room": {"timeline": {"limit": 3, "types": ["m.room.message"]}}}
    made = claire.post("make", path, claire.id, body=content)["filter_id"]
    claire.get("read", path + "/{}", claire.id, made)
    claire.sync("use", filter=made)
    claire.get("unknown", path + "/{}", claire.id, "9999")
    claire.get("nonsense", path + "/{}", claire.id, "no-such")
    samir.get("somebody else's", path + "/{}", claire.id, made)
    samir.post("for somebody else", path, claire.id, body=content)
    claire.post("limit is a word", path, claire.id, body={"room": {"timeline": {"limit": "x"}}})
    claire.post("types are a word", path, claire.id, body={"room": {"timeline": {"types": "x"}}})
    claire.post("rooms are not ids", path, claire.id, body={"room": {"rooms": ["x"]}})
    claire.post("empty", path, claire.id, body={})
    claire.post("unknown keys", path, claire.id, body={"org.example": {"a": 1}})
    claire.post("odd format", path, claire.id, body={"event_format": "pdf"})


@scenario
def unread(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat", name="Desk")
    samir.join("samir joins", room)
    samir.sync("before")

    def counts(label: str, highlights: int, notifications: int) -> str:
        wanted = {"highlight_count": highlights, "notification_count": notifications}
        place = ("rooms", "join", room, "unread_notifications")
        return samir.sync_until(label, lambda answer: answer.at(*place) == wanted)["next_batch"]

    claire.say("a message", room, "hello")
    counts("one", 0, 1)
    name = s.localpart("samir")
    last = claire.say("a mention", room, f"{name}?", **{"m.mentions": {"user_ids": [samir.id]}})
    counts("two, one of them for him", 1, 2)
    claire.send("an emote", room, {"msgtype": "m.emote", "body": "waves"})
    claire.send("a notice", room, {"msgtype": "m.notice", "body": "automatic"})
    counts("a notice does not count", 1, 3)
    samir.post("read", "v3/rooms/{}/receipt/m.read/{}", room, last)
    counts("the rest", 0, 1)
    everybody = {"m.mentions": {"room": True}}
    last = claire.say("everybody", room, "@room", **everybody)
    counts("everybody is somebody", 1, 2)
    samir.post("read all", "v3/rooms/{}/receipt/m.read.private/{}", room, last)
    counts("nothing is left", 0, 0)
    samir.get("notifications", "v3/notifications", limit=2)
