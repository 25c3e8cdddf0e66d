"""Coming, going and being sent away."""

from ..scenario import scenario
from ..script import Script
from ..server import SERVER_NAME

MEMBER = "v3/rooms/{}/state/m.room.member/{}"


@scenario
def joining(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("public room", preset="public_chat")
    samir.join("join", room)
    samir.join("join twice", room)
    samir.get("rooms", "v3/joined_rooms")
    samir.post("join by room path", "v3/rooms/{}/join", room, body={"reason": "again"})
    closed = claire.create_room("closed room", preset="private_chat")
    samir.join("join uninvited", closed)
    samir.join("join an unknown room", f"!nothing:{SERVER_NAME}")
    samir.join("join an unknown alias", s.alias("unknown"))
    samir.join("join nonsense", "nonsense")
    claire.get("members", "v3/rooms/{}/members", room)
    claire.get("members who left", "v3/rooms/{}/members", room, membership="leave")
    claire.get("members who did not leave", "v3/rooms/{}/members", room, not_membership="leave")
    claire.get("members of an odd kind", "v3/rooms/{}/members", room, membership="odd")
    claire.get("joined members", "v3/rooms/{}/joined_members", room)
    awa = s.person("awa")
    awa.get("members by somebody outside", "v3/rooms/{}/members", room)
    awa.get("joined members by somebody outside", "v3/rooms/{}/joined_members", room)
    s.anybody().get("rooms without a token", "v3/joined_rooms")


@scenario
def inviting(s: Script) -> None:
    claire, samir, awa = s.person("claire"), s.person("samir"), s.person("awa")
    room = claire.create_room("a room", preset="private_chat", name="Desk")
    invite = "v3/rooms/{}/invite"
    claire.post("invite", invite, room, body={"user_id": samir.id, "reason": "come"})
    claire.get("membership", MEMBER, room, samir.id)
    claire.post("invite twice", invite, room, body={"user_id": samir.id})
    samir.sync_until("the invitation", lambda a: bool(a.at("rooms", "invite", room)))
    samir.post("invite before joining", invite, room, body={"user_id": awa.id})
    samir.join("accept", room)
    claire.post("invite a member", invite, room, body={"user_id": samir.id})
    claire.post("invite oneself", invite, room, body={"user_id": claire.id})
    claire.post("invite nobody", invite, room, body={})
    claire.post("invite nonsense", invite, room, body={"user_id": "awa"})
    claire.post("into an unknown room", invite, f"!nothing:{SERVER_NAME}", body={"user_id": awa.id})
    claire.post("invite awa", invite, room, body={"user_id": awa.id})
    awa.post("decline", "v3/rooms/{}/leave", room, body={"reason": "no time"})
    awa.get("declined, asked by her", MEMBER, room, awa.id)
    claire.get("declined", MEMBER, room, awa.id)
    awa.sync_until("after declining", lambda a: not a.at("rooms", "invite", room))
    claire.post("invite awa again", invite, room, body={"user_id": awa.id})
    claire.post("take it back", "v3/rooms/{}/kick", room, body={"user_id": awa.id})
    awa.join("join after that", room)


@scenario
def leaving(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("join", room)
    since = samir.sync("before")["next_batch"]
    samir.post("forget before leaving", "v3/rooms/{}/forget", room)
    samir.post("leave", "v3/rooms/{}/leave", room, body={"reason": "holidays"})
    samir.sync_until("the room is left", lambda a: bool(a.at("rooms", "leave", room)), since=since)
    samir.post("leave twice", "v3/rooms/{}/leave", room)
    samir.put(
        "send after leaving",
        "v3/rooms/{}/send/m.room.message/{}",
        room,
        "left",
        body={"msgtype": "m.text", "body": "x"},
    )
    samir.get("messages after leaving", "v3/rooms/{}/messages", room, dir="b", limit=2)
    samir.post("forget", "v3/rooms/{}/forget", room)
    samir.get("messages after forgetting", "v3/rooms/{}/messages", room, dir="b")
    samir.post("forget twice", "v3/rooms/{}/forget", room)
    samir.post("leave an unknown room", "v3/rooms/{}/leave", f"!nothing:{SERVER_NAME}")
    samir.join("join again", room)
    samir.get("messages after joining again", "v3/rooms/{}/messages", room, dir="b", limit=2)


@scenario
def moderation(s: Script) -> None:
    claire, samir, awa = s.person("claire"), s.person("samir"), s.person("awa")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    awa.join("awa joins", room)

    def act(label: str, who: str, what: str, whom: str, **more: str) -> None:
        person = {"claire": claire, "samir": samir, "awa": awa}[who]
        person.post(label, f"v3/rooms/{{}}/{what}", room, body={"user_id": whom, **more})

    act("kick without the power", "samir", "kick", awa.id)
    act("ban without the power", "samir", "ban", awa.id)
    act("kick", "claire", "kick", awa.id, reason="late")
    claire.get("kicked", MEMBER, room, awa.id)
    act("kick somebody who is not there", "claire", "kick", awa.id)
    act("kick somebody unknown", "claire", "kick", f"@nobody-at-all:{SERVER_NAME}")
    awa.join("come back", room)
    act("ban", "claire", "ban", awa.id, reason="later still")
    claire.get("banned", MEMBER, room, awa.id)
    awa.join("come back banned", room)
    act("invite somebody banned", "claire", "invite", awa.id)
    act("kick somebody banned", "claire", "kick", awa.id)
    awa.sync_until("a banned one learns it", lambda a: bool(a.at("next_batch")))
    act("unban without the power", "samir", "unban", awa.id)
    act("unban", "claire", "unban", awa.id)
    claire.get("unbanned", MEMBER, room, awa.id)
    act("unban somebody not banned", "claire", "unban", awa.id)
    act("ban in advance", "claire", "ban", f"@somebody-later:{SERVER_NAME}")
    act("ban oneself", "claire", "ban", claire.id)
    claire.post("ban nobody", "v3/rooms/{}/ban", room, body={})


@scenario
def knocking(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
    room = claire.create_room("a room", initial_state=[rule], name="Office")
    samir.join("join without knocking", room)
    samir.post("knock", "v3/knock/{}", room, body={"reason": "may I?"})
    claire.get("knocked", MEMBER, room, samir.id)
    samir.sync_until("the door", lambda a: bool(a.at("rooms", "knock", room)))
    samir.post("knock twice", "v3/knock/{}", room)
    claire.post("let in", "v3/rooms/{}/invite", room, body={"user_id": samir.id})
    samir.join("come in", room)
    samir.post("knock inside", "v3/knock/{}", room)
    public = claire.create_room("public room", preset="public_chat")
    samir.post("knock at an open door", "v3/knock/{}", public)
    samir.post("knock nowhere", "v3/knock/{}", f"!nothing:{SERVER_NAME}")
    awa = s.person("awa")
    awa.post("awa knocks", "v3/knock/{}", room)
    awa.post("awa walks away", "v3/rooms/{}/leave", room)


@scenario
def restricted(s: Script) -> None:
    claire, samir, awa = s.person("claire"), s.person("samir"), s.person("awa")
    club = claire.create_room("club", preset="public_chat")
    samir.join("samir is of the club", club)
    content = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": club}]}
    rule = {"type": "m.room.join_rules", "state_key": "", "content": content}
    room = claire.create_room("a room", initial_state=[rule])
    awa.join("from outside", room)
    samir.join("from the club", room)
    since = samir.sync("what came with it")["next_batch"]
    s.note("there is a token", since[:0])
    claire.get("membership", MEMBER, room, samir.id)
