import { currentLanguage, t } from "../i18n";
import type { MembershipChange, Person, RoomPreview, RoomSummary, TimelineItem, UserId } from "../matrix/types";
import { firstName, shortName } from "./names";

/** More names than this in one sentence are counted instead. */
const MOST_NAMES = 3;

/** Several people as a person would list them: "Claire, Samir et Awa", "Claire, Samir et 28 autres personnes". */
export function joinNames(names: readonly string[]): string {
  const named = names.length > MOST_NAMES ? names.slice(0, MOST_NAMES - 1) : names;
  const others = names.length - named.length;
  const parts = others > 0 ? [...named, t("timeline:names.more", { count: others })] : named;
  return new Intl.ListFormat(currentLanguage(), { type: "conjunction" }).format(parts);
}

interface Deed {
  readonly change: MembershipChange;
  readonly actor: string;
  readonly mine: boolean;
  readonly targets: readonly Person[];
}

function deedText({ change, actor, mine, targets }: Deed, me: UserId): string {
  const names = joinNames(targets.map((person) => shortName(person.displayName)));
  const aboutMe = targets.length === 1 && targets[0]?.userId === me;
  switch (change) {
    case "joined":
    case "left":
    case "invite-declined":
    case "renamed":
    case "avatar-changed":
      return aboutMe ? t(`timeline:notice.${change}.me`) : t(`timeline:notice.${change}`, { names, count: targets.length });
    default:
      if (mine) return t(`timeline:notice.${change}.byMe`, { names });
      return aboutMe ? t(`timeline:notice.${change}.me`, { actor }) : t(`timeline:notice.${change}`, { actor, names });
  }
}

function membershipText(items: readonly TimelineItem[], me: UserId): string {
  const [item] = items;
  if (item?.body.kind !== "membership") return "";
  const { change, reason } = item.body;
  const targets = new Map<UserId, Person>();
  for (const { body } of items) if (body.kind === "membership") targets.set(body.target.userId, body.target);
  const text = deedText(
    { change, actor: shortName(item.sender.displayName), mine: item.mine, targets: [...targets.values()] },
    me,
  );
  return reason ? t("timeline:notice.reason", { text, reason }) : text;
}

/** The sentence of a notice: what happened to the conversation or its people. */
export function noticeText(items: readonly TimelineItem[], me: UserId): string {
  const [item] = items;
  if (!item) return "";
  const { body, mine } = item;
  const actor = shortName(item.sender.displayName);
  switch (body.kind) {
    case "membership":
      return membershipText(items, me);
    case "created":
      return mine ? t("timeline:notice.created.me") : t("timeline:notice.created", { actor });
    case "encryption-on":
      return t("timeline:notice.encryption-on");
    case "renamed":
      return mine
        ? t("timeline:notice.roomRenamed.me", { name: body.name })
        : t("timeline:notice.roomRenamed", { actor, name: body.name });
    case "topic":
      return mine
        ? t("timeline:notice.topic.me", { topic: body.topic })
        : t("timeline:notice.topic", { actor, topic: body.topic });
    case "avatar":
      return mine ? t("timeline:notice.avatar.me") : t("timeline:notice.avatar", { actor });
    default:
      return "";
  }
}

/** A message in a few words, for a screen reader that hears it arrive. */
export function messageSummary({ body }: TimelineItem): string {
  switch (body.kind) {
    case "text":
      return body.text;
    case "image":
    case "video":
    case "audio":
      return body.caption ?? t(`room-list:preview.${body.kind}`);
    case "file":
      return body.caption ?? t("room-list:preview.file", { name: body.name });
    case "redacted":
      return t("timeline:redacted.other");
    case "unreadable":
      return t(`timeline:unreadable.${body.reason}`);
    case "untrusted":
      return t("timeline:untrusted.title");
    default:
      return t("timeline:unsupported");
  }
}

function previewContent({ content, sender, mine }: RoomPreview, me: UserId): string {
  switch (content.kind) {
    case "text":
      return content.text.replace(/\s+/g, " ").trim();
    case "image":
    case "video":
    case "audio":
      return t(`room-list:preview.${content.kind}`);
    case "file":
      return t("room-list:preview.file", { name: content.name });
    case "redacted":
      return t("room-list:preview.redacted");
    case "unreadable":
      return t("room-list:preview.unreadable");
    case "created":
      return mine ? t("timeline:notice.created.me") : t("timeline:notice.created", { actor: shortName(sender.displayName) });
    case "membership":
      return deedText({ change: content.change, actor: shortName(sender.displayName), mine, targets: [content.target] }, me);
  }
}

/** The line under a conversation's name: who types, or the last thing said. */
export function previewText(room: RoomSummary, me: UserId): string {
  if (room.typing.length > 0) return room.partner ? t("room-list:typing.direct") : typingText(room.typing.map(firstName));
  const { preview } = room;
  if (!preview) return t("room-list:preview.none");
  const text = previewContent(preview, me);
  if (preview.content.kind === "created" || preview.content.kind === "membership") return text;
  if (preview.mine) return t("room-list:preview.mine", { text });
  return room.partner ? text : t("room-list:preview.from", { name: firstName(preview.sender.displayName), text });
}

/** Who is typing: "Samir écrit…". Empty for nobody. */
export function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return t("timeline:typing.one", { name: first });
  return names.length === 2 ? t("timeline:typing.two", { first, second }) : t("timeline:typing.many");
}
