"""Upgrades, delayed and sticky events."""

from ..exchange import Answer
from ..scenario import scenario
from ..script import Request, Script
from ..server import SERVER_NAME


@scenario
def upgrade(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room(
        "a room",
        preset="public_chat",
        name="Desk",
        topic="Tea",
        room_version="10",
        room_alias_name=s.localpart("desk"),
    )
    samir.join("samir joins", room)
    path = "v3/rooms/{}/upgrade"
    samir.post("without the power", path, room, body={"new_version": "11"})
    claire.post("to an unknown version", path, room, body={"new_version": "org.example.none"})
    claire.post("to nothing", path, room, body={})
    claire.post("unknown room", path, f"!nothing:{SERVER_NAME}", body={"new_version": "11"})
    new = claire.post("upgrade", path, room, body={"new_version": "11"})["replacement_room"]
    s.name(new, "<replacement>")
    claire.get("tombstone", "v3/rooms/{}/state/m.room.tombstone/", room)
    claire.get("old power levels", "v3/rooms/{}/state/m.room.power_levels/", room)
    claire.get("new state", "v3/rooms/{}/state", new)
    claire.get("the alias moved", "v3/directory/room/{}", s.alias("desk"))
    twelve = claire.post("upgrade to 12", path, new, body={"new_version": "12"})["replacement_room"]
    s.name(twelve, "<twelve>")
    claire.get("state of 12", "v3/rooms/{}/state", twelve)


@scenario
def delayed_events(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")
    text = {"msgtype": "m.text", "body": "later"}
    send = "v3/rooms/{}/send/m.room.message/{}?org.matrix.msc4140.delay={}"
    soon = claire.put("soon", send, room, "one", "50", body=text)
    s.note("it has an id", isinstance(soon.at("delay_id"), str))

    def arrived(answer: Answer) -> bool:
        events = answer.objects("chunk")
        return bool(events) and events[0].get("type") == "m.room.message"

    query = {"dir": "b", "limit": 1}
    messages = Request("it arrives", "GET", "v3/rooms/{}/messages", (room,), query=query)
    claire.ask_until(messages, arrived)
    long = "3600000"
    later = claire.put("later", send, room, "two", long, body=text)["delay_id"]
    base = "unstable/org.matrix.msc4140/delayed_events"
    claire.get("list", base)
    one = base + "/{}"
    claire.post("restart", one, later, body={"action": "restart"})
    claire.post("cancel", one, later, body={"action": "cancel"})
    claire.post("cancel twice", one, later, body={"action": "cancel"})
    third = claire.put("third", send, room, "three", long, body=text)["delay_id"]
    claire.post("send now", one, third, body={"action": "send"})
    claire.post("odd action", one, third, body={"action": "dance"})
    claire.post("unknown", one, "nothing", body={"action": "send"})
    state = "v3/rooms/{}/state/org.example.call/{}?org.matrix.msc4140.delay={}"
    claire.put("state later", state, room, "me", long, body={"left": True})
    claire.get("list of one", base)
    claire.put("too late", send, room, "four", "999999999999", body=text)
    claire.put("odd delay", send, room, "five", "soon", body=text)
    claire.put("negative delay", send, room, "six", "-1", body=text)


@scenario
def sticky_events(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")
    since = claire.sync("before")["next_batch"]
    send = "v3/rooms/{}/send/org.example.call/{}?org.matrix.msc4354.sticky_duration_ms={}"
    claire.put("sticky", send, room, "one", "60000", body={"sticky_key": "a"})
    claire.sync("in sync", since=since)
    claire.put("odd duration", send, room, "two", "soon", body={})
    claire.put("too long", send, room, "three", "99999999999", body={})


@scenario
def room_previews(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    rule = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "world_readable"},
    }
    room = claire.create_room("open room", preset="public_chat", initial_state=[rule])
    closed = claire.create_room("closed room", preset="private_chat")
    claire.say("a message", room, "hello")
    samir.get("first look", "v3/rooms/{}/initialSync", room)
    samir.get("first look at a closed room", "v3/rooms/{}/initialSync", closed)
    samir.get("events", "v3/events", room_id=room, timeout=0)
    samir.get("members of the open room", "v3/rooms/{}/members", room)
    samir.get("state of the open room", "v3/rooms/{}/state", room)
    samir.get("first sync of old", "v3/initialSync", limit=1)
