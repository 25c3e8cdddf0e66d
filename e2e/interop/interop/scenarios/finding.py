"""Finding messages, people and rooms."""

from ..exchange import Answer
from ..scenario import scenario
from ..script import Request, Script
from ..server import SERVER_NAME


def found(answer: Answer) -> bool:
    """Whether the answer has results."""
    return bool(answer.objects("results") or answer.objects("chunk"))


@scenario
def search(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat", name="Kitchen")
    for number, text in enumerate(["green tea", "black coffee", "tea and coffee", "water"], 1):
        claire.say(f"message {number}", room, text)
    claire.set_state("topic", room, "m.room.topic", {"topic": "All about tea"})

    def ask(label: str, term: str, **more: object) -> Answer:
        criteria = {"search_term": term, "order_by": "recent", **more}
        body = {"search_categories": {"room_events": criteria}}
        return claire.post(label, "v3/search", body=body)

    ask("one word", "tea")
    ask("two words", "coffee tea")
    ask("nothing", "juice")
    ask("by rank", "tea", order_by="rank")
    ask("in messages", "tea", keys=["content.body"])
    ask("in topics", "tea", keys=["content.topic"])
    ask("with context", "coffee", event_context={"before_limit": 1, "after_limit": 1})
    ask("with profiles", "water", event_context={"include_profile": True})
    ask("with state", "water", include_state=True)
    ask("grouped", "tea", groupings={"group_by": [{"key": "room_id"}, {"key": "sender"}]})
    ask("in this room", "tea", filter={"rooms": [room]})
    ask("in no room", "tea", filter={"rooms": []})
    ask("by samir", "tea", filter={"senders": [samir.id]})
    page = ask("one at a time", "tea", filter={"limit": 1})
    token = page.at("search_categories", "room_events", "next_batch")
    body = {"search_categories": {"room_events": {"search_term": "tea", "order_by": "recent"}}}
    next_page = "v3/search?next_batch={}"
    claire.post("the next", next_page, s.need(token, "next_batch"), body=body)
    samir.post("by somebody outside", "v3/search", body=body)
    claire.post("no term", "v3/search", body={"search_categories": {"room_events": {}}})
    claire.post("no category", "v3/search", body={"search_categories": {}})
    claire.post("nothing at all", "v3/search", body={})
    s.anybody().post("without a token", "v3/search", body=body)


@scenario
def user_directory(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    name = "v3/profile/{}/displayname"
    samir.put("name", name, samir.id, body={"displayname": "Samir Benali Udtest"})
    samir.create_room("public room", preset="public_chat", visibility="public")

    def ask(label: str, term: str, **more: object) -> None:
        body = {"search_term": term, **more}
        request = Request(label, "POST", "v3/user_directory/search", body=body)
        claire.ask_until(request, found)

    ask("by a word of the name", "udtest")
    ask("by the beginning of a word", "udte")
    ask("by user id", samir.id)
    ask("by the name in the id", s.localpart("samir"))
    ask("in capitals", "UDTEST")
    search = "v3/user_directory/search"
    claire.post("nobody", search, body={"search_term": "zzzzzz"})
    claire.post("no limit at all", search, body={"search_term": "udtest", "limit": 0})
    claire.post("no term", search, body={"limit": 5})
    claire.post("limit is a word", search, body={"search_term": "x", "limit": "x"})
    s.anybody().post("without a token", search, body={"search_term": "x"})


@scenario
def public_rooms(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    options = {"preset": "public_chat", "visibility": "public"}
    marked = "Pubtest"
    large = claire.create_room("large", name=f"{marked} large", topic="Everybody", **options)
    small = claire.create_room(
        "small", name=f"{marked} small", room_alias_name=s.localpart("small"), **options
    )
    claire.create_room(
        "space", name=f"{marked} space", creation_content={"type": "m.space"}, **options
    )
    for number, person in enumerate([samir, s.person("awa"), s.person("lea")], 1):
        person.join(f"guest {number} joins the large one", large)
    samir.join("samir joins the small one", small)

    def ask(label: str, **more: object) -> Answer:
        body = {"filter": {"generic_search_term": marked}, **more}
        request = Request(label, "POST", "v3/publicRooms", body=body)
        return claire.ask_until(request, found)

    ask("by name")
    ask("spaces", filter={"generic_search_term": marked, "room_types": ["m.space"]})
    ask("no spaces", filter={"generic_search_term": marked, "room_types": [None]})
    first = ask("one at a time", limit=1)
    ask("the next", limit=1, since=s.need(first.at("next_batch"), "next_batch"))
    claire.post("none", "v3/publicRooms", body={"filter": {"generic_search_term": "zzzzzz"}})
    claire.post("limit is a word", "v3/publicRooms", body={"limit": "x"})
    claire.post("odd token", "v3/publicRooms", body={"since": "nowhere"})
    claire.get("of another server", "v3/publicRooms", server="elsewhere.example")
    s.anybody().get("without a token", "v3/publicRooms", limit=1)


@scenario
def spaces(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    options = {"preset": "public_chat"}
    space_type = {"type": "m.space"}
    space = claire.create_room("space", name="Ministry", creation_content=space_type, **options)
    inner = claire.create_room("inner", name="Cabinet", creation_content=space_type, **options)
    room = claire.create_room("room", name="Desk", topic="Tea", **options)
    deep = claire.create_room("deep", name="Archive", **options)
    hidden = claire.create_room("hidden", name="Safe", preset="private_chat")
    via = {"via": [SERVER_NAME]}
    child = "m.space.child"
    claire.set_state("inner is in it", space, child, {**via, "order": "b"}, inner)
    claire.set_state("room is in it", space, child, {**via, "order": "a", "suggested": True}, room)
    claire.set_state("hidden is in it", space, child, {**via, "order": "c"}, hidden)
    claire.set_state("deep is in inner", inner, child, via, deep)
    claire.set_state("nothing is in it", space, child, {}, f"!nothing:{SERVER_NAME}")
    hierarchy = "v1/rooms/{}/hierarchy"
    claire.get("all", hierarchy, space)
    claire.get("suggested", hierarchy, space, suggested_only="true")
    claire.get("one level", hierarchy, space, max_depth=1)
    claire.get("no level", hierarchy, space, max_depth=0)
    page = claire.get("two at a time", hierarchy, space, limit=2)
    claire.get("the next two", hierarchy, space, limit=2, from_=page["next_batch"])
    samir.get("by somebody outside", hierarchy, space)
    samir.get("of a hidden room", hierarchy, hidden)
    claire.get("of a room", hierarchy, room)
    claire.get("unknown", hierarchy, f"!nothing:{SERVER_NAME}")
    claire.get("odd token", hierarchy, space, from_="nowhere")
    claire.get("negative depth", hierarchy, space, max_depth=-1)


@scenario
def room_summary(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room(
        "room", preset="public_chat", name="Desk", topic="Tea", room_alias_name=s.localpart("desk")
    )
    hidden = claire.create_room("hidden", name="Safe", preset="private_chat")
    summary = "v1/room_summary/{}"
    claire.get("by a member", summary, room)
    samir.get("by somebody outside", summary, room)
    samir.get("by alias", summary, s.alias("desk"))
    samir.get("the hidden one", summary, hidden)
    claire.get("the hidden one, by a member", summary, hidden)
    samir.get("unknown", summary, f"!nothing:{SERVER_NAME}")
    samir.get("unknown alias", summary, s.alias("unknown"))
    s.anybody().get("by nobody", summary, room)
    claire.post("invite", "v3/rooms/{}/invite", hidden, body={"user_id": samir.id})
    samir.get("the hidden one, invited", summary, hidden)


@scenario
def event_by_time(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    event = claire.say("a message", room, "hello")
    sent = claire.get("read", "v3/rooms/{}/event/{}", room, event).at("origin_server_ts")
    time = sent if isinstance(sent, int) else 0
    path = "v1/rooms/{}/timestamp_to_event"
    claire.get("at that time", path, room, ts=time, dir="b")
    claire.get("from long ago", path, room, ts=0, dir="f")
    claire.get("before long ago", path, room, ts=0, dir="b")
    claire.get("after the future", path, room, ts=time + 10**9, dir="f")
    claire.get("no time", path, room, dir="f")
    claire.get("odd time", path, room, ts="noon", dir="f")
    claire.get("odd direction", path, room, ts=time, dir="up")
    claire.get("no direction", path, room, ts=time)
    samir.get("by somebody outside", path, room, ts=time, dir="b")


@scenario
def mutual_rooms(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    path = "v1/mutual_rooms"
    unstable = "unstable/uk.half-shot.msc2666/user/mutual_rooms"
    claire.get("none", path, user_id=samir.id)
    samir.join("samir joins", room)
    request = Request("one", "GET", path, query={"user_id": samir.id})
    claire.ask_until(request, lambda answer: bool(answer.at("joined")))
    claire.get("by the old name", unstable, user_id=samir.id)
    claire.get("with oneself", path, user_id=claire.id)
    claire.get("with nobody", path)
    claire.get("with nonsense", path, user_id="samir")
