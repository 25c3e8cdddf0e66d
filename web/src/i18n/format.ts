import { currentLanguage } from ".";

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const language = currentLanguage();
  const name = `${language}${JSON.stringify(options)}`;
  const known = cache.get(name);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language === "fr" ? "fr-FR" : "en-GB", options);
  cache.set(name, made);
  return made;
}

/** The time of day, `09:42`. `timestamp` is in milliseconds since the epoch. */
export function formatTime(timestamp: number): string {
  return formatter({ hour: "2-digit", minute: "2-digit" }).format(timestamp);
}

/** A day in full, `mardi 3 février 2026`. */
export function formatDay(timestamp: number): string {
  return formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(timestamp);
}

/** A day and a time in short, `3 févr. 2026, 09:42`. */
export function formatDateTime(timestamp: number): string {
  return formatter({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(timestamp);
}

/** A length of time in seconds as a clock shows it, `0:24`. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A size in bytes as a person reads it, `412 Ko` or `412 KB`. */
export function formatSize(bytes: number): string {
  const french = currentLanguage() === "fr";
  const units = french ? ["octets", "Ko", "Mo", "Go"] : ["bytes", "KB", "MB", "GB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && size < 10 ? 1 : 0;
  const number = new Intl.NumberFormat(french ? "fr-FR" : "en-GB", { maximumFractionDigits: digits }).format(size);
  return `${number}\u00a0${units[unit]}`;
}
