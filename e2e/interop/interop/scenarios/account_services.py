"""What else an account has: presence, addresses, pushers, reports, tokens for others."""

from ..exchange import Answer
from ..normal import Json
from ..scenario import scenario
from ..script import Request, Script
from ..server import SERVER_NAME


@scenario
def presence(s: Script) -> None:
    claire, samir, awa = s.person("claire"), s.person("samir"), s.person("awa")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    path = "v3/presence/{}/status"
    busy = {"presence": "online", "status_msg": "at work"}
    claire.put("set", path, claire.id, body=busy)
    claire.get("read", path, claire.id)
    samir.get("read by samir", path, claire.id)
    awa.get("read by a stranger", path, claire.id)
    samir.put("for somebody else", path, claire.id, body=busy)
    claire.put("odd", path, claire.id, body={"presence": "dancing"})
    claire.put("nothing", path, claire.id, body={})
    claire.get("of nobody", path, f"@nobody-at-all:{SERVER_NAME}")
    samir.sync("in sync")


@scenario
def reporting(s: Script) -> None:
    claire, samir, awa = s.person("claire"), s.person("samir"), s.person("awa")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    event = claire.say("a message", room, "rude")
    path = "v3/rooms/{}/report/{}"
    samir.post("an event", path, room, event, body={"reason": "rude", "score": -50})
    samir.post("without a word", path, room, event, body={})
    samir.post("odd reason", path, room, event, body={"reason": 5})
    samir.post("odd score", path, room, event, body={"score": "low"})
    samir.post("an unknown event", path, room, "$nothing", body={"reason": "x"})
    awa.post("by somebody outside", path, room, event, body={"reason": "x"})
    samir.post("the room", "v3/rooms/{}/report", room, body={"reason": "rude"})
    samir.post(
        "an unknown room", "v3/rooms/{}/report", f"!nothing:{SERVER_NAME}", body={"reason": "x"}
    )
    samir.post("the room without a word", "v3/rooms/{}/report", room, body={})
    samir.post("a person", "v3/users/{}/report", claire.id, body={"reason": "rude"})
    nobody = f"@nobody-at-all:{SERVER_NAME}"
    samir.post("a person nobody knows", "v3/users/{}/report", nobody, body={"reason": "x"})
    s.anybody().post("without a token", path, room, event, body={})


@scenario
def addresses(s: Script) -> None:
    claire = s.person("claire")
    claire.get("none", "v3/account/3pid")
    nobody = s.anybody()
    body = {"client_secret": "secret123", "send_attempt": 1}
    nobody.post("no address", "v3/account/3pid/email/requestToken", body=body)
    numbers = {**body, "country": "FR", "phone_number": "0612345678"}
    nobody.post("a telephone", "v3/account/3pid/msisdn/requestToken", body=numbers)
    claire.post("add nothing", "v3/account/3pid/add", body={})
    unknown = {"client_secret": "secret123", "sid": "unknown"}
    claire.post("add unknown", "v3/account/3pid/add", body=unknown)
    gone = {"medium": "email", "address": "nobody@justice.example"}
    claire.post("delete unknown", "v3/account/3pid/delete", body=gone)


