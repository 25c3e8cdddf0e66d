"""Push rules."""

from ..scenario import scenario
from ..script import Script


@scenario
def push_rules(s: Script) -> None:
    claire = s.person("claire")
    claire.get("all", "v3/pushrules/")
    claire.get("global", "v3/pushrules/global/")
    rule = "v3/pushrules/global/{}/{}"
    claire.get("one", rule, "override", ".m.rule.master")
    claire.get("enabled", rule + "/enabled", "override", ".m.rule.master")
    claire.get("actions", rule + "/actions", "override", ".m.rule.master")
    claire.get("unknown", rule, "override", ".m.rule.unknown")
    claire.get("unknown kind", rule, "sideways", ".m.rule.master")
    claire.get("unknown scope", "v3/pushrules/device/override/.m.rule.master")
    room = claire.create_room("a room")
    quiet = {"actions": ["dont_notify"]}
    claire.put("mute a room", rule, "room", room, body=quiet)
    claire.get("mute read", rule, "room", room)
    word = {"pattern": "tea*", "actions": ["notify", {"set_tweak": "highlight"}]}
    claire.put("a word", rule, "content", "tea", body=word)
    claire.get("a word read", rule, "content", "tea")
    event_match = {"kind": "event_match", "key": "content.body", "pattern": "coffee"}
    own = {"actions": ["notify"], "conditions": [event_match]}
    claire.put("own override", rule, "override", "coffee", body=own)
    claire.put("own underride", rule, "underride", "coffee", body=own)
    claire.put("disable", rule + "/enabled", "override", "coffee", body={"enabled": False})
    claire.put("actions changed", rule + "/actions", "override", "coffee", body={"actions": []})
    claire.get("changed", rule, "override", "coffee")
    claire.put("master on", rule + "/enabled", "override", ".m.rule.master", body={"enabled": True})
    claire.put("change a default", rule, "override", ".m.rule.master", body=own)
    loud = {"actions": ["notify", {"set_tweak": "sound", "value": "ring"}]}
    claire.put("default's actions", rule + "/actions", "underride", ".m.rule.message", body=loud)
    claire.put("no actions", rule, "override", "x", body={"conditions": []})
    claire.put("odd action", rule, "override", "x", body={"actions": [5], "conditions": []})
    claire.put("word without pattern", rule, "content", "x", body={"actions": []})
    claire.put("name with a slash", rule, "override", "a/b", body=own)
    claire.put("name with a dot", rule, "override", ".mine", body=own)
    claire.put("odd kind", rule, "sideways", "x", body=own)
    claire.put("room rule for no room", rule, "room", "kitchen", body=quiet)
    claire.put("disable unknown", rule + "/enabled", "override", "no", body={"enabled": False})
    claire.put("enabled is a word", rule + "/enabled", "override", "coffee", body={"enabled": "x"})
    claire.put("actions of unknown", rule + "/actions", "override", "no", body={"actions": []})
    claire.delete("delete", rule, "override", "coffee")
    claire.delete("delete again", rule, "override", "coffee")
    claire.delete("delete a default", rule, "override", ".m.rule.master")
    claire.get("all at last", "v3/pushrules/")
    s.anybody().get("without a token", "v3/pushrules/")


@scenario
def push_rules_in_order(s: Script) -> None:
    claire = s.person("claire")
    path = "v3/pushrules/global/override/{}"
    own = {"actions": ["notify"], "conditions": []}
    for name in ("a", "b", "c"):
        claire.put(f"add {name}", path, name, body=own)
    claire.put("d before b", path + "?before=b", "d", body=own)
    claire.put("e after b", path + "?after=b", "e", body=own)
    claire.put("f after nothing", path + "?after=nothing", "f", body=own)
    rules = claire.get("all", "v3/pushrules/").objects("global", "override")
    s.note("order", [rule.get("rule_id") for rule in rules])
    since = claire.sync("first")["next_batch"]
    claire.put("add g", path, "g", body=own)
    claire.sync("it comes by sync", since=since)
