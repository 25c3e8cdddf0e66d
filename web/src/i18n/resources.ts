import enAuth from "./en/auth.json";
import enCommon from "./en/common.json";
import enComposer from "./en/composer.json";
import enErrors from "./en/errors.json";
import enFirstRun from "./en/first-run.json";
import enNotifications from "./en/notifications.json";
import enPeople from "./en/people.json";
import enRoomList from "./en/room-list.json";
import enSettings from "./en/settings.json";
import enShell from "./en/shell.json";
import enTimeline from "./en/timeline.json";
import enVerification from "./en/verification.json";
import frAuth from "./fr/auth.json";
import frCommon from "./fr/common.json";
import frComposer from "./fr/composer.json";
import frErrors from "./fr/errors.json";
import frFirstRun from "./fr/first-run.json";
import frNotifications from "./fr/notifications.json";
import frPeople from "./fr/people.json";
import frRoomList from "./fr/room-list.json";
import frSettings from "./fr/settings.json";
import frShell from "./fr/shell.json";
import frTimeline from "./fr/timeline.json";
import frVerification from "./fr/verification.json";

/** English texts: one flat JSON file (`"key": "text"`) per feature. Their keys are the type of every `t()` call. */
export const en = {
  auth: enAuth,
  common: enCommon,
  composer: enComposer,
  errors: enErrors,
  "first-run": enFirstRun,
  notifications: enNotifications,
  people: enPeople,
  "room-list": enRoomList,
  settings: enSettings,
  shell: enShell,
  timeline: enTimeline,
  verification: enVerification,
};

/** French texts: the same files and keys as {@link en}; `resources.test.ts` fails when one misses a key or a placeholder. */
export const fr = {
  auth: frAuth,
  common: frCommon,
  composer: frComposer,
  errors: frErrors,
  "first-run": frFirstRun,
  notifications: frNotifications,
  people: frPeople,
  "room-list": frRoomList,
  settings: frSettings,
  shell: frShell,
  timeline: frTimeline,
  verification: frVerification,
};

type WithoutPlural<Key> = Key extends `${infer Base}_${"zero" | "one" | "many" | "other"}` ? Base : Key;

/** Every text's name, `namespace:key`, for example `common:action.cancel`. Plural endings (`_one`, `_other`) are left off: pass `count`. */
export type TextKey = {
  [Namespace in keyof typeof en]: `${Namespace}:${WithoutPlural<keyof (typeof en)[Namespace] & string>}`;
}[keyof typeof en];
