"""Keys of devices, cross-signing, key backup, messages to devices."""

from ..normal import Json
from ..scenario import scenario
from ..script import PASSWORD, Person, Script
from ..server import SERVER_NAME

KEY = "A" * 43
SIGNATURE = "B" * 86


def device_keys(person: Person) -> dict[str, Json]:
    """Returns keys in the shape of a device's. No server looks behind that."""
    name = f"ed25519:{person.device_id}"
    return {
        "user_id": person.id,
        "device_id": person.device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {name: KEY, f"curve25519:{person.device_id}": KEY},
        "signatures": {person.id: {name: SIGNATURE}},
    }


def signed(person: Person, key: str = KEY, **more: Json) -> dict[str, Json]:
    """Returns a one-time key in the shape of a signed one."""
    return {
        "key": key,
        "signatures": {person.id: {f"ed25519:{person.device_id}": SIGNATURE}},
        **more,
    }


@scenario
def keys_upload(s: Script) -> None:
    claire = s.person("claire")
    path = "v3/keys/upload"
    claire.post("nothing", path)
    claire.post("device keys", path, body={"device_keys": device_keys(claire)})
    one_time = {f"signed_curve25519:{name}": signed(claire) for name in ("AAAA", "BBBB")}
    claire.post("one-time keys", path, body={"one_time_keys": one_time})
    claire.post("the same again", path, body={"one_time_keys": one_time})
    other = {"signed_curve25519:AAAA": signed(claire, "C" * 43)}
    claire.post("another under the same name", path, body={"one_time_keys": other})
    fallback = {"signed_curve25519:FFFF": signed(claire, fallback=True)}
    claire.post("fallback key", path, body={"fallback_keys": fallback})
    claire.sync("counts")
    stolen = {**device_keys(claire), "user_id": f"@nobody:{SERVER_NAME}"}
    claire.post("somebody else's", path, body={"device_keys": stolen})
    claire.post(
        "another device's", path, body={"device_keys": {**device_keys(claire), "device_id": "X"}}
    )
    claire.post("not keys", path, body={"device_keys": "x"})
    claire.post("not one-time keys", path, body={"one_time_keys": ["x"]})
    s.anybody().post("without a token", path, body={})


