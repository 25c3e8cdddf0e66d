import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

/** The window that screens are looked at in, unless they are looked at on a phone. */
const DESKTOP = { width: 1280, height: 800 };
/** The narrowest phone that Pli is made for. */
const PHONE = { width: 360, height: 740 };

/**
 * Has axe-core look at what is on the screen: everything in the light theme and on a narrow phone, the contrast of
 * texts also in the dark theme and where the person asks for more contrast. On the phone nothing may stick out sideways.
 * Goes on after a finding, so that one run tells of all of them.
 */
export async function expectAccessible(page: Page, screen: string): Promise<void> {
  await test.step(`${screen} is accessible`, async () => {
    await page.emulateMedia({ colorScheme: "light", contrast: "no-preference" });
    expect.soft(await violations(page), `${screen}, light`).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect.soft(await violations(page, "color-contrast"), `${screen}, dark`).toEqual([]);
    await page.emulateMedia({ colorScheme: "light", contrast: "more" });
    expect.soft(await violations(page, "color-contrast"), `${screen}, high contrast`).toEqual([]);
    await page.emulateMedia({ contrast: "no-preference" });
    await page.setViewportSize(PHONE);
    expect.soft(await violations(page), `${screen}, 360 px`).toEqual([]);
    expect
      .soft(await page.evaluate(() => document.documentElement.scrollWidth), `${screen} fits 360 px`)
      .toBe(PHONE.width);
    await page.setViewportSize(DESKTOP);
  });
}

/** How often axe looks again: a real violation is there each time. */
const LOOKS = 3;

/**
 * One line for each thing that breaks a rule: the rule, the element, what is wrong with it.
 *
 * On a busy machine what lies behind a dialog can still have the colours of the theme before when the dialog has its
 * new ones, so a finding has to be there at several looks.
 */
async function violations(page: Page, rule?: string): Promise<string[]> {
  let found: string[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    await settled(page);
    found = await analysis(page, rule);
    if (found.length === 0) break;
  }
  return found;
}

async function analysis(page: Page, rule?: string): Promise<string[]> {
  // Run in this page alone: the library's own way opens another, which would take the focus from open menus.
  // The focus guards around an open menu pass the focus on at once: nobody ever rests on them. axe cannot see that; a
  // test of the message menu does.
  const axe = new AxeBuilder({ page }).setLegacyMode(true).exclude("[data-base-ui-focus-guard]");
  if (rule !== undefined) axe.withRules(rule);
  const found = await axe.analyze();
  if (found.passes.length + found.violations.length === 0) throw new Error("axe looked at nothing");
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary?.replace(/\s+/g, " ")}`,
    ),
  );
}

/** Waits until a change of theme or size is painted and nothing moves or fades any more. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const painted = () =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await painted();
    const passing = document.getAnimations().filter((animation) => {
      const timing = animation.effect?.getComputedTiming();
      return Number.isFinite(timing?.endTime);
    });
    await Promise.allSettled(passing.map((animation) => animation.finished));
    await painted();
  });
}
