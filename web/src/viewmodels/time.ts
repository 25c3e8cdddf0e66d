import type { Language } from "../i18n";

const DAY_MS = 86_400_000;

const formatters = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, options: Intl.DateTimeFormatOptions, timestamp: number): string {
  const locale = language === "fr" ? "fr-FR" : "en-GB";
  const name = `${locale}${JSON.stringify(options)}`;
  let formatter = formatters.get(name);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(locale, options);
    formatters.set(name, formatter);
  }
  return formatter.format(timestamp);
}

/**
 * The calendar day of `timestamp` (milliseconds) in the person's time zone, as a whole number that grows by one a day.
 * Counted on the calendar, so a day of 23 or 25 hours is still one day.
 */
export function dayNumber(timestamp: number): number {
  const date = new Date(timestamp);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
}

/** Milliseconds from `now` until the next local midnight. */
export function untilMidnight(now: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime() - now;
}

function relativeDay(days: 0 | -1, language: Language): string {
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
}

function capitalised(text: string, language: Language): string {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}

/**
 * When the last message came, as short as the list needs it: `09:42`, `hier`, `lun.`, `3 févr.`, `03/02/2025`.
 * A time in the future (clocks differ) reads as a time of day.
 */
export function listTime(timestamp: number, now: number, language: Language): string {
  const age = dayNumber(now) - dayNumber(timestamp);
  if (age <= 0) return format(language, { hour: "2-digit", minute: "2-digit" }, timestamp);
  if (age === 1) return relativeDay(-1, language);
  if (age < 7) return format(language, { weekday: "short" }, timestamp);
  if (new Date(timestamp).getFullYear() === new Date(now).getFullYear()) {
    return format(language, { day: "numeric", month: "short" }, timestamp);
  }
  return format(language, { day: "2-digit", month: "2-digit", year: "numeric" }, timestamp);
}

/** The day above its messages: `Aujourd’hui`, `Hier`, `Lundi 16 novembre`, `Lundi 3 février 2025`. */
export function dayLabel(timestamp: number, now: number, language: Language): string {
  const age = dayNumber(now) - dayNumber(timestamp);
  if (age <= 0) return capitalised(relativeDay(0, language), language);
  if (age === 1) return capitalised(relativeDay(-1, language), language);
  const sameYear = new Date(timestamp).getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };
  return capitalised(format(language, sameYear ? options : { ...options, year: "numeric" }, timestamp), language);
}
