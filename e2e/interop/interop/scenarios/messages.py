"""Sending, reading, taking back."""

from ..scenario import scenario
from ..script import Script
from ..server import SERVER_NAME

SEND = "v3/rooms/{}/send/{}/{}"


@scenario
def sending(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    text = {"msgtype": "m.text", "body": "Hello"}
    first = claire.put("send", SEND, room, "m.room.message", "one", body=text)
    again = claire.put("same transaction", SEND, room, "m.room.message", "one", body=text)
    s.note("it is the same event", first.at("event_id") == again.at("event_id"))
    other = claire.put("other transaction", SEND, room, "m.room.message", "two", body=text)
    s.note("it is another event", first.at("event_id") != other.at("event_id"))
    claire.get("read", "v3/rooms/{}/event/{}", room, first["event_id"])
    samir.get("read by somebody outside", "v3/rooms/{}/event/{}", room, first["event_id"])
    claire.get("read an unknown event", "v3/rooms/{}/event/{}", room, "$nothing")
    samir.put("send from outside", SEND, room, "m.room.message", "one", body=text)
    unknown = f"!nothing:{SERVER_NAME}"
    claire.put("send nowhere", SEND, unknown, "m.room.message", "one", body=text)
    claire.put("not an object", SEND, room, "m.room.message", "list", body=["x"])
    claire.put("too large", SEND, room, "m.room.message", "large", body={"body": "x" * 70_000})
    claire.put("a float", SEND, room, "org.example.measure", "float", body={"value": 1.5})
    claire.put("a huge number", SEND, room, "org.example.measure", "huge", body={"value": 2**60})
    claire.put(
        "text is a number", SEND, room, "m.room.message", "num", body={"msgtype": 1, "body": 2}
    )
    claire.put("own type", SEND, room, "org.example.thing", "own", body={"a": [1, None, "é"]})
    claire.put("a state's type", SEND, room, "m.room.topic", "topic", body={"topic": "x"})
    claire.put("creates the room", SEND, room, "m.room.create", "create", body={})
    claire.put("a member", SEND, room, "m.room.member", "member", body={"membership": "join"})
    claire.put("no body", SEND, room, "m.room.message", "empty", body={})
    s.anybody().put("without a token", SEND, room, "m.room.message", "x", body=text)


@scenario
def redacting(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    path = "v3/rooms/{}/redact/{}/{}"
    mine = samir.say("samir speaks", room, "oops")
    hers = claire.say("claire speaks", room, "mine")
    samir.put("somebody else's", path, room, hers, "r1", body={})
    samir.put("his own", path, room, mine, "r2", body={"reason": "typing error"})
    samir.put("his own, same transaction", path, room, mine, "r2", body={"reason": "again"})
    claire.get("redacted", "v3/rooms/{}/event/{}", room, mine)
    again = samir.say("samir speaks again", room, "more")
    claire.put("a moderator's", path, room, again, "r3", body={})
    claire.get("redacted by a moderator", "v3/rooms/{}/event/{}", room, again)
    claire.put("unknown", path, room, "$nothing", "r4", body={})
    claire.put("nonsense", path, room, "nothing", "r5", body={})
    topic = claire.set_state("topic", room, "m.room.topic", {"topic": "Secret"})["event_id"]
    claire.put("a topic", path, room, topic, "r6", body={})
    claire.get("topic afterwards", "v3/rooms/{}/state/m.room.topic/", room)
    samir.sync("what samir sees")


@scenario
def paging(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    for number in range(1, 8):
        claire.say(f"message {number}", room, f"message {number}")
    path = "v3/rooms/{}/messages"
    newest = claire.get("newest", path, room, dir="b", limit=3)
    end = newest["end"]
    claire.get("before that", path, room, dir="b", limit=3, from_=end)
    claire.get("forwards again", path, room, dir="f", limit=3, from_=end)
    first = claire.get("from the first", path, room, dir="f", limit=4)
    claire.get("onwards", path, room, dir="f", limit=100, from_=first["end"])
    everything = claire.get("everything", path, room, dir="b", limit=100)
    s.note("nothing is left", everything.at("end"))
    only = '{"types": ["m.room.topic", "m.room.name"]}'
    claire.get("filtered", path, room, dir="b", limit=100, filter=only)
    members = '{"lazy_load_members": true, "types": ["m.room.message"]}'
    claire.get("with members", path, room, dir="b", limit=1, filter=members)
    claire.get("limit of nothing", path, room, dir="b", limit=0)
    claire.get("negative limit", path, room, dir="b", limit=-1)
    claire.get("no direction", path, room)
    claire.get("odd direction", path, room, dir="sideways")
    claire.get("odd token", path, room, dir="b", from_="nowhere")
    claire.get("odd filter", path, room, dir="b", filter="{")
    samir.get("by somebody outside", path, room, dir="b")
    claire.get("unknown room", path, f"!nothing:{SERVER_NAME}", dir="b")


@scenario
def context(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    events = [claire.say(f"message {number}", room, str(number)) for number in range(1, 8)]
    path = "v3/rooms/{}/context/{}"
    claire.get("in the middle", path, room, events[3], limit=4)
    claire.get("at the end", path, room, events[-1], limit=2)
    claire.get("alone", path, room, events[3], limit=0)
    claire.get(
        "with lazy members", path, room, events[3], limit=2, filter='{"lazy_load_members":true}'
    )
    claire.get("unknown", path, room, "$nothing")
    samir.get("by somebody outside", path, room, events[3])


@scenario
def history_visibility(s: Script) -> None:
    claire = s.person("claire")
    for visibility in ("world_readable", "shared", "invited", "joined"):
        rule = {
            "type": "m.room.history_visibility",
            "state_key": "",
            "content": {"history_visibility": visibility},
        }
        room = claire.create_room(f"{visibility} room", preset="public_chat", initial_state=[rule])
        early = claire.say(f"{visibility}: early", room, "early")
        samir = s.person(f"samir{visibility.replace('_', '')}")
        samir.get(f"{visibility}: before joining", "v3/rooms/{}/event/{}", room, early)
        samir.get(f"{visibility}: page before", "v3/rooms/{}/messages", room, dir="b", limit=1)
        samir.get(f"{visibility}: name before", "v3/rooms/{}/state/m.room.create/", room)
        claire.post(f"{visibility}: invite", "v3/rooms/{}/invite", room, body={"user_id": samir.id})
        between = claire.say(f"{visibility}: between", room, "between")
        samir.join(f"{visibility}: join", room)
        samir.get(f"{visibility}: early event", "v3/rooms/{}/event/{}", room, early)
        samir.get(f"{visibility}: event between", "v3/rooms/{}/event/{}", room, between)
        samir.get(f"{visibility}: all", "v3/rooms/{}/messages", room, dir="b", limit=50)


@scenario
def typing_and_receipts(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    event = claire.say("claire speaks", room, "hello")
    since = samir.sync("before")["next_batch"]
    typing = "v3/rooms/{}/typing/{}"
    claire.put("types", typing, room, claire.id, body={"typing": True, "timeout": 30_000})

    def has(kind: str) -> object:
        def wanted(answer: object) -> bool:
            events = answer.objects("rooms", "join", room, "ephemeral", "events")
            return any(event.get("type") == kind for event in events)

        return wanted

    since = samir.sync_until("samir sees it", has("m.typing"), since=since)["next_batch"]
    claire.put("stops", typing, room, claire.id, body={"typing": False})
    since = samir.sync_until("samir sees it end", has("m.typing"), since=since)["next_batch"]
    samir.put("for somebody else", typing, room, claire.id, body={"typing": True})
    claire.put("without a word", typing, room, claire.id, body={})
    claire.put("nowhere", typing, f"!nothing:{SERVER_NAME}", claire.id, body={"typing": True})
    receipt = "v3/rooms/{}/receipt/{}/{}"
    samir.post("read", receipt, room, "m.read", event)
    hers = claire.sync_until("claire sees it", has("m.receipt"))["next_batch"]
    samir.post("read in private", receipt, room, "m.read.private", event)
    samir.post("read in a thread", receipt, room, "m.read", event, body={"thread_id": "main"})
    claire.sync_until("claire sees the thread's", has("m.receipt"), since=hers)
    samir.post("odd thread", receipt, room, "m.read", event, body={"thread_id": 5})
    samir.post("empty thread", receipt, room, "m.read", event, body={"thread_id": ""})
    samir.post("odd kind", receipt, room, "m.seen", event)
    samir.post("unknown event", receipt, room, "m.read", "$nothing")
    samir.post("fully read as a receipt", receipt, room, "m.fully_read", event)
    marker = "v3/rooms/{}/read_markers"
    samir.post("markers", marker, room, body={"m.fully_read": event, "m.read": event})
    samir.post("no markers", marker, room, body={})
    samir.post("odd marker", marker, room, body={"m.fully_read": 5})
    samir.get("marker kept", "v3/user/{}/rooms/{}/account_data/m.fully_read", samir.id, room)
    awa = s.person("awa")
    awa.post("read from outside", receipt, room, "m.read", event)
    awa.put("typing from outside", typing, room, awa.id, body={"typing": True})
    samir.sync("samir at last", since=since)
