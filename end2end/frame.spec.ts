// The frame around every page: lost lines, slow lines, early clicks, old addresses, notices, Back, and narrow windows.
import { expect, live, PASSWORD, Server, slots, test, unique, UNREACHED, Yard } from "./yard";
import type { Page } from "@playwright/test";

/** Holds back answers from addresses of this pattern until `release` is called. */
async function hold(page: Page, pattern: string) {
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route(pattern, async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

/** Whether the pages have code of their own, as in a release build; a debug build is one piece. */
async function inPieces(page: Page): Promise<boolean> {
  const codes = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name).filter((name) => name.endsWith(".wasm")));
  return new Set(codes).size > 1;
}

test("a page whose code cannot be fetched says so, and opens once the server answers", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/sessions");
  test.skip(!(await inPieces(page)), "for a release build");
  await yard.goto("/sessions");
  yard.expects(UNREACHED);
  for (const pattern of ["**/pkg/**", "**/healthz", "**/call/agents"]) await page.route(pattern, (route) => route.abort());
  await page.getByRole("link", { name: "Agents" }).click();
  await expect(page.getByText("This page could not be loaded")).toBeVisible();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("This page could not be loaded")).toBeVisible();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await live(page);
});

test("a page whose code is missing at its first load can be read, and says that it cannot be used", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users?f=email.equals.admin@example.org");
  test.skip(!(await inPieces(page)), "for a release build");
  // The page stops where it finds no code to go on with.
  yard.expects(/./s);
  await page.route("**/pkg/*.wasm", (route) => (/console/.test(route.request().url()) ? route.continue() : route.abort()));
  await page.reload();
  await expect(page.getByRole("row", { name: /admin@example.org/ })).toBeVisible();
  await expect(page.locator("#read-only")).toBeVisible();
});

test("a dialog whose code cannot be fetched says so, and opens at the next press", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users");
  test.skip(!(await inPieces(page)), "for a release build");
  yard.expects(UNREACHED);
  await page.route("**/pkg/split_parts*", (route) => route.abort());
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(page.locator(".toast")).toContainText("This could not be loaded");
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("dialog", { name: "Create user" }).getByLabel("Email")).toBeFocused();
});

test("a browser that goes offline says so at once, and no list keeps waiting", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users");
  yard.expects(UNREACHED);
  await page.context().setOffline(true);
  await expect(page.getByText("No connection to the server.")).toBeVisible();
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.locator(".table-scroll[aria-busy]")).toHaveCount(0);
  await page.context().setOffline(false);
  await expect(page.getByText("No connection to the server.")).toBeHidden();
});

test("a tall form shows its buttons and has the focus in its first field", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await page.setViewportSize({ width: 1440, height: 700 });
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create user" }).click();
  const dialog = page.getByRole("dialog", { name: "Create user" });
  await expect(dialog.getByLabel("Email")).toBeFocused();
  await expect(dialog.getByRole("button", { name: "Create", exact: true })).toBeInViewport();
  await expect(dialog.getByRole("heading", { name: "Create user" })).toBeInViewport();
});

test("Back and Escape ask before they drop what was typed, and Back closes a dialog and not the page", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/sessions");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Users" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();
  const dialog = page.getByRole("dialog", { name: "Create user" });
  await page.getByRole("button", { name: "Create user" }).click();
  await dialog.getByLabel("Email").fill("half@");
  for (const leave of [() => page.goBack(), () => page.keyboard.press("Escape")]) {
    await leave();
    await expect(dialog.getByText("Close without saving?")).toBeVisible();
    await dialog.getByRole("button", { name: "Keep editing" }).click();
    await expect(dialog.getByLabel("Email")).toHaveValue("half@");
  }
  await page.goBack();
  await dialog.getByRole("button", { name: "Discard" }).click();
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL(/\/users/);
  // Nothing typed: Back closes it at once, and once more leaves the page.
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(dialog).toBeVisible();
  await page.goBack();
  await expect(dialog).toBeHidden();
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
});

