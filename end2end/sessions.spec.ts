// Messages about the queue, limits and ends of sessions to the people they concern.
import { copyFileSync, readFileSync } from "node:fs";
import { expect, PASSWORD, slots, test, unique } from "./yard";

test("a session that is larger than every agent waits and names the missing amount", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ slots: slots("64", 256), name: unique("huge") });
  await yard.goto(`/sessions?session=${id}`);
  const drawer = yard.page.getByRole("dialog");
  await expect(drawer.getByRole("status")).toContainText("Cannot start");
  await expect(drawer).toContainText(/Cannot start here: it asks for 64 CPU cores, but the largest agent has \d+ CPU cores/);
  await drawer.getByRole("button", { name: "Terminate" }).click();
  await yard.page.getByRole("dialog", { name: /^Terminate session/ }).getByRole("button", { name: "Terminate" }).click();
  await expect(drawer.getByRole("status").filter({ hasText: "Cancelled" })).toBeVisible();
});

test("the person's own use is shown above their sessions beside the policy's limits, and is kept up to date", async ({ yard }) => {
  await yard.signIn();
  const who = unique("holder");
  await yard.person(who);
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  await yard.goto("/sessions", theirs);
  const mine = theirs.getByRole("region", { name: "My resources" });
  await expect(mine.getByRole("listitem").filter({ hasText: "Sessions" })).toContainText("Sessions 0 of");
  const id = await yard.session({ command: "sleep 300", name: unique("held"), slots: slots("0.3", 256) }, theirs);
  await expect(mine.getByRole("listitem").filter({ hasText: "Sessions" })).toContainText("Sessions 1 of");
  await expect(mine.getByRole("listitem").filter({ hasText: "CPU" })).toContainText("CPU 0.3 of");
  await yard.call("terminate_sessions", { ids: [id], force: true }, theirs);
  await expect(mine.getByRole("listitem").filter({ hasText: "Sessions" })).toContainText("Sessions 0 of");
});

test("a request over the keypair's limit is announced before it is sent, and refused in the same words", async ({ yard }) => {
  await yard.byHand();
  await yard.page.getByRole("link", { name: "Start session" }).click();
  const main = yard.page.getByRole("main");
  const name = unique("greedy");
  await main.getByLabel("Name").fill(name);
  await main.getByLabel("CPU cores").fill("200");
  const words = "Policy default allows 128 CPU cores in all; this session asks for 200 CPU cores.";
  await expect(main.getByRole("region", { name: "Outlook" })).toContainText(words);
  await expect(main.getByRole("button", { name: "Start", exact: true })).toBeDisabled();
  await expect(yard.sessions({ slots: slots("200", 256) })).rejects.toThrow(words);
});

test("wrong input is explained beside its field, and nothing typed is lost", async ({ yard }) => {
  await yard.byHand();
  await yard.page.getByRole("link", { name: "Start session" }).click();
  const main = yard.page.getByRole("main");
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill("-x-");
  await main.getByLabel("CPU cores").fill("many");
  await main.getByLabel("Memory", { exact: true }).fill("1 parsec");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(main.getByText("4 to 64 letters, digits, “-”, “_” and “.”, with a letter")).toBeVisible();
  await expect(main.getByText("A batch session needs a command")).toBeVisible();
  await expect(main.getByText("Type a number of CPU cores")).toBeVisible();
  await expect(main.getByText("Type an amount of memory")).toBeVisible();
  await expect(main.getByLabel("CPU cores")).toHaveValue("many");
  await expect(main.getByLabel("Name", { exact: true })).toHaveValue("-x-");
  await expect(main.getByLabel("Name", { exact: true })).toBeFocused();
});

test("a start-up command that does not exist ends as an error with the shell's own words", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "no-such-command-here --flag" });
  await yard.goto(`/sessions?session=${id}`);
  const drawer = yard.page.getByRole("dialog");
  await expect(drawer.getByRole("status").filter({ hasText: "Could not start" })).toBeVisible();
  await expect(drawer.locator(".session-info")).toContainText(/exit code 127\).*no-such-command-here.*not found/);
});

