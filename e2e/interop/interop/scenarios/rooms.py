"""Creating rooms and what they are made of."""

from ..scenario import scenario
from ..script import Person, Script
from ..server import SERVER_NAME


def described(person: Person, label: str, room: str) -> None:
    """Has the room's state compared."""
    person.get(f"{label}: state", "v3/rooms/{}/state", room)


@scenario
def create_room(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    described(claire, "plain", claire.create_room("plain"))
    described(claire, "public", claire.create_room("public", preset="public_chat"))
    described(claire, "private", claire.create_room("private", preset="private_chat", name="Desk"))
    trusted = claire.create_room(
        "trusted", preset="trusted_private_chat", invite=[samir.id], is_direct=True
    )
    described(claire, "trusted", trusted)
    described(claire, "visible", claire.create_room("visible", visibility="public", topic="All"))


@scenario
def create_room_with_everything(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room(
        "everything",
        name="Cabinet",
        topic="What is to be done",
        room_alias_name=s.localpart("cabinet"),
        creation_content={"m.federate": False, "org.example.kind": "work"},
        power_level_content_override={"events_default": 10, "users": {claire.id: 100}},
        initial_state=[
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
            {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}},
            {"type": "org.example.colour", "state_key": "wall", "content": {"value": "blue"}},
        ],
        room_version="11",
    )
    described(claire, "everything", room)
    claire.get("alias", "v3/directory/room/{}", s.alias("cabinet"))
    space = claire.create_room("space", creation_content={"type": "m.space"}, name="Ministry")
    described(claire, "space", space)
    for version in ("6", "9", "10", "12"):
        label = f"version {version}"
        described(claire, label, claire.create_room(label, room_version=version))


@scenario
def create_room_refused(s: Script) -> None:
    claire = s.person("claire")

    def refused(label: str, **options: object) -> None:
        claire.post(label, "v3/createRoom", body=options)

    refused("unknown version", room_version="org.example.none")
    refused("version is a number", room_version=12)
    refused("unknown preset", preset="open_house")
    refused("unknown visibility", visibility="translucent")
    refused("name is a number", name=5)
    refused("invites nobody's id", invite=["claire"])
    refused("invites are not a list", invite="x")
    refused("alias with a colon", room_alias_name="a:b")
    refused("alias with a space", room_alias_name="a b")
    refused("name too long", name="x" * 70_000)
    refused("power levels with words", power_level_content_override={"ban": "high"})
    refused("initial state without type", initial_state=[{"content": {}}])
    claire.create_room("first with an alias", room_alias_name=s.localpart("twice"))
    refused("alias is taken", room_alias_name=s.localpart("twice"))
    refused("unknown invitee", invite=[f"@nobody-at-all:{SERVER_NAME}"])
    s.anybody().post("without a token", "v3/createRoom", body={})


@scenario
def aliases(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    path = "v3/directory/room/{}"
    alias, other = s.alias("desk"), s.alias("other")
    claire.put("set", path, alias, body={"room_id": room})
    claire.put("set again", path, alias, body={"room_id": room})
    s.anybody().get("asked by nobody", path, alias)
    claire.get("unknown", path, s.alias("unknown"))
    claire.get("not an alias", path, "desk")
    claire.put("without a room", path, other, body={})
    claire.put("of an unknown room", path, other, body={"room_id": f"!nothing:{SERVER_NAME}"})
    claire.put("of another server", path, "#desk:elsewhere.example", body={"room_id": room})
    samir.put("by somebody outside", path, other, body={"room_id": room})
    claire.get("of the room", "v3/rooms/{}/aliases", room)
    samir.get("of the room, by somebody outside", "v3/rooms/{}/aliases", room)
    canonical = {"alias": alias}
    claire.set_state("canonical", room, "m.room.canonical_alias", canonical)
    claire.set_state("canonical unknown", room, "m.room.canonical_alias", {"alias": other})
    claire.set_state("canonical nonsense", room, "m.room.canonical_alias", {"alias": "x"})
    samir.join("join by alias", alias)
    samir.delete("delete somebody else's", path, alias)
    claire.delete("delete", path, alias)
    claire.delete("delete again", path, alias)
    claire.get("deleted", path, alias)
    claire.get("canonical is gone too", "v3/rooms/{}/state/m.room.canonical_alias/", room)
    samir.join("join by a deleted alias", alias)


@scenario
def visibility(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    room = claire.create_room("a room", preset="public_chat", name="Square")
    path = "v3/directory/list/room/{}"
    s.anybody().get("at first", path, room)
    claire.put("public", path, room, body={"visibility": "public"})
    s.anybody().get("afterwards", path, room)
    samir.put("by somebody outside", path, room, body={"visibility": "private"})
    claire.put("nonsense", path, room, body={"visibility": "grey"})
    claire.put("nothing", path, room, body={})
    claire.get("unknown room", path, f"!nothing:{SERVER_NAME}")
    claire.put("private", path, room, body={"visibility": "private"})
    claire.get("at last", path, room)


@scenario
def state(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    room = claire.create_room("a room", preset="public_chat", name="Desk")
    path = "v3/rooms/{}/state/{}/{}"
    claire.set_state("topic", room, "m.room.topic", {"topic": "Tea"})
    claire.get("topic read", path, room, "m.room.topic", "")
    claire.get("topic read without the slash", "v3/rooms/{}/state/{}", room, "m.room.topic")
    claire.get("topic as an event", path, room, "m.room.topic", "", format="event")
    claire.set_state("own type", room, "org.example.seat", {"by": "window"}, "second")
    claire.get("own type read", path, room, "org.example.seat", "second")
    claire.get("unknown", path, room, "org.example.seat", "third")
    samir.get("by somebody outside", path, room, "m.room.topic", "")
    samir.set_state("set by somebody outside", room, "m.room.topic", {"topic": "x"})
    samir.get("all by somebody outside", "v3/rooms/{}/state", room)
    claire.get("of an unknown room", path, f"!nothing:{SERVER_NAME}", "m.room.topic", "")
    samir.join("samir joins", room)
    samir.set_state("without the power", room, "m.room.topic", {"topic": "x"})
    claire.set_state("somebody's key", room, "org.example.own", {"a": 1}, samir.id)
    claire.set_state("unchanged", room, "m.room.topic", {"topic": "Tea"})
    claire.put("not an object", path, room, "m.room.topic", "", body=[1])
    claire.set_state("float", room, "org.example.seat", {"height": 1.5}, "float")
    claire.set_state("too large", room, "org.example.seat", {"text": "x" * 70_000}, "large")
    claire.set_state("create again", room, "m.room.create", {})
    samir.post("samir leaves", "v3/rooms/{}/leave", room)
    claire.set_state("after he left", room, "m.room.topic", {"topic": "Coffee"})
    samir.get("what he knew", path, room, "m.room.topic", "")


@scenario
def power_levels(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    room = claire.create_room("a room", preset="public_chat", room_version="11")
    samir.join("samir joins", room)
    levels = claire.get("at first", "v3/rooms/{}/state/m.room.power_levels/", room).body
    assert isinstance(levels, dict)
    raised = {**levels, "users": {claire.id: 100, samir.id: 50}}
    claire.set_state("samir moderates", room, "m.room.power_levels", raised)
    above = {**levels, "users": {claire.id: 100, samir.id: 100}}
    samir.set_state("he raises himself", room, "m.room.power_levels", above)
    words = {**levels, "ban": "fifty"}
    claire.set_state("words", room, "m.room.power_levels", words)
    broken = {**levels, "users": {"claire": 100}}
    claire.set_state("not a user", room, "m.room.power_levels", broken)
    samir.set_state("he names the room", room, "m.room.name", {"name": "Ours"})
    kick = {"user_id": claire.id}
    samir.post("he removes her", "v3/rooms/{}/kick", room, body=kick)
    twelve = claire.create_room("version 12", preset="public_chat", room_version="12")
    named = {"users": {claire.id: 100}}
    claire.set_state("the creator is named", twelve, "m.room.power_levels", named)
