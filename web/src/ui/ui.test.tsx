import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { type ReactNode, useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { setLanguage } from "../i18n";
import { Button, CodeField, Dialog, Menu, PasswordField, TextField } from ".";

setLanguage("en");
afterEach(cleanup);

function Code({ onComplete, error }: { onComplete?: (code: string) => void; error?: string }): ReactNode {
  const [code, setCode] = useState("");
  return <CodeField label="Code" value={code} onChange={setCode} onComplete={onComplete ?? (() => {})} error={error} />;
}

describe("the code field", () => {
  it("moves on with each digit, so that a code is typed in one go", async () => {
    const complete: string[] = [];
    render(<Code onComplete={(code) => complete.push(code)} />);
    await userEvent.click(screen.getByRole("textbox", { name: "Code" }));
    await userEvent.keyboard("4719x02");
    expect(complete).toEqual(["471902"]);
    await userEvent.keyboard("{Backspace}{Backspace}");
    expect(screen.getAllByRole("textbox").map((cell) => (cell as HTMLInputElement).value)).toEqual(["4", "7", "1", "9", "", ""]);
  });

  it("takes a pasted code with the spaces of the mail", async () => {
    const complete: string[] = [];
    render(<Code onComplete={(code) => complete.push(code)} />);
    await userEvent.click(screen.getByRole("textbox", { name: "Code" }));
    await userEvent.paste("471 902");
    expect(complete).toEqual(["471902"]);
  });

  it("starts over at the first digit after a wrong code", async () => {
    render(<Code error="Not that one" />);
    expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Code" }));
    expect(screen.getByText("Not that one")).toBeTruthy();
  });
});

function Window({ dismissible }: { dismissible: boolean }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Open</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title="A window" dismissible={dismissible}>
        <input aria-label="Inside" />
      </Dialog>
    </>
  );
}

function Opened(): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Menu trigger={<button type="button">More</button>} actions={[{ label: "Rename", onSelect: () => setOpen(true) }]} />
      <Dialog open={open} onClose={() => setOpen(false)} title="A window" />
    </>
  );
}

describe("a dialog", () => {
  it("takes the focus, and gives it back where it was on Escape", async () => {
    render(<Window dismissible />);
    const opener = screen.getByText("Open").closest("button");
    await userEvent.click(screen.getByText("Open"));
    const dialog = await screen.findByRole("dialog", { name: "A window" });
    await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(opener));
  });

  it("opened from a menu, gives the focus back to the menu's button", async () => {
    render(<Opened />);
    await userEvent.click(screen.getByText("More"));
    await userEvent.click(await screen.findByText("Rename"));
    await screen.findByRole("dialog", { name: "A window" });
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(screen.getByText("More")));
  });

  it("stays while an answer is needed", async () => {
    render(<Window dismissible={false} />);
    await userEvent.click(screen.getByText("Open"));
    await screen.findByRole("dialog");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByRole("dialog")).not.toBeNull();
    expect(screen.queryByLabelText("Close")).toBeNull();
  });
});

describe("a field", () => {
  it("ties its error to the input, so that a screen reader says it there", () => {
    render(<TextField label="Address" error="Not complete" help="Your work address" />);
    const input = screen.getByLabelText("Address");
    expect(input.getAttribute("aria-invalid")).toBe("true");
    const described = (input.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent);
    expect(described).toEqual(["Your work address", "Not complete"]);
  });

  it("shows a password only when asked", async () => {
    render(<PasswordField label="Password" />);
    const input = screen.getByLabelText("Password");
    expect(input.getAttribute("type")).toBe("password");
    await userEvent.click(screen.getByLabelText("Show password"));
    expect(input.getAttribute("type")).toBe("text");
  });
});

describe("a busy button", () => {
  it("keeps its focus and takes no second press", async () => {
    let presses = 0;
    const { rerender } = render(<Button onClick={() => (presses += 1)}>Send</Button>);
    const button = screen.getByRole("button", { name: "Send" });
    await userEvent.click(button);
    rerender(
      <Button busy onClick={() => (presses += 1)}>
        Send
      </Button>,
    );
    await userEvent.click(button);
    expect(presses).toBe(1);
    expect(document.activeElement).toBe(button);
  });
});
