"""Signing up, in and out."""

import hashlib
import hmac

from ..scenario import scenario
from ..script import PASSWORD, Script
from ..server import SERVER_NAME, SHARED_SECRET


@scenario
def discovery(s: Script) -> None:
    nobody = s.anybody()
    answer = nobody.get("well-known", "/.well-known/matrix/client")
    s.note("well-known allows every origin", answer.headers.get("Access-Control-Allow-Origin"))
    nobody.get("login types", "v3/login")
    nobody.get("capabilities without a token", "v3/capabilities")
    nobody.get("support without contacts", "/.well-known/matrix/support")
    claire = s.person("claire")
    capabilities = claire.get("capabilities", "v3/capabilities")
    s.note("default version", capabilities.at("capabilities", "m.room_versions", "default"))


@scenario
def registration(s: Script) -> None:
    nobody = s.anybody()
    name = s.localpart("claire")
    nobody.get("name is free", "v3/register/available", username=name)
    nobody.get("name is not a name", "v3/register/available", username="Cl aire!")
    nobody.get("no name", "v3/register/available")
    first = nobody.post("flows", "v3/register", body={"username": name, "password": PASSWORD})
    session = first["session"]
    nobody.post(
        "unknown stage",
        "v3/register",
        body={
            "username": name,
            "password": PASSWORD,
            "auth": {"type": "org.example.nothing", "session": session},
        },
    )
    registered = nobody.post(
        "sign up in two steps",
        "v3/register",
        body={
            "username": name,
            "password": PASSWORD,
            "device_id": "FIRST",
            "initial_device_display_name": "Phone",
            "auth": {"type": "m.login.dummy", "session": session},
        },
    )
    nobody.get("name is taken", "v3/register/available", username=name)
    dummy = {"type": "m.login.dummy"}
    again = {"username": name, "password": PASSWORD}
    nobody.post("sign up again", "v3/register", body=again)
    nobody.post("sign up again with stage", "v3/register", body={**again, "auth": dummy})
    weak = {"username": s.localpart("weak"), "password": "1234", "auth": dummy}
    nobody.post("weak password", "v3/register", body=weak)
    bad = {"username": "Not a name!", "password": PASSWORD, "auth": dummy}
    nobody.post("impossible name", "v3/register", body=bad)
    upper = {"username": s.localpart("SAMIR"), "password": PASSWORD, "auth": dummy}
    nobody.post("name in capitals", "v3/register", body=upper)
    silent = {"username": s.localpart("silent"), "password": PASSWORD, "inhibit_login": True}
    nobody.post("without signing in", "v3/register", body={**silent, "auth": dummy})
    refreshing = {"username": s.localpart("awa"), "password": PASSWORD, "refresh_token": True}
    nobody.post("with a refresh token", "v3/register", body={**refreshing, "auth": dummy})
    nobody.post("no name at all", "v3/register", body={"password": PASSWORD, "auth": dummy})
    wrong = {"username": 7, "password": PASSWORD, "auth": dummy}
    nobody.post("name is a number", "v3/register", body=wrong)
    long = {"username": "x" * 300, "password": PASSWORD, "auth": dummy}
    nobody.post("name is too long", "v3/register", body=long)
    nobody.get("token validity", "v1/register/m.login.registration_token/validity", token="nope")
    s.note("user id", registered["user_id"])


@scenario
def guests(s: Script) -> None:
    request = {"initial_device_display_name": "Kiosk"}
    s.anybody().post("sign up as guest", "v3/register?kind=guest", body=request)


@scenario
def shared_secret_registration(s: Script) -> None:
    nobody = s.anybody()
    path = "/_synapse/admin/v1/register"
    name = s.localpart("operator")
    account = {"username": name, "password": PASSWORD, "admin": False}
    nonce = nobody.get("nonce", path)["nonce"]
    nobody.post("wrong mac", path, body={**account, "nonce": nonce, "mac": "00"})
    nonce = nobody.get("another nonce", path)["nonce"]
    text = "\0".join([nonce, name, PASSWORD, "notadmin"])
    mac = hmac.new(SHARED_SECRET.encode(), text.encode(), hashlib.sha1).hexdigest()
    nobody.post("right mac", path, body={**account, "nonce": nonce, "mac": mac})
    nobody.post("nonce used twice", path, body={**account, "nonce": nonce, "mac": mac})


