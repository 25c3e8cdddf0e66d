"""Profiles."""

from ..scenario import scenario
from ..script import Script
from ..server import SERVER_NAME


@scenario
def profile(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    nobody = s.anybody()
    claire.get("at first", "v3/profile/{}", claire.id)
    name = "v3/profile/{}/displayname"
    avatar = "v3/profile/{}/avatar_url"
    claire.put("name", name, claire.id, body={"displayname": "Claire Martin"})
    claire.put("avatar", avatar, claire.id, body={"avatar_url": f"mxc://{SERVER_NAME}/picture"})
    nobody.get("whole, by nobody", "v3/profile/{}", claire.id)
    samir.get("name, by somebody", name, claire.id)
    samir.get("avatar, by somebody", avatar, claire.id)
    samir.put("somebody else's name", name, claire.id, body={"displayname": "Me"})
    claire.put("name without a name", name, claire.id, body={})
    claire.put("name is a number", name, claire.id, body={"displayname": 5})
    claire.put("name too long", name, claire.id, body={"displayname": "x" * 300})
    claire.put("avatar is not one", avatar, claire.id, body={"avatar_url": "http://example"})
    claire.put("no name any more", name, claire.id, body={"displayname": ""})
    claire.get("without a name", name, claire.id)
    claire.get("whole at last", "v3/profile/{}", claire.id)
    claire.get("unknown user", "v3/profile/{}", f"@nobody-at-all:{SERVER_NAME}")
    claire.get("not a user id", "v3/profile/{}", "claire")
    s.anybody().put("without a token", name, claire.id, body={"displayname": "x"})


@scenario
def profile_fields(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    field = "v3/profile/{}/{}"
    key = "org.example.office"
    claire.put("set", field, claire.id, key, body={key: {"floor": 3, "doors": ["a", None]}})
    samir.get("read", field, claire.id, key)
    samir.get("whole", "v3/profile/{}", claire.id)
    claire.put("key differs", field, claire.id, key, body={"org.example.other": 1})
    claire.put("no key", field, claire.id, key, body={})
    claire.put("not a key", field, claire.id, "Not A Key", body={"Not A Key": 1})
    claire.put("key too long", field, claire.id, "k" * 300, body={"k" * 300: 1})
    claire.put(
        "too large", field, claire.id, "org.example.big", body={"org.example.big": "x" * 70_000}
    )
    claire.put("time zone", field, claire.id, "m.tz", body={"m.tz": "Europe/Paris"})
    samir.delete("somebody else's", field, claire.id, key)
    claire.delete("delete", field, claire.id, key)
    claire.get("deleted", field, claire.id, key)
    claire.delete("delete again", field, claire.id, key)
    claire.delete("delete the name", field, claire.id, "displayname")
    claire.get("whole at last", "v3/profile/{}", claire.id)


@scenario
def profile_in_rooms(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")
    since = claire.sync("before")["next_batch"]
    claire.put("name", "v3/profile/{}/displayname", claire.id, body={"displayname": "Claire"})
    claire.sync_until(
        "the room learns it",
        lambda answer: bool(answer.at("rooms", "join", room)),
        since=since,
    )
    claire.get("membership", "v3/rooms/{}/state/m.room.member/{}", room, claire.id)
    claire.get("joined members", "v3/rooms/{}/joined_members", room)
