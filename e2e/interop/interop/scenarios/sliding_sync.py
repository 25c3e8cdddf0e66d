"""Simplified sliding sync (MSC4186)."""

from ..exchange import Answer
from ..normal import Json
from ..scenario import scenario
from ..script import Person, Request, Script

PATH = "unstable/org.matrix.simplified_msc3575/sync?timeout=0"


def ask(person: Person, label: str, body: Json, pos: str | None = None) -> Answer:
    """Asks for what is new since `pos`."""
    path = PATH if pos is None else PATH + "&pos={}"
    arguments = () if pos is None else (pos,)
    return person.post(label, path, *arguments, body=body)


@scenario
def sliding_sync(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    rooms = [
        claire.create_room(f"room {number}", preset="public_chat", name=f"Room {number}")
        for number in range(1, 4)
    ]
    samir.join("samir joins", rooms[0])
    samir.say("samir speaks", rooms[0], "hello")
    window: dict[str, Json] = {
        "ranges": [[0, 1]],
        "timeline_limit": 2,
        "required_state": [
            ["m.room.create", ""],
            ["m.room.member", "$ME"],
            ["m.room.member", "$LAZY"],
        ],
    }
    lists: Json = {"lists": {"all": window}, "conn_id": "main"}
    first = ask(claire, "first", lists)
    second = ask(claire, "nothing new", lists, first["pos"])
    claire.say("claire speaks", rooms[2], "new")
    third = ask(claire, "a message", lists, second["pos"])
    wider: Json = {"lists": {"all": {**window, "ranges": [[0, 10]]}}, "conn_id": "main"}
    fourth = ask(claire, "all of them", wider, third["pos"])
    subscription: Json = {
        "conn_id": "main",
        "room_subscriptions": {rooms[1]: {"timeline_limit": 10, "required_state": [["*", "*"]]}},
    }
    ask(claire, "a subscription", subscription, fourth["pos"])
    ask(claire, "an unknown position", lists, "nowhere")
    ask(claire, "another connection", {**lists, "conn_id": "other"})
    ask(claire, "nothing asked", {})
    ask(claire, "odd range", {"lists": {"all": {**window, "ranges": [[5, 1]]}}})
    ask(claire, "no timeline limit", {"lists": {"all": {"ranges": [[0, 1]], "required_state": []}}})
    ask(claire, "lists are a word", {"lists": "x"})
    ask(s.anybody(), "without a token", lists)


@scenario
def sliding_sync_filters(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    encrypted = {"type": "m.room.encryption", "state_key": "", "content": algorithm}
    claire.create_room("plain", name="Plain")
    claire.create_room("encrypted", name="Sealed", initial_state=[encrypted])
    claire.create_room("space", name="Ministry", creation_content={"type": "m.space"})
    direct = claire.create_room("direct", invite=[samir.id], is_direct=True)
    account_data = "v3/user/{}/account_data/m.direct"
    claire.put("it is direct", account_data, claire.id, body={samir.id: [direct]})

    def filtered(label: str, person: Person, **filters: Json) -> None:
        window = {"ranges": [[0, 20]], "timeline_limit": 1, "required_state": [["m.room.name", ""]]}
        ask(person, label, {"lists": {"some": {**window, "filters": filters}}})

    filtered("encrypted ones", claire, is_encrypted=True)
    filtered("plain ones", claire, is_encrypted=False)
    filtered("direct ones", claire, is_dm=True)
    filtered("others", claire, is_dm=False)
    filtered("spaces", claire, room_types=["m.space"])
    filtered("no spaces", claire, not_room_types=["m.space"])
    filtered("rooms", claire, room_types=[None])
    filtered("invitations", samir, is_invite=True)
    filtered("no invitations", samir, is_invite=False)


@scenario
def sliding_sync_extensions(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    event = claire.say("claire speaks", room, "hello")
    samir.post("samir reads", "v3/rooms/{}/receipt/m.read/{}", room, event)
    claire.put(
        "claire has a theme", "v3/user/{}/account_data/org.example.theme", claire.id, body={"a": 1}
    )
    tag = "v3/user/{}/rooms/{}/tags/m.favourite"
    claire.put("claire has a favourite", tag, claire.id, room, body={"order": 0.1})
    note = {"messages": {claire.id: {claire.device_id: {"n": 1}}}}
    samir.put("samir sends a note", "v3/sendToDevice/org.example.note/one", body=note)
    names = ("to_device", "e2ee", "account_data", "receipts", "typing")
    window = {"ranges": [[0, 1]], "timeline_limit": 1, "required_state": []}

    def body(*extensions: str) -> dict[str, Json]:
        return {
            "lists": {"all": window},
            "extensions": {name: {"enabled": True} for name in extensions},
        }

    for name in names:
        ask(claire, f"only {name}", {**body(name), "conn_id": name})
    first = ask(claire, "all", body(*names))
    samir.put(
        "samir types",
        "v3/rooms/{}/typing/{}",
        room,
        samir.id,
        body={"typing": True, "timeout": 30_000},
    )
    path = PATH + "&pos={}"
    request = Request("typing", "POST", path, (first["pos"],), body(*names))

    def types(answer: Answer) -> bool:
        return bool(answer.at("extensions", "typing", "rooms", room))

    claire.ask_until(request, types)
