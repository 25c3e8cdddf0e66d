"""Edits, reactions, threads, references."""

from ..normal import Json
from ..scenario import scenario
from ..script import Request, Script


def relates(kind: str, event: str, **more: Json) -> dict[str, Json]:
    """Returns a relation."""
    return {"m.relates_to": {"rel_type": kind, "event_id": event, **more}}


@scenario
def relations(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    event = claire.say("original", room, "helo")
    new = {"m.new_content": {"msgtype": "m.text", "body": "hello"}}
    claire.say("edit", room, "* hello", **new, **relates("m.replace", event))
    samir.say("edit by somebody else", room, "* hi", **new, **relates("m.replace", event))
    first = samir.send("reaction", room, relates("m.annotation", event, key="👍"), "m.reaction")
    template = "v3/rooms/{}/send/{}/{}"
    thumb = relates("m.annotation", event, key="👍")
    samir.put("reaction twice", template, room, "m.reaction", "twice", body=thumb)
    claire.send("another reaction", room, relates("m.annotation", event, key="🎉"), "m.reaction")
    claire.send("reference", room, relates("m.reference", event), "org.example.note")
    claire.get("original read", "v3/rooms/{}/event/{}", room, event)
    path = "v1/rooms/{}/relations/{}"
    claire.get("all", path, room, event)
    claire.get("forwards", path, room, event, dir="f")
    claire.get("edits", path + "/m.replace", room, event)
    claire.get("reactions", path + "/m.annotation/m.reaction", room, event)
    claire.get("of a kind that is not there", path + "/m.nothing", room, event)
    page = claire.get("two at a time", path, room, event, limit=2)
    claire.get("the next two", path, room, event, limit=2, from_=page["next_batch"])
    samir.put("take the reaction back", "v3/rooms/{}/redact/{}/{}", room, first, "r1", body={})
    claire.get("reactions afterwards", path + "/m.annotation", room, event)
    claire.get("of an unknown event", path, room, "$nothing")
    claire.get("odd token", path, room, event, from_="nowhere")
    s.person("awa").get("by somebody outside", path, room, event)
    claire.sync("in sync")
    claire.get("in a page", "v3/rooms/{}/messages", room, dir="b", limit=20)
    edit_of_edit = relates("m.replace", first)
    claire.say("edit of nothing", room, "* x", **new, **edit_of_edit)
    odd = {"m.relates_to": {"rel_type": 5, "event_id": event}}
    claire.put(
        "odd relation",
        template,
        room,
        "m.room.message",
        "odd",
        body={"msgtype": "m.text", "body": "x", **odd},
    )


@scenario
def threads(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    first = claire.say("first root", room, "first")
    second = claire.say("second root", room, "second")
    samir.say("reply to first", room, "one", **relates("m.thread", first))
    reply = samir.say("reply to second", room, "two", **relates("m.thread", second))
    last = claire.say("another to first", room, "three", **relates("m.thread", first))
    claire.get("root read", "v3/rooms/{}/event/{}", room, first)
    samir.get("root read by samir", "v3/rooms/{}/event/{}", room, first)
    path = "v1/rooms/{}/threads"
    claire.get("list", path, room)
    claire.get("those claire takes part in", path, room, include="participated")
    samir.get("those samir takes part in", path, room, include="participated")
    page = claire.get("one at a time", path, room, limit=1)
    claire.get("the next", path, room, limit=1, from_=page["next_batch"])
    claire.get("odd include", path, room, include="odd")
    claire.get("odd token", path, room, from_="nowhere")
    s.person("awa").get("by somebody outside", path, room)
    relations_path = "v1/rooms/{}/relations/{}/m.thread"
    claire.get("of the first", relations_path, room, first)
    new = {"m.new_content": {"msgtype": "m.text", "body": "two!"}}
    samir.say("edit of a reply", room, "* two!", **new, **relates("m.replace", reply))
    everything = "v1/rooms/{}/relations/{}"
    claire.get("with relations of relations", everything, room, second, recurse="true")
    nested = {"msgtype": "m.text", "body": "x", **relates("m.thread", last)}
    claire.put(
        "a thread in a thread", "v3/rooms/{}/send/{}/{}", room, "m.room.message", "n", body=nested
    )
    counts = '{"room":{"timeline":{"unread_thread_notifications":true,"limit":50}}}'
    samir.sync("unread counts of threads", filter=counts)
    receipt = "v3/rooms/{}/receipt/m.read/{}"
    samir.post("read the first", receipt, room, last, body={"thread_id": first})
    samir.sync("unread counts afterwards", filter=counts)
    samir.post("read of another thread", receipt, room, last, body={"thread_id": second})


@scenario
def thread_subscriptions(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    root = claire.say("root", room, "root")
    reply = claire.say("reply", room, "one", **relates("m.thread", root))
    path = "unstable/io.element.msc4306/rooms/{}/thread/{}/subscription"
    claire.get("none", path, room, root)
    claire.put("subscribe", path, room, root, body={})
    claire.get("subscribed", path, room, root)
    claire.put("automatically", path, room, root, body={"automatic": reply})
    claire.delete("unsubscribe", path, room, root)
    claire.get("unsubscribed", path, room, root)
    claire.put("automatically after that", path, room, root, body={"automatic": reply})
    claire.put("to an unknown thread", path, room, "$nothing", body={})
    claire.put("automatic nonsense", path, room, root, body={"automatic": 5})
    samir.put("by somebody outside", path, room, root, body={})
    changes = "unstable/io.element.msc4308/thread_subscriptions"
    claire.get("changes", changes, dir="b")


@scenario
def redact_with_relations(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")
    root = claire.say("root", room, "root")
    reply = claire.say("reply", room, "one", **relates("m.thread", root))
    body = {"org.matrix.msc3912.with_relations": ["m.thread"]}
    claire.put("redact", "v3/rooms/{}/redact/{}/{}", room, root, "r1", body=body)
    request = Request("the reply", "GET", "v3/rooms/{}/event/{}", (room, reply))
    claire.ask_until(request, lambda answer: answer.at("content") == {})