test("a refused sign-in is said on the page that was refused, and on no other", async ({ yard }) => {
  const { page } = yard;
  await page.goto(`${yard.server.url}/sign-in`);
  await page.getByLabel("Email or username").fill(unique("nobody"));
  await page.getByLabel("Password").fill("Wrong-Horse-1");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.goto(`${yard.server.url}/forgotten-password`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("notices are still there after a reload", async ({ yard }) => {
  const { page } = yard;
  const [who, name] = [unique("told"), unique("ended")];
  await yard.signIn();
  await yard.person(who);
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  const id = await yard.session({ name, command: "sleep 300" }, theirs);
  await yard.goto("/sessions", theirs);
  await yard.call("terminate_sessions", { ids: [id], force: true });
  const bell = theirs.getByRole("button", { name: /^Notifications, \d+ new/ });
  await expect(bell).toBeVisible();
  await theirs.reload();
  await live(theirs);
  await bell.click();
  await expect(theirs.getByRole("region", { name: "Notifications" })).toContainText(name);
  // What was read stays read.
  await theirs.reload();
  await live(theirs);
  await expect(theirs.getByRole("button", { name: "Notifications", exact: true })).toBeVisible();
  await expect(bell).toHaveCount(0);
  expect(page).toBeTruthy();
});

test("addresses that people know from elsewhere lead to the same pages here", async ({ yard }) => {
  await yard.signIn();
  const moved = { "/session": "/sessions", "/credential": "/credentials", "/agent": "/agents", "/project": "/projects", "/job": "/sessions", "/resource-policy?tab=user": "/resource-policy/user" };
  for (const [old, now] of Object.entries(moved)) {
    const answer = await yard.page.request.get(yard.server.url + old);
    expect(answer.status(), old).toBe(200);
    expect(new URL(answer.url()).pathname, old).toBe(now);
  }
});

test("without scripts a page says what it cannot do", async ({ yard }) => {
  await yard.signIn();
  const page = await yard.window({ javaScriptEnabled: false, storageState: await yard.page.context().storageState() });
  await page.goto(`${yard.server.url}/users?f=email.equals.admin@example.org`);
  await expect(page.locator(".banner.without-scripts")).toBeVisible();
  await expect(page.getByRole("row", { name: /admin@example.org/ })).toBeVisible();
});

test("a click before the scripts arrive is not lost", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const release = await hold(page, "**/pkg/*.wasm");
  await page.goto(`${yard.server.url}/users`);
  await page.getByRole("button", { name: "Create user" }).click();
  release();
  await live(page);
  await expect(page.getByRole("dialog", { name: "Create user" })).toBeVisible();
});

test("on a slow line a change of page shows that it is on its way, and the old page takes no more input", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users");
  const release = await hold(page, "**/call/agents");
  await page.getByRole("link", { name: "Agents" }).click();
  await expect(page.getByRole("progressbar", { name: "Loading" })).toBeVisible();
  await expect(page.locator("main")).toHaveAttribute("inert", "");
  release();
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(page.getByRole("progressbar", { name: "Loading" })).toHaveCount(0);
  await expect(page.locator("main")).not.toHaveAttribute("inert", "");
});

test("rows do not move when utilization arrives", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("steady");
  const id = await yard.session({ name, command: "sleep 300" });
  await expect.poll(async () => (await yard.call<{ row: { status: string } }>("session", { id })).row.status).toBe("RUNNING");
  const release = await hold(page, "**/call/session_utilization");
  await yard.goto(`/sessions?f=name.contains.${name}`);
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row.getByRole("meter", { name: `CPU use of ${name}` })).toBeVisible();
  const before = (await row.boundingBox())!;
  release();
  await expect(row.locator(".use").first()).toContainText("%");
  expect(await row.boundingBox()).toEqual(before);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("a start time in a reason is in the reader's time zone", async ({ yard }) => {
  await yard.signIn();
  const midnight = Math.floor(Date.now() / 86_400_000 + 100) * 86_400_000;
  const [name, day] = [unique("later"), new Date(midnight).toISOString().slice(0, 10)];
  const id = await yard.session({ name, command: "true", starts_at: midnight + 30 * 60_000 });
  const state = await yard.page.context().storageState();
  const seoul = await yard.window({ timezoneId: "Asia/Seoul", storageState: state });
  await yard.goto(`/sessions?f=name.contains.${name}`, seoul);
  await expect(seoul.getByRole("row", { name: new RegExp(name) })).toContainText(`${day} 09:30`);
  await yard.call("terminate_sessions", { ids: [id], force: false });
});

test("a session that can never start says so and has no place in the queue", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("giant");
  const id = await yard.session({ name, command: "true", slots: slots("100", 256) });
  await yard.goto(`/sessions?f=name.contains.${name}&session=${id}`);
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await expect(drawer.getByRole("status").filter({ hasText: "Cannot start" })).toBeVisible();
  await expect(drawer.getByText(/Place \d+ in the queue/)).toHaveCount(0);
  await drawer.getByRole("link", { name: "Close" }).click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("Cannot start");
  await expect(row.locator(".queue-place")).toHaveCount(0);
  await yard.call("terminate_sessions", { ids: [id], force: false });
});