test("several sessions are ended at once", async ({ yard }) => {
  await yard.signIn();
  const names = [unique("many"), unique("many")];
  for (const name of names) await yard.session({ command: "sleep 1000", name });
  await yard.goto("/sessions?f=name.contains.many-");
  for (const name of names) await yard.page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await expect(yard.page.getByText("2 selected")).toBeVisible();
  await yard.page.getByRole("button", { name: "Terminate" }).click();
  await yard.page.getByRole("dialog", { name: "Terminate 2 sessions?" }).getByRole("button", { name: "Terminate" }).click();
  for (const name of names) await expect(yard.page.getByRole("row", { name })).toHaveCount(0, { timeout: 15_000 });
});

test("the list behind a session's drawer stays as it was", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("behind");
  await yard.session({ command: "true", name });
  const here = `/sessions?tab=finished&f=name.contains.${name}`;
  await yard.goto(here);
  const link = page.getByRole("link", { name, exact: true });
  await link.click();
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await drawer.getByRole("link", { name: "Log", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`tab=finished&f=name\\.contains\\.${name}&session=[^&]+&panel=log$`));
  await expect(page.locator("td a", { hasText: name })).toHaveAttribute("aria-current", "page");
  await drawer.getByRole("link", { name: "Close" }).click();
  await expect(page).toHaveURL(yard.server.url + here);
  await expect(link).toBeVisible();
});

test("a log is followed while it grows and can be downloaded", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "for i in $(seq 1 40); do echo line $i; sleep 0.1; done", name: unique("grow") });
  await yard.goto(`/sessions?session=${id}&panel=log`);
  await expect(yard.page.getByRole("log")).toContainText("line 5\n");
  await expect(yard.page.getByRole("log")).toContainText("line 40");
  await expect(yard.page.getByText("The log is complete.")).toBeVisible();
  const download = yard.page.waitForEvent("download");
  await yard.page.getByRole("link", { name: "Download log" }).click();
  const stream = await (await download).createReadStream();
  let text = "";
  for await (const piece of stream) text += piece;
  expect(text.trim().split("\n")).toHaveLength(40);
});

test("a reader who scrolls up in a growing log is left where they are", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "for i in $(seq 1 200); do echo line $i; done; for i in $(seq 1 100); do echo more $i; sleep 0.1; done", name: unique("read") });
  await yard.goto(`/sessions?session=${id}&panel=log`);
  const log = yard.page.getByRole("log");
  const fromEnd = () => log.evaluate((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight);
  await expect(log).toContainText("more 5\n");
  await expect.poll(fromEnd).toBeLessThan(40);
  await log.evaluate((pre) => (pre.scrollTop = 100));
  await expect(log).toContainText("more 30\n");
  expect(await log.evaluate((pre) => pre.scrollTop)).toBe(100);
  await log.evaluate((pre) => (pre.scrollTop = pre.scrollHeight));
  await expect(log).toContainText("more 60\n");
  await expect.poll(fromEnd).toBeLessThan(40);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("when the server is killed while a session runs, the page says so and recovers automatically", async ({ browser }) => {
  const { Server, Yard } = await import("./yard");
  let server = await Server.start();
  const page = await browser.newPage();
  const yard = new Yard(server, browser, page);
  await yard.signIn();
  const id = await yard.session({ command: "for i in $(seq 1 60); do echo line $i; sleep 0.1; done", name: unique("survivor") });
  await yard.goto(`/sessions?session=${id}`);
  await expect(page.getByRole("dialog").getByRole("status").filter({ hasText: "Running" })).toBeVisible();
  await server.kill();
  await expect(page.getByText("No connection to the server.")).toBeVisible();
  server = await server.restart();
  await expect(page.getByText("No connection to the server.")).toBeHidden({ timeout: 15_000 });
  await expect(page.getByRole("dialog").getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByRole("dialog")).toContainText("Exit code 0");
  await page.close();
  await server.end();
});

test("open pages are offered a new build of the server", async ({ browser }, info) => {
  const { Server, Yard } = await import("./yard");
  let server = await Server.start();
  const page = await browser.newPage();
  const yard = new Yard(server, browser, page);
  await yard.byHand();
  await server.kill();
  const newer = info.outputPath("yardmaster");
  copyFileSync(process.env.YARDMASTER_BIN!, newer);
  server = await server.restart(newer);
  await page.getByText("A new version of the console is available.").waitFor();
  await page.getByRole("link", { name: "Reload the page" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
  await expect(page.getByText("A new version of the console is available.")).toHaveCount(0);
  await page.close();
  await server.end();
});

test("a message about a session is readable above its drawer", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "sleep 2", name: unique("said") });
  await yard.goto(`/sessions?session=${id}`);
  const said = yard.page.locator(".toast").filter({ hasText: "said-" }).last();
  await said.waitFor();
  const onTop = await said.evaluate((toast) => {
    const { x, y, width, height } = toast.getBoundingClientRect();
    // A modal dialog makes the rest inert, which hit testing skips; the element painted on top is the later one in the top layer.
    return toast.closest("[popover]")!.matches(":popover-open") && width > 0 && height > 0 && x >= 0 && y >= 0;
  });
  expect(onTop).toBe(true);
});

