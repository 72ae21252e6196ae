// The whole way through: an administrator creates a person, that person starts sessions that really run, both watch them live.
import { readdirSync, readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { ADMIN, PASSWORD, expect, live, test, unique } from "./yard";

function processesWith(mark: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}

test("a new person's batch session is seen by both from the queue to its last line", async ({ yard }) => {
  const name = unique("ann");
  const session = unique("count");
  await yard.signIn();
  await yard.goto("/users");
  await yard.page.getByRole("button", { name: "Create user" }).click();
  const dialog = yard.page.getByRole("dialog", { name: "Create user" });
  await dialog.getByLabel("Email").fill(`${name}@example.org`);
  await dialog.getByLabel("Username").fill(name);
  await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dialog.getByLabel("Password again").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(yard.page.getByRole("dialog", { name: "Key pair for new users" })).toBeVisible();
  await yard.page.keyboard.press("Escape");
  await expect(yard.page.getByRole("row", { name: `${name}@example.org` })).toBeVisible();
  await yard.goto("/sessions");

  const theirs = await yard.window();
  await yard.byHand(`${name}@example.org`, PASSWORD, theirs);
  await expect(theirs.getByRole("link", { name: "Users" })).toHaveCount(0);
  await theirs.getByRole("link", { name: "Start session" }).click();
  const start = theirs.getByRole("main");
  await start.getByRole("radio", { name: /Batch/ }).check();
  await start.getByLabel("Name").fill(session);
  await start.getByLabel("Start-up command").fill("for i in 1 2 3; do echo step $i; sleep 1; done");
  await start.getByRole("button", { name: "Start", exact: true }).click();

  // The administrator's window, which nobody touches, is updated automatically.
  const row = yard.page.getByRole("row", { name: session });
  await expect(row).toContainText("Running");
  const drawer = theirs.getByRole("dialog", { name: new RegExp(session) });
  await expect(drawer.getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible({ timeout: 20_000 });
  await expect(row).toHaveCount(0);
  await expect(drawer.getByRole("listitem").filter({ hasText: "PENDING" })).toBeVisible();
  await expect(drawer.getByRole("listitem").filter({ hasText: "RUNNING" })).toBeVisible();
  await expect(drawer.getByRole("listitem").filter({ hasText: "TERMINATED" })).toContainText("Exit code 0");

  // The drawer is an address: the same in another window.
  const address = new URL(theirs.url());
  await yard.page.goto(`${yard.server.url}${address.pathname}${address.search}`);
  await live(yard.page);
  await expect(yard.page.getByRole("dialog")).toContainText("Exit code 0");
  await yard.page.getByRole("dialog").getByRole("link", { name: "Log", exact: true }).click();
  await expect(yard.page.getByRole("log")).toContainText("step 1\nstep 2\nstep 3");
});

test("a terminal runs a command, and terminating ends every process", async ({ yard }) => {
  const mark = unique("mark");
  const name = unique("shell");
  await yard.signIn();
  const id = await yard.session({ kind: "interactive", command: "", name });
  await yard.goto(`/sessions?session=${id}&panel=terminal`);
  const drawer = yard.page.getByRole("dialog");
  await expect(drawer.getByText("Connected.")).toBeVisible();
  const input = drawer.getByLabel("Terminal input");
  await input.focus();
  await yard.page.keyboard.type(`echo $((6*7))-${mark}`);
  await yard.page.keyboard.press("Enter");
  await expect(drawer.getByRole("log", { name: "Terminal" })).toContainText(`42-${mark}`);
  // A selection stays, so that it can be copied.
  await drawer.getByRole("log", { name: "Terminal" }).getByText(`42-${mark}`, { exact: true }).dblclick();
  expect(await yard.page.evaluate(() => String(getSelection()))).not.toBe("");
  await input.focus();
  await yard.page.keyboard.type(`(setsid sh -c 'exec -a ${mark} sleep 1000' &) ; bash -c 'exec -a ${mark} sleep 1000' &`);
  await yard.page.keyboard.press("Enter");
  await expect.poll(() => processesWith(mark).length).toBeGreaterThan(0);

  await drawer.getByRole("button", { name: "Terminate" }).click();
  const ask = yard.page.getByRole("dialog", { name: `Terminate session ${name}?` });
  await ask.getByRole("button", { name: "Terminate" }).click();
  await expect(drawer.getByRole("status").filter({ hasText: "Terminated" })).toBeVisible({ timeout: 20_000 });
  expect(processesWith(mark)).toEqual([]);
});

/** Tab, or Shift+Tab, as often as it takes. */
async function tabTo(page: Page, target: Locator, key = "Tab"): Promise<void> {
  for (let i = 0; i < 80 && !(await target.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press(key);
  await expect(target).toBeFocused();
}

test("creating a person and working in a terminal need no mouse", async ({ yard }) => {
  const { page } = yard;
  const name = unique("nomouse");
  await yard.byHand();
  await tabTo(page, page.getByRole("link", { name: "Users" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Create user" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Create user" });
  for (const [label, text] of [["Email", `${name}@example.org`], ["Username", name], ["Password", PASSWORD], ["Password again", PASSWORD]]) {
    await tabTo(page, dialog.getByLabel(label, { exact: true }));
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Key pair for new users" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("row", { name: `${name}@example.org` })).toBeVisible();

  const id = await yard.session({ kind: "interactive", command: "", name });
  await yard.goto("/sessions");
  await tabTo(page, page.getByRole("link", { name }));
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await expect(drawer.getByRole("status").filter({ hasText: "Running" })).toBeVisible();
  await tabTo(page, drawer.getByRole("link", { name: "Terminal", exact: true }));
  await page.keyboard.press("Enter");
  await expect(drawer.getByText("Connected.")).toBeVisible();
  await page.keyboard.type("echo $((40+2)) keys");
  await page.keyboard.press("Enter");
  await expect(drawer.getByRole("log", { name: "Terminal" })).toContainText("42 keys");
  // Tab goes to the shell; Shift+Tab leaves it.
  await page.keyboard.press("Shift+Tab");
  await expect(drawer.getByLabel("Terminal input")).not.toBeFocused();
  await tabTo(page, drawer.getByRole("button", { name: "Terminate" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  const ask = page.getByRole("dialog", { name: `Terminate session ${name}?` });
  await tabTo(page, ask.getByRole("button", { name: "Terminate" }));
  await page.keyboard.press("Enter");
  await expect(drawer.getByRole("status").filter({ hasText: "Terminated" })).toBeVisible({ timeout: 20_000 });
  expect(id).toBeTruthy();
});

test("the journey works with the keyboard alone", async ({ yard }) => {
  const { page } = yard;
  await page.goto(`${yard.server.url}/sign-in`);
  await expect(page.getByLabel("Email or username")).toBeFocused();
  await page.keyboard.type(ADMIN.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
  await live(page);

  const start = page.getByRole("link", { name: "Start session" });
  for (let i = 0; i < 40 && !(await start.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press("Tab");
  await expect(start).toBeFocused();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("main");
  await expect(page.getByRole("heading", { level: 1, name: "Start session" })).toBeVisible();
  await live(page);
  const name = unique("keys");
  const tabTo = async (label: string | RegExp, role: "textbox" | "radio" = "textbox") => {
    const target = dialog.getByRole(role, { name: label });
    for (let i = 0; i < 30 && !(await target.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press("Tab");
    await expect(target).toBeFocused();
  };
  await tabTo(/Interactive/, "radio");
  await page.keyboard.press("ArrowDown");
  await expect(dialog.getByRole("radio", { name: /Batch/ })).toBeChecked();
  await tabTo(/^Name/);
  await page.keyboard.type(name);
  await tabTo(/Start-up command/);
  await page.keyboard.type("echo by keyboard");
  await tabTo(/^default/, "radio");
  await tabTo(/CPU cores/);
  const go = dialog.getByRole("button", { name: "Start", exact: true });
  for (let i = 0; i < 40 && !(await go.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: new RegExp(name) });
  await expect(drawer).toBeVisible();
  await expect(drawer.getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
});