test("the scheduler opens on the queue in which most sessions wait", async ({ browser, page }) => {
  const server = await Server.start();
  const yard = new Yard(server, browser, page);
  try {
    await yard.signIn();
    const group = {
      name: "attic", description: "", active: true, public: true, scheduler: "fifo", placement: "dispersed",
      session_types: ["interactive", "batch"], pending_timeout: null, retries_to_skip: null, app_proxy: "",
      domains: [(await yard.defaultDomain()).id], projects: [],
    };
    await yard.call("save_resource_group", { save: { group, revision: null } });
    for (const n of [1, 2, 3, 4, 5]) await yard.session({ name: `wait-${n}`, resource_group: "attic", command: "true" });
    await yard.goto("/scheduler");
    await expect(page.getByLabel("Resource group", { exact: true })).toHaveValue("attic");
    await expect(page.getByRole("link", { name: "Scheduler" })).toContainText("5");
    // Neighbours that ask for the same and wait for the same are one line until it is opened.
    await expect(page.getByRole("link", { name: /^wait-/ })).toHaveCount(1);
    await page.getByRole("button", { name: "+ 4 alike" }).click();
    await expect(page.getByRole("link", { name: /^wait-/ })).toHaveCount(5);
    await yard.end();
  } finally {
    await server.end();
  }
});

test("a drawer's address is the list's address with one parameter more", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const prefix = unique("kept");
  for (let n = 0; n < 12; n++) await yard.person(`${prefix}-${String(n).padStart(2, "0")}`);
  const list = `/users?f=username.contains.${prefix}&per=10&page=2&sort=email`;
  await yard.goto(list);
  await page.getByRole("link", { name: `${prefix}-11@example.org` }).click();
  const drawer = page.getByRole("dialog");
  await expect(drawer).toContainText(`${prefix}-11`);
  const parameters = (address: string) => [...new URL(address).searchParams].filter(([name]) => name !== "user").map(([name, value]) => `${name}=${value}`).sort();
  const open = page.url();
  expect(new URL(open).searchParams.get("user")).toBeTruthy();
  await drawer.getByRole("link", { name: "Close" }).click();
  await expect(drawer).toBeHidden();
  expect(parameters(page.url())).toEqual(parameters(open));
  await expect(page.locator(".pager-text")).toHaveText("11–12 of 12 users");
});

test("a list of passwords that is shown once is not closed by a slip", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create many" }).click();
  const dialog = page.getByRole("dialog", { name: "Create many users" });
  await dialog.getByLabel("Before the number").fill(`${unique("once")}-`);
  await dialog.getByLabel("How many").fill("2");
  await dialog.getByLabel("Email, after the @").fill("example.org");
  await dialog.getByRole("button", { name: "Preview" }).click();
  await dialog.getByRole("button", { name: "Create 2 users" }).click();
  const once = page.getByRole("dialog", { name: "New users" });
  await expect(once.getByRole("row")).toHaveCount(3);
  await page.keyboard.press("Escape");
  await expect(once.getByRole("group")).toBeVisible();
  await expect(once.getByRole("row")).toHaveCount(3);
});
