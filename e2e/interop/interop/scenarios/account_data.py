"""Account data and tags."""

from ..scenario import scenario
from ..script import Script
from ..server import SERVER_NAME


@scenario
def account_data(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room")
    path = "v3/user/{}/account_data/{}"
    in_room = "v3/user/{}/rooms/{}/account_data/{}"
    since = claire.sync("before")["next_batch"]
    claire.put("set", path, claire.id, "org.example.theme", body={"dark": True})
    claire.get("read", path, claire.id, "org.example.theme")
    claire.get("unknown", path, claire.id, "org.example.unknown")
    claire.put("in the room", in_room, claire.id, room, "org.example.colour", body={"c": "red"})
    claire.get("in the room, read", in_room, claire.id, room, "org.example.colour")
    claire.get("in the room, unknown", in_room, claire.id, room, "org.example.unknown")
    claire.sync("afterwards", since=since)
    samir.get("somebody else's", path, claire.id, "org.example.theme")
    samir.put("for somebody else", path, claire.id, "org.example.theme", body={})
    samir.get("somebody else's in a room", in_room, claire.id, room, "org.example.colour")
    claire.put("not an object", path, claire.id, "org.example.list", body=[1])
    claire.put("push rules", path, claire.id, "m.push_rules", body={})
    claire.put("a read marker", in_room, claire.id, room, "m.fully_read", body={"event_id": "$x"})
    claire.put("odd room", in_room, claire.id, "nowhere", "org.example.colour", body={})
    claire.put("unknown room", in_room, claire.id, f"!nothing:{SERVER_NAME}", "org.a", body={})
    ignored = {"ignored_users": {samir.id: {}}}
    claire.put("ignore samir", path, claire.id, "m.ignored_user_list", body=ignored)
    claire.put("empty", path, claire.id, "org.example.theme", body={})
    claire.get("empty read", path, claire.id, "org.example.theme")


@scenario
def tags(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room")
    path = "v3/user/{}/rooms/{}/tags"
    one = path + "/{}"
    since = claire.sync("before")["next_batch"]
    claire.get("none", path, claire.id, room)
    claire.put("favourite", one, claire.id, room, "m.favourite", body={"order": 0.5})
    claire.put("own", one, claire.id, room, "u.work", body={})
    claire.get("two", path, claire.id, room)
    claire.sync("afterwards", since=since)
    claire.put("order is a word", one, claire.id, room, "u.odd", body={"order": "first"})
    claire.put("order out of range", one, claire.id, room, "u.far", body={"order": 7})
    samir.get("somebody else's", path, claire.id, room)
    samir.put("for somebody else", one, claire.id, room, "u.x", body={})
    claire.delete("delete", one, claire.id, room, "u.work")
    claire.delete("delete unknown", one, claire.id, room, "u.unknown")
    claire.get("at last", path, claire.id, room)
    claire.get("unknown room", path, claire.id, f"!nothing:{SERVER_NAME}")


@scenario
def ignoring(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    since = claire.sync("before")["next_batch"]
    ignored = {"ignored_users": {samir.id: {}}}
    claire.put(
        "ignore", "v3/user/{}/account_data/{}", claire.id, "m.ignored_user_list", body=ignored
    )
    samir.say("samir speaks", room, "hello?")
    claire.say("claire speaks", room, "quiet")
    claire.sync("without him", since=since)
    claire.get("messages without him", "v3/rooms/{}/messages", room, dir="b", limit=2)
    samir.create_room("he invites her", invite=[claire.id])
    claire.sync("no invitation", since=since)
