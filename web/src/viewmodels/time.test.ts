import { describe, expect, it } from "vitest";
import { dayLabel, dayNumber, listTime, untilMidnight } from "./time";

/** A local time, so that the tests hold in every time zone. */
const at = (day: number, hour = 9, minute = 42, month = 10, year = 2026) => new Date(year, month, day, hour, minute).getTime();
const now = at(18); // a Wednesday

describe("the time in the list", () => {
  it("says the hour today, so that a person sees what is fresh", () => {
    expect(listTime(at(18, 8, 5), now, "fr")).toBe("08:05");
    expect(listTime(at(18, 0, 0), now, "fr")).toBe("00:00");
  });

  it("counts days by the calendar and not by 24 hours", () => {
    expect(listTime(at(17, 23, 59), at(18, 0, 1), "fr")).toBe("hier");
    expect(listTime(at(17, 0, 1), at(18, 23, 59), "en")).toBe("yesterday");
  });

  it("names the weekday within the week and never one that could be today's", () => {
    expect(listTime(at(16), now, "fr")).toBe("lun.");
    expect(listTime(at(12), now, "fr")).toBe("jeu.");
    expect(listTime(at(11), now, "fr")).toBe("11 nov.");
  });

  it("gives the year when it is another", () => {
    expect(listTime(at(3, 9, 0, 1, 2025), now, "fr")).toBe("03/02/2025");
  });

  it("does not speak of tomorrow when the server's clock is ahead", () => {
    expect(listTime(at(19, 0, 3), at(18, 23, 59), "fr")).toBe("00:03");
  });
});

describe("the day above the messages", () => {
  it("is said as a person would", () => {
    expect(dayLabel(at(18, 0, 0), now, "fr")).toBe("Aujourd’hui");
    expect(dayLabel(at(17), now, "fr")).toBe("Hier");
    expect(dayLabel(at(16), now, "fr")).toBe("Lundi 16 novembre");
    expect(dayLabel(at(3, 9, 0, 1, 2025), now, "fr")).toBe("Lundi 3 février 2025");
    expect(dayLabel(at(18), now, "en")).toBe("Today");
  });
});

describe("days", () => {
  it("follow each other by one across a change of clocks", () => {
    expect(dayNumber(at(30, 12, 0, 2)) - dayNumber(at(29, 12, 0, 2))).toBe(1);
    expect(dayNumber(at(26, 12, 0, 9)) - dayNumber(at(25, 12, 0, 9))).toBe(1);
  });

  it("end at midnight", () => {
    expect(untilMidnight(at(18, 23, 59))).toBe(60_000);
  });
});