@scenario
def login(s: Script) -> None:
    claire = s.person("claire")
    nobody = s.anybody()
    name = s.localpart("claire")
    by_name = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}}
    right = {**by_name, "password": PASSWORD}
    nobody.post("with a new device", "v3/login", body={**right, "device_id": "SECOND"})
    nobody.post(
        "with a chosen name", "v3/login", body={**right, "initial_device_display_name": "x"}
    )
    nobody.post(
        "by user id",
        "v3/login",
        body={**right, "identifier": {"type": "m.id.user", "user": claire.id}},
    )
    nobody.post(
        "in the old form",
        "v3/login",
        body={"type": "m.login.password", "user": name, "password": PASSWORD},
    )
    nobody.post("wrong password", "v3/login", body={**by_name, "password": "wrong"})
    nobody.post(
        "unknown user",
        "v3/login",
        body={**right, "identifier": {"type": "m.id.user", "user": "nobody-here"}},
    )
    nobody.post(
        "user of another server",
        "v3/login",
        body={**right, "identifier": {"type": "m.id.user", "user": "@claire:elsewhere.example"}},
    )
    nobody.post("unknown type", "v3/login", body={"type": "m.login.nothing"})
    nobody.post("no type", "v3/login", body={})
    nobody.post("no password", "v3/login", body=by_name)
    nobody.post(
        "unknown identifier", "v3/login", body={**right, "identifier": {"type": "m.id.moon"}}
    )
    unknown_mail = {"type": "m.id.thirdparty", "medium": "email", "address": "a@justice.example"}
    nobody.post("unknown address", "v3/login", body={**right, "identifier": unknown_mail})
    nobody.post("unknown login token", "v3/login", body={"type": "m.login.token", "token": "no"})
    nobody.post(
        "capitals",
        "v3/login",
        body={**right, "identifier": {"type": "m.id.user", "user": name.upper()}},
    )


@scenario
def tokens(s: Script) -> None:
    claire = s.person("claire")
    claire.get("who am I", "v3/account/whoami")
    nobody = s.anybody()
    nobody.get("who am I without a token", "v3/account/whoami")
    stranger = s.anybody()
    stranger.token = "not-a-token"
    stranger.get("who am I with a wrong token", "v3/account/whoami")
    nobody.get("token in the query", "v3/account/whoami", access_token=claire.token)
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
        "refresh_token": True,
        "device_id": "REFRESHING",
    }
    session = nobody.post("sign in with a refresh token", "v3/login", body=body)
    refreshed = nobody.post(
        "refresh", "v3/refresh", body={"refresh_token": session["refresh_token"]}
    )
    nobody.post("refresh with nonsense", "v3/refresh", body={"refresh_token": "nonsense"})
    nobody.post("refresh with nothing", "v3/refresh", body={})
    second = s.anybody()
    second.token = refreshed["access_token"]
    second.get("who am I after refreshing", "v3/account/whoami")
    nobody.post(
        "refresh with a used token", "v3/refresh", body={"refresh_token": session["refresh_token"]}
    )


@scenario
def sign_out(s: Script) -> None:
    claire = s.person("claire")
    second = s.sign_in(claire, "SECOND")
    third = s.sign_in(claire, "THIRD")
    second.post("sign out", "v3/logout")
    second.get("after signing out", "v3/account/whoami")
    second.post("sign out twice", "v3/logout")
    claire.get("the others stay", "v3/devices")
    claire.post("sign out everywhere", "v3/logout/all")
    third.get("everywhere is everywhere", "v3/account/whoami")
    claire.get("here too", "v3/account/whoami")


@scenario
def login_by_token(s: Script) -> None:
    claire = s.person("claire")
    asked = claire.post("ask for a token", "v1/login/get_token")
    password = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
        "session": asked["session"],
    }
    given = claire.post("with the password", "v1/login/get_token", body={"auth": password})
    body = {"type": "m.login.token", "token": given["login_token"], "device_id": "TOKEN"}
    s.anybody().post("sign in with it", "v3/login", body=body)
    s.anybody().post("sign in with it twice", "v3/login", body=body)


@scenario
def change_password(s: Script) -> None:
    claire = s.person("claire")
    other = s.sign_in(claire, "OTHER")
    asked = claire.post("flows", "v3/account/password", body={"new_password": "another one 123"})
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "session": asked["session"],
    }
    wrong = {"new_password": "another one 123", "auth": {**auth, "password": "wrong"}}
    claire.post("with a wrong password", "v3/account/password", body=wrong)
    right = {"new_password": "another one 123", "auth": {**auth, "password": PASSWORD}}
    claire.post("with the right password", "v3/account/password", body=right)
    claire.get("this device stays", "v3/account/whoami")
    other.get("the others are signed out", "v3/account/whoami")
    s.anybody().post("without a token", "v3/account/password", body={"new_password": "x" * 20})


@scenario
def deactivation(s: Script) -> None:
    claire = s.person("claire")
    samir = s.person("samir")
    room = claire.create_room("a room", preset="public_chat")
    samir.join("samir joins", room)
    asked = claire.post("flows", "v3/account/deactivate")
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
        "session": asked["session"],
    }
    claire.post("deactivate", "v3/account/deactivate", body={"auth": auth, "erase": False})
    claire.get("token is gone", "v3/account/whoami")
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
    }
    s.anybody().post("sign in", "v3/login", body=body)
    s.anybody().get("name stays taken", "v3/register/available", username=s.localpart("claire"))
    s.anybody().get("profile is gone", "v3/profile/{}", claire.id)
    request_path = "v3/rooms/{}/state/m.room.member/{}"
    samir.get("somebody deactivated, asked of a state", request_path, room, f"@x:{SERVER_NAME}")