test("a session is renamed by its owner", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "sleep 300", name: unique("before") });
  await yard.goto(`/sessions?session=${id}`);
  await yard.page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  const ask = yard.page.getByRole("dialog", { name: "Rename session" });
  await ask.getByLabel("Session name").fill("-x-");
  await ask.getByRole("button", { name: "Rename" }).click();
  await expect(ask.getByText("4 to 64 letters, digits, “-”, “_” and “.”, with a letter")).toBeVisible();
  const name = unique("after");
  await ask.getByLabel("Session name").fill(name);
  await ask.getByRole("button", { name: "Rename" }).click();
  await expect(yard.page.getByText("Session renamed.")).toBeVisible();
  await expect(yard.page.getByRole("dialog", { name: `Session ${name}` })).toBeVisible();
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("the time left before a session is terminated is shown and counts down", async ({ yard }) => {
  await yard.signIn();
  const id = await yard.session({ command: "sleep 300", name: unique("timed"), timeout: 3600 });
  await yard.goto(`/sessions?session=${id}`);
  const drawer = yard.page.getByRole("dialog");
  const left = drawer.locator("dd", { hasText: "left of 1 h 0 min" });
  await expect(left).toHaveText(/^\d+ min \d+ s left of 1 h 0 min, as requested$/);
  const before = await left.textContent();
  await expect(left).not.toHaveText(before!);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("the lifetime that a keypair's policy leaves a session is shown in its drawer", async ({ yard }) => {
  await yard.signIn();
  const [name, who] = [unique("hourly"), unique("mayfly")];
  const policy = {
    name, total: {}, others_unlimited: true, max_sessions: null, max_pending: null, max_cluster: 1, lifetime: 3600, idle_timeout: null,
    max_transfers: null, hosts: {},
  };
  await yard.call("save_keypair_policy", { save: { policy, revision: null } });
  await yard.person(who);
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  const keys = await yard.call<{ access_key: string; main: boolean }[]>("my_keypairs", {}, theirs);
  await yard.call("edit_keypair", { access_key: keys.find((key) => key.main)!.access_key, edit: { policy: name } });
  const id = await yard.session({ command: "sleep 300", name: unique("mortal") }, theirs);
  await yard.goto(`/sessions?session=${id}`, theirs);
  await expect(theirs.getByRole("dialog")).toContainText(new RegExp(`Session lifetime\\s*\\d+ min \\d+ s left of 1 h 0 min, policy ${name}`));
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("a session that holds more disk than its policy allows is ended with the reason", async ({ yard }) => {
  await yard.signIn();
  const [name, who] = [unique("small-disk"), unique("hoarder")];
  const policy = {
    name, total: {}, others_unlimited: true, max_sessions: null, max_pending: null, max_cluster: 1, lifetime: null, idle_timeout: null,
    max_transfers: null, hosts: {}, session_disk: 64 << 20,
  };
  await yard.call("save_keypair_policy", { save: { policy, revision: null } });
  await yard.person(who);
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  const keys = await yard.call<{ access_key: string; main: boolean }[]>("my_keypairs", {}, theirs);
  await yard.call("edit_keypair", { access_key: keys.find((key) => key.main)!.access_key, edit: { policy: name } });
  const command = "head -c 20M /dev/zero > kept; mkdir .hidden; until [ -e more ]; do sleep 0.1; done; head -c 60M /dev/zero > .hidden/more; sleep 300";
  const id = await yard.session({ command: `(sleep 12; touch more) & ${command}`, name: unique("greedy") }, theirs);
  await yard.goto(`/sessions?session=${id}`, theirs);
  const drawer = theirs.getByRole("dialog");
  await expect(drawer).toContainText(new RegExp(`Disk\\s*\\d[\\d.]* MiB used of 64 MiB, policy ${name}`), { timeout: 15_000 });
  await expect(drawer).toContainText(new RegExp(`It held [\\d.]+ MiB of disk: policy ${name} allows 64 MiB\\.`), { timeout: 30_000 });
  await expect(drawer.getByRole("status").filter({ hasText: "Over limit" })).toBeVisible({ timeout: 20_000 });
});

test("the sessions that the filter selects are exported under a chosen name", async ({ yard }) => {
  const { page } = yard;
  const name = unique("filed");
  await yard.signIn();
  await yard.session({ command: "true", name });
  await yard.session({ command: "true", name: unique("other") });
  await yard.goto(`/sessions?tab=finished&f=name.contains.${name}`);
  await expect(page.getByRole("link", { name, exact: true })).toBeVisible();
  await page.getByRole("button", { name: "More about this list" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const dialog = page.getByRole("dialog", { name: "Export session list to CSV file" });
  await expect(dialog.getByLabel("File name")).toHaveValue("sessions");
  await dialog.getByLabel("File name").fill("x".repeat(256));
  await expect(dialog.getByText("At most 255 characters; this has 256.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Export" })).toBeDisabled();
  await dialog.getByLabel("File name").fill("this term");
  const download = page.waitForEvent("download");
  await dialog.getByLabel("File name").press("Enter");
  const file = await download;
  expect(file.suggestedFilename()).toBe("this term.csv");
  let text = "";
  for await (const piece of await file.createReadStream()) text += piece;
  expect(text).toContain(name);
  expect(text.trim().split("\n")).toHaveLength(2);
});

test("a file of sessions holds every page of the list, no matter which is shown", async ({ yard }) => {
  test.setTimeout(120_000);
  const { page } = yard;
  const name = unique("paged");
  await yard.signIn();
  await yard.sessions({ name, count: 11 });
  await yard.goto(`/sessions?tab=finished&f=name.contains.${name}`);
  const position = page.locator(".pager-text");
  await expect(position).toHaveText("1–10 of 11 sessions", { timeout: 60_000 });
  await page.getByRole("link", { name: "Next page" }).click();
  await expect(position).toHaveText("11–11 of 11 sessions");
  await page.getByRole("button", { name: "More about this list" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const dialog = page.getByRole("dialog", { name: "Export session list to CSV file" });
  const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "Export" }).click()]);
  const lines = readFileSync(await download.path(), "utf8").trim().split(/\r?\n/);
  expect(lines).toHaveLength(12);
  for (let n = 1; n <= 11; n++) expect(lines.filter((line) => line.includes(`,${name}-${n},`)), `${name}-${n}`).toHaveLength(1);
});
