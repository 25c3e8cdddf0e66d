/** A browser without scripts, for the server's own pages: keeps cookies, follows redirects, sends forms. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  constructor(private readonly origin: string) {}

  async open(url: string): Promise<Page> {
    return this.#follow(new URL(url), {});
  }

  /** Sends a page's first form with what it hides and what is typed into it. */
  async submit(page: Page, typed: Readonly<Record<string, string>>): Promise<Page> {
    const body = new URLSearchParams({ ...page.hidden, ...typed });
    return this.#follow(page.url, { method: "POST", body });
  }

  async #follow(start: URL, first: RequestInit): Promise<Page> {
    let url = start;
    let request = first;
    // The address of an app is nowhere on the network: the code for it is in the address.
    while (url.origin === this.origin) {
      const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
      const answer = await fetch(url, { ...request, redirect: "manual", headers: { cookie } });
      for (const set of answer.headers.getSetCookie()) {
        const [name = "", value = ""] = (set.split(";")[0] ?? "").split("=");
        this.#cookies.set(name, value);
      }
      const location = answer.headers.get("location");
      if (location === null) return new Page(url, await answer.text());
      url = new URL(location, url);
      request = {};
    }
    return new Page(url, "");
  }
}

/** What a browser shows. */
export class Page {
  constructor(
    readonly url: URL,
    readonly html: string,
  ) {}

  /** The hidden fields of the first form. */
  get hidden(): Record<string, string> {
    const form = this.html.split("</form>")[0] ?? "";
    const inputs = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries(
      [...inputs].map(([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")]),
    );
  }
}