@scenario
def openid(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    path = "v3/user/{}/openid/request_token"
    claire.post("ask", path, claire.id)
    samir.post("for somebody else", path, claire.id)
    s.anybody().post("without a token", path, claire.id)


@scenario
def pushers(s: Script) -> None:
    claire = s.person("claire")
    claire.get("none", "v3/pushers")
    pusher: dict[str, Json] = {
        "kind": "http",
        "app_id": "example.app",
        "pushkey": "key1",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "lang": "fr",
        "data": {"url": "https://push.example/_matrix/push/v1/notify", "format": "event_id_only"},
    }
    path = "v3/pushers/set"
    claire.post("set", path, body=pusher)
    claire.get("one", "v3/pushers")
    claire.post("change", path, body={**pusher, "lang": "en"})
    claire.post("another", path, body={**pusher, "pushkey": "key2", "append": True})
    claire.get("two", "v3/pushers")
    claire.post("delete", path, body={"kind": None, "app_id": "example.app", "pushkey": "key1"})
    claire.get("one is left", "v3/pushers")
    without = {key: value for key, value in pusher.items() if key != "data"}
    claire.post("no data", path, body=without)
    claire.post("no url", path, body={**pusher, "data": {}})
    claire.post("odd url", path, body={**pusher, "data": {"url": "nowhere"}})
    claire.post("odd kind", path, body={**pusher, "kind": "pigeon"})
    claire.post("long app id", path, body={**pusher, "app_id": "x" * 100})
    claire.post("long key", path, body={**pusher, "pushkey": "x" * 600})
    claire.post("nothing", path, body={})
    s.anybody().get("without a token", "v3/pushers")
    samir = s.person("samir")
    samir.post("the same key, another person", path, body={**pusher, "pushkey": "key2"})
    claire.get("hers is gone", "v3/pushers")


@scenario
def notifications(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    samir.sync("samir looks")
    for number in range(1, 4):
        claire.say(f"message {number}", room, f"message {number}")
    mention = {"m.mentions": {"user_ids": [samir.id]}}
    claire.say("a mention", room, "samir?", **mention)

    def four(answer: Answer) -> bool:
        return len(answer.objects("notifications")) == 4

    samir.ask_until(Request("all", "GET", "v3/notifications"), four)
    page = samir.get("two", "v3/notifications", limit=2)
    samir.get("the next two", "v3/notifications", limit=2, from_=page["next_token"])
    samir.get("highlights", "v3/notifications", only="highlight")
    samir.get("odd token", "v3/notifications", from_="nowhere")
    claire.get("none", "v3/notifications")
    s.anybody().get("without a token", "v3/notifications")


@scenario
def other_services(s: Script) -> None:
    claire = s.person("claire")
    claire.get("telephony", "v3/voip/turnServer")
    claire.get("networks", "v3/thirdparty/protocols")
    claire.get("an unknown network", "v3/thirdparty/protocol/{}", "irc")
    claire.get("places of a network", "v3/thirdparty/location/{}", "irc")
    claire.get("people of a network", "v3/thirdparty/user/{}", "irc")
    claire.get("a place by alias", "v3/thirdparty/location", alias=s.alias("x"))
    claire.get("a person by id", "v3/thirdparty/user", userid=claire.id)
    claire.get("whois of oneself", "v3/admin/whois/{}", claire.id)
    claire.get("whois of somebody else", "v3/admin/whois/{}", f"@nobody-at-all:{SERVER_NAME}")
    claire.get("lock", "v1/admin/lock/{}", claire.id)
    claire.put("lock oneself", "v1/admin/lock/{}", claire.id, body={"locked": True})
    claire.get("suspension", "v1/admin/suspend/{}", claire.id)
    claire.get("auth metadata", "v1/auth_metadata")
    claire.get("password policy", "v3/password_policy")
    claire.get("server notices", "v3/rooms/{}/aliases", f"!nothing:{SERVER_NAME}")
    claire.get("calls", "unstable/org.matrix.msc4143/rtc/transports")
    s.anybody().get(
        "sign-in by another service", "v3/login/sso/redirect", redirectUrl="https://a.example"
    )


@scenario
def dehydrated_device(s: Script) -> None:
    claire = s.person("claire")
    path = "unstable/org.matrix.msc3814.v1/dehydrated_device"
    claire.get("none", path)
    device = "DEHYDRATED"
    name = f"ed25519:{device}"
    keys = {
        "user_id": claire.id,
        "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {name: "A" * 43, f"curve25519:{device}": "A" * 43},
        "signatures": {claire.id: {name: "B" * 86}},
    }
    data = {"algorithm": "org.matrix.msc3814.v2", "device_pickle": "x", "nonce": "y"}
    body = {
        "device_id": device,
        "device_data": data,
        "initial_device_display_name": "Dehydrated",
        "device_keys": keys,
    }
    s.name(device, device)
    claire.put("put", path, body=body)
    claire.get("read", path)
    claire.get("devices", "v3/devices")
    claire.post("its messages", path + "/{}/events", device, body={})
    claire.post("messages of another", path + "/{}/events", "OTHER", body={})
    claire.put("without keys", path, body={"device_id": "D2", "device_data": data})
    claire.delete("delete", path)
    claire.get("deleted", path)
    claire.delete("delete again", path)


@scenario
def account_data_deletion(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room")
    kind = "org.example.theme"
    base = "unstable/org.matrix.msc3391/user/{}/"
    path = "v3/user/{}/account_data/{}"
    claire.put("set", path, claire.id, kind, body={"dark": True})
    since = claire.sync("before")["next_batch"]
    claire.delete("delete", base + "account_data/{}", claire.id, kind)
    claire.get("deleted", path, claire.id, kind)
    claire.sync("afterwards", since=since)
    in_room = "v3/user/{}/rooms/{}/account_data/{}"
    claire.put("in the room", in_room, claire.id, room, kind, body={"dark": True})
    claire.delete("delete in the room", base + "rooms/{}/account_data/{}", claire.id, room, kind)
    claire.get("deleted in the room", in_room, claire.id, room, kind)
    claire.delete("delete unknown", base + "account_data/{}", claire.id, "org.example.unknown")


@scenario
def invite_filtering(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    config = {"blocked_users": [samir.id]}
    path = "v3/user/{}/account_data/{}"
    claire.put("block", path, claire.id, "org.matrix.msc4155.invite_permission_config", body=config)
    room = samir.create_room("a room")
    samir.post("invite", "v3/rooms/{}/invite", room, body={"user_id": claire.id})
    claire.sync("nothing comes")
    nobody = {"default_action": "block"}
    claire.put("block all", path, claire.id, "m.invite_permission_config", body=nobody)
    awa = s.person("awa")
    other = awa.create_room("other room")
    awa.post("invite by another", "v3/rooms/{}/invite", other, body={"user_id": claire.id})


@scenario
def sync_with_state_after(s: Script) -> None:
    claire = s.person("claire")
    room = claire.create_room("a room", name="Desk")
    since = claire.sync("first", **{"org.matrix.msc4222.use_state_after": "true"})["next_batch"]
    claire.set_state("topic", room, "m.room.topic", {"topic": "Tea"})
    claire.sync("then", since=since, **{"org.matrix.msc4222.use_state_after": "true"})
    claire.sync("by its name", since=since, use_state_after="true")
