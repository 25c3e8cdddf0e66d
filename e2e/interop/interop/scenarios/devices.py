"""Devices."""

from ..scenario import scenario
from ..script import PASSWORD, Script


@scenario
def devices(s: Script) -> None:
    claire = s.person("claire")
    s.sign_in(claire, "SECOND")
    claire.get("list", "v3/devices")
    claire.get("one", "v3/devices/{}", "SECOND")
    claire.get("unknown", "v3/devices/{}", "NOWHERE")
    claire.put("rename", "v3/devices/{}", "SECOND", body={"display_name": "Desk"})
    claire.get("renamed", "v3/devices/{}", "SECOND")
    claire.put("rename unknown", "v3/devices/{}", "NOWHERE", body={"display_name": "x"})
    claire.put("rename to nothing", "v3/devices/{}", "SECOND", body={})
    claire.put("long name", "v3/devices/{}", "SECOND", body={"display_name": "x" * 300})
    s.anybody().get("without a token", "v3/devices")
    samir = s.person("samir")
    samir.get("somebody else's", "v3/devices/{}", "SECOND")


@scenario
def device_deletion(s: Script) -> None:
    claire = s.person("claire")
    second = s.sign_in(claire, "SECOND")
    s.sign_in(claire, "THIRD")
    s.sign_in(claire, "FOURTH")
    asked = claire.delete("flows", "v3/devices/{}", "SECOND", body={})
    password = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": claire.id},
        "password": PASSWORD,
    }
    auth = {**password, "session": asked["session"]}
    claire.delete(
        "wrong password", "v3/devices/{}", "SECOND", body={"auth": {**auth, "password": "no"}}
    )
    claire.delete("delete", "v3/devices/{}", "SECOND", body={"auth": auth})
    second.get("its token is gone", "v3/account/whoami")
    claire.get("it is gone", "v3/devices/{}", "SECOND")
    several = ["THIRD", "FOURTH"]
    asked = claire.post("flows for several", "v3/delete_devices", body={"devices": several})
    auth = {**password, "session": asked["session"]}
    claire.post("delete several", "v3/delete_devices", body={"devices": several, "auth": auth})
    claire.get("one is left", "v3/devices")
    claire.post("delete without a list", "v3/delete_devices", body={"auth": password})