@scenario
def keys_claim(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    one_time = {"signed_curve25519:AAAA": signed(claire)}
    fallback = {"signed_curve25519:FFFF": signed(claire, fallback=True)}
    uploaded = {
        "device_keys": device_keys(claire),
        "one_time_keys": one_time,
        "fallback_keys": fallback,
    }
    claire.post("upload", "v3/keys/upload", body=uploaded)
    wanted: Json = {"one_time_keys": {claire.id: {claire.device_id: "signed_curve25519"}}}
    samir.post("the one-time key", "v3/keys/claim", body=wanted)
    samir.post("the fallback key", "v3/keys/claim", body=wanted)
    samir.post("the fallback key again", "v3/keys/claim", body=wanted)
    claire.sync("the fallback key is used")
    other = {"one_time_keys": {claire.id: {"NOWHERE": "signed_curve25519"}}}
    samir.post("of an unknown device", "v3/keys/claim", body=other)
    nobody = {"one_time_keys": {f"@nobody-at-all:{SERVER_NAME}": {"X": "signed_curve25519"}}}
    samir.post("of nobody", "v3/keys/claim", body=nobody)
    odd = {"one_time_keys": {claire.id: {claire.device_id: "rot13"}}}
    samir.post("of an odd kind", "v3/keys/claim", body=odd)
    samir.post("nothing", "v3/keys/claim", body={})
    samir.post("not a map", "v3/keys/claim", body={"one_time_keys": "x"})


@scenario
def keys_query(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    claire.post("upload", "v3/keys/upload", body={"device_keys": device_keys(claire)})
    claire.put("name the device", "v3/devices/{}", claire.device_id, body={"display_name": "Phone"})

    def query(label: str, of: Json) -> None:
        samir.post(label, "v3/keys/query", body={"device_keys": of})

    query("all devices", {claire.id: []})
    query("one device", {claire.id: [claire.device_id]})
    query("an unknown device", {claire.id: ["NOWHERE"]})
    query("nobody", {f"@nobody-at-all:{SERVER_NAME}": []})
    query("not a user", {"claire": []})
    query("not a list", {claire.id: "x"})
    samir.post("nothing", "v3/keys/query", body={})
    claire.post("her own", "v3/keys/query", body={"device_keys": {claire.id: []}})


@scenario
def device_lists(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    encrypted = {"type": "m.room.encryption", "state_key": "", "content": algorithm}
    room = claire.create_room("a room", preset="public_chat", initial_state=[encrypted])
    samir.join("samir joins", room)
    since = samir.sync("before")["next_batch"]
    claire.post("upload", "v3/keys/upload", body={"device_keys": device_keys(claire)})

    def changed(answer: object) -> bool:
        lists = answer.at("device_lists", "changed")
        return isinstance(lists, list) and claire.id in lists

    after = samir.sync_until("samir learns it", changed, since=since)["next_batch"]
    changes = samir.get("changes", "v3/keys/changes", from_=since, to=after)
    s.note("claire changed", claire.id in (changes.at("changed") or []))
    samir.get("changes from nowhere", "v3/keys/changes", from_="x", to=after)
    samir.get("changes without from", "v3/keys/changes", to=after)
    claire.post("claire leaves", "v3/rooms/{}/leave", room)

    def left(answer: object) -> bool:
        lists = answer.at("device_lists", "left")
        return isinstance(lists, list) and claire.id in lists

    samir.sync_until("nothing is shared any more", left, since=after)


@scenario
def cross_signing(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    claire.post("upload", "v3/keys/upload", body={"device_keys": device_keys(claire)})

    def key(usage: str, letter: str, **more: Json) -> dict[str, Json]:
        public = letter * 43
        return {
            "user_id": claire.id,
            "usage": [usage],
            "keys": {f"ed25519:{public}": public},
            **more,
        }

    signatures: Json = {claire.id: {f"ed25519:{'M' * 43}": SIGNATURE}}
    keys: dict[str, Json] = {
        "master_key": key("master", "M"),
        "self_signing_key": key("self_signing", "S", signatures=signatures),
        "user_signing_key": key("user_signing", "U", signatures=signatures),
    }
    path = "v3/keys/device_signing/upload"
    claire.post("first", path, body=keys)
    claire.post("the same again", path, body=keys)
    claire.post("her own", "v3/keys/query", body={"device_keys": {claire.id: []}})
    samir.post("seen by samir", "v3/keys/query", body={"device_keys": {claire.id: []}})
    changed = {**keys, "master_key": key("master", "N")}
    claire.post("another master key", path, body=changed)
    samir.post("self-signing key alone", path, body={"self_signing_key": key("self_signing", "X")})
    claire.post("wrong usage", path, body={"master_key": key("user_signing", "Z")})
    two = key("master", "M")
    two["keys"] = {f"ed25519:{'Y' * 43}": "Y" * 43, f"ed25519:{'W' * 43}": "W" * 43}
    samir.post("two keys in one", path, body={"master_key": {**two, "user_id": samir.id}})
    signing = "v3/keys/signatures/upload"
    claire.post("sign nothing", signing)
    unknown = {claire.id: {"NOWHERE": {**device_keys(claire), "device_id": "NOWHERE"}}}
    claire.post("sign an unknown device", signing, body=unknown)
    claire.post("sign a word", signing, body={claire.id: {claire.device_id: "x"}})


@scenario
def cross_signing_replaced(s: Script) -> None:
    claire = s.person("claire")

    def master(letter: str) -> Json:
        public = letter * 43
        return {"user_id": claire.id, "usage": ["master"], "keys": {f"ed25519:{public}": public}}

    path = "v3/keys/device_signing/upload"
    claire.post("first", path, body={"master_key": master("M")})
    asked = claire.post("another", path, body={"master_key": master("N")})
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
        "session": asked["session"],
    }
    claire.post("with the password", path, body={"master_key": master("N"), "auth": auth})
    claire.post("it counts", "v3/keys/query", body={"device_keys": {claire.id: []}})


@scenario
def key_backup(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    versions = "v3/room_keys/version"
    claire.get("none yet", versions)
    about = {
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": {"public_key": KEY},
    }
    version = claire.post("create", versions, body=about)["version"]
    s.note("version", version)
    claire.get("latest", versions)
    claire.get("by version", versions + "/{}", version)
    claire.get("unknown version", versions + "/{}", "99")
    samir.get("somebody else's", versions + "/{}", version)
    claire.post("without algorithm", versions, body={"auth_data": {}})
    room, session = f"!room:{SERVER_NAME}", "session/1"

    def key(first: int = 3, forwarded: int = 0, verified: bool = False) -> Json:
        return {
            "first_message_index": first,
            "forwarded_count": forwarded,
            "is_verified": verified,
            "session_data": {"ciphertext": f"c{first}", "mac": "m", "ephemeral": "e"},
        }

    one = f"v3/room_keys/keys/{{}}/{{}}?version={version}"
    of_room = f"v3/room_keys/keys/{{}}?version={version}"
    everything = f"v3/room_keys/keys?version={version}"
    claire.put("put", one, room, session, body=key())
    claire.put("a worse one", one, room, session, body=key(first=5))
    claire.get("the first stays", one, room, session)
    claire.put("a better one", one, room, session, body=key(first=1))
    claire.get("the better one counts", one, room, session)
    claire.put("a verified one", one, room, session, body=key(first=7, verified=True))
    claire.get("the verified one counts", one, room, session)
    claire.put("a room's", of_room, room, body={"sessions": {"session2": key(), "session3": key()}})
    claire.put(
        "several rooms'", everything, body={"rooms": {room: {"sessions": {"session4": key()}}}}
    )
    claire.get("a room's read", of_room, room)
    claire.get("all read", everything)
    claire.get("unknown session", one, room, "unknown")
    claire.get("unknown room", of_room, f"!other:{SERVER_NAME}")
    claire.put(
        "into an unknown version", "v3/room_keys/keys/{}/{}?version=99", room, "x", body=key()
    )
    claire.put("without a version", "v3/room_keys/keys/{}/{}", room, "x", body=key())
    claire.put("not a key", one, room, "x", body={"first_message_index": "x"})
    claire.get("count and tag", versions)
    claire.delete("delete one", one, room, session)
    claire.delete("delete a room's", of_room, room)
    claire.delete("delete all", everything)
    claire.get("nothing is left", everything)
    update = {**about, "version": version, "auth_data": {"public_key": KEY, "more": 1}}
    claire.put("update", versions + "/{}", version, body=update)
    odd = {**update, "algorithm": "org.example.other"}
    claire.put("update to another algorithm", versions + "/{}", version, body=odd)
    claire.put("update another version", versions + "/{}", version, body={**update, "version": "9"})
    claire.put("update an unknown version", versions + "/{}", "99", body={**about, "version": "99"})
    second = claire.post("create another", versions, body=about)["version"]
    claire.put("into the old one", one, room, "x", body=key())
    claire.delete("delete it", versions + "/{}", second)
    claire.get("deleted", versions + "/{}", second)
    claire.get("the old one is the latest", versions)
    claire.delete("delete an unknown one", versions + "/{}", "99")


@scenario
def to_device(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    second = s.sign_in(samir, "SECOND")
    path = "v3/sendToDevice/{}/{}"
    text: Json = {"messages": {samir.id: {samir.device_id: {"n": 1}}}}
    claire.put("to one device", path, "org.example.note", "one", body=text)
    claire.put("the same transaction", path, "org.example.note", "one", body=text)
    every: Json = {"messages": {samir.id: {"*": {"n": 2}}}}
    claire.put("to every device", path, "org.example.note", "two", body=every)
    first = samir.sync("the first device")
    second.sync("the second device")
    samir.sync("they come once", since=first["next_batch"])
    nobody: Json = {"messages": {f"@nobody-at-all:{SERVER_NAME}": {"*": {}}}}
    claire.put("to nobody", path, "org.example.note", "three", body=nobody)
    unknown: Json = {"messages": {samir.id: {"NOWHERE": {}}}}
    claire.put("to an unknown device", path, "org.example.note", "four", body=unknown)
    claire.put("nothing", path, "org.example.note", "five", body={})
    claire.put("not a map", path, "org.example.note", "six", body={"messages": "x"})
    claire.put(
        "content is a word",
        path,
        "org.example.note",
        "seven",
        body={"messages": {samir.id: {"*": "x"}}},
    )
    claire.put(
        "not a user", path, "org.example.note", "eight", body={"messages": {"samir": {"*": {}}}}
    )
    s.anybody().put("without a token", path, "org.example.note", "nine", body=text)
