"""Requests that no client should make."""

from ..scenario import scenario
from ..script import Request, Script


@scenario
def bad_requests(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")

    def ask(
        label: str, method: str, path: str, content: bytes, kind: str = "application/json"
    ) -> None:
        headers = {"Content-Type": kind} if kind else {}
        claire.ask(Request(label, method, path, content=content, headers=headers))

    send = f"v3/rooms/{room.replace('!', '%21')}/send/m.room.message/"
    ask("not JSON", "POST", "v3/createRoom", b"{")
    ask("not an object", "POST", "v3/createRoom", b"[]")
    ask("not UTF-8", "POST", "v3/createRoom", b'{"name":"\xff"}')
    ask("empty", "POST", "v3/createRoom", b"")
    ask("another kind", "PUT", send + "a", b'{"msgtype":"m.text","body":"x"}', "text/plain")
    ask("no kind", "PUT", send + "b", b'{"msgtype":"m.text","body":"x"}', "")
    ask("empty message", "PUT", send + "c", b"")
    ask("not a number", "PUT", send + "d", b'{"body":NaN}')
    ask("deep", "PUT", send + "e", b'{"a":' * 300 + b"1" + b"}" * 300)
    ask("null byte", "PUT", send + "f", b'{"msgtype":"m.text","body":"\\u0000"}')
    claire.get("unknown path", "v3/nothing")
    claire.get("unknown version", "v99/sync")
    claire.get("outside", "/_matrix/nothing")
    claire.delete("wrong method", "v3/sync")
    claire.post("wrong method for a message", "v3/rooms/{}/send/m.room.message/x", room, body={})
    claire.get("old version", "r0/account/whoami")
    claire.ask(Request("options", "OPTIONS", "v3/sync", headers={"Origin": "https://app.example"}))
    claire.get("odd room", "v3/rooms/{}/state", "nowhere")
    claire.get("odd event", "v3/rooms/{}/event/{}", room, "nowhere")
    claire.get("odd user", "v3/profile/{}/displayname", "nowhere")
    claire.get("odd number", "v3/rooms/{}/messages", room, dir="b", limit="many")
    claire.get("number too large", "v3/rooms/{}/messages", room, dir="b", limit=10**20)
