// The launcher, the queue and the agents.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, PASSWORD, slots, test, unique } from "./yard";

test("the launcher's form lives in the address, survives a reload, and keeps secrets out of it", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("kept");
  await yard.goto("/session/start");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("CPU cores").fill("0.3");
  await page.getByText("Advanced").click();
  await page.getByRole("button", { name: "Add variable" }).click();
  await page.getByLabel("Variable name").fill("API_TOKEN");
  await page.getByLabel("Value of API_TOKEN", { exact: true }).fill("hush-hush");
  await page.getByRole("button", { name: "Add variable" }).click();
  await page.getByLabel("Variable name").nth(1).fill("EPOCHS");
  await page.getByLabel("Value of EPOCHS", { exact: true }).fill("3");
  await page.getByLabel("Others may see the value of EPOCHS").check();
  await expect(page).toHaveURL(/EPOCHS/);
  expect(page.url()).not.toContain("hush");
  await page.reload();
  await expect(page.getByLabel("CPU cores")).toHaveValue("0.3");
  await expect(page.getByLabel("Value of EPOCHS", { exact: true })).toHaveValue("3");
  await expect(page.getByLabel("Value of API_TOKEN", { exact: true })).toHaveValue("");
  await page.getByLabel("Value of API_TOKEN", { exact: true }).fill("again");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const drawer = page.getByRole("dialog", { name: new RegExp(name) });
  await expect(drawer).toContainText("API_TOKEN (hidden)");
  await expect(drawer).toContainText("EPOCHS=3");
  await yard.goto("/session/start");
  await page.getByRole("button", { name: `Use again ${name}` }).click();
  await expect(page.getByLabel("CPU cores")).toHaveValue("0.3");
});

test("only a superadmin is offered to start sessions on somebody's behalf", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const [who, name] = [unique("behalf"), unique("theirs")];
  const email = await yard.person(who);
  await yard.goto("/session/start");
  await page.getByLabel("Name").fill(name);
  await page.getByText("Advanced").click();
  await page.getByLabel("On behalf of").fill(email);
  await page.getByLabel("CPU cores").fill("0.1");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByRole("dialog", { name: new RegExp(name) })).toContainText(email);
  const theirs = await yard.window();
  await yard.byHand(who, PASSWORD, theirs);
  await expect(theirs.getByRole("link", { name })).toBeVisible();
  await yard.goto("/session/start", theirs);
  await expect(theirs.getByLabel("On behalf of")).toHaveCount(0);
  const refused = yard.sessions({ owner: "admin@example.org" }, theirs);
  await expect(refused).rejects.toThrow(/may not|403/);
});

test("an agent that is not schedulable gets no new sessions, which wait in the queue with place and reason", async ({ yard }) => {
  test.setTimeout(120_000);
  const { page } = yard;
  await yard.signIn();
  const [before, first, second] = [unique("before"), unique("first"), unique("second")];
  const running = await yard.session({ name: before, kind: "interactive", command: "" });
  const status = async (id: string) => (await yard.call<{ row: { status: string } }>("session", { id })).row.status;
  await expect.poll(() => status(running)).toBe("RUNNING");
  await yard.goto("/agents");
  const agent = page.getByRole("row").nth(1);
  const name = (await agent.getByRole("link").first().textContent())!;
  try {
    await page.getByRole("button", { name: `Settings of ${name}` }).click();
    const dialog = page.getByRole("dialog", { name: "Agent settings" });
    await dialog.getByRole("switch", { name: "Schedulable" }).uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(`${name} accepts no new sessions.`).first()).toBeVisible();
    await expect(agent).toContainText("Disabled");
    const ids = [await yard.session({ name: first }), await yard.session({ name: second })];
    await yard.goto(`/scheduler?f=name.any.${first}`);
    await yard.goto("/scheduler");
    const row = (name: string) => page.getByRole("row", { name: new RegExp(name) });
    await expect(row(first).locator(".why")).toHaveAttribute("title", /none in resource group default takes new sessions now/);
    const place = async (name: string) => Number(await row(name).getByRole("cell").nth(1).textContent());
    expect(await place(first)).toBeLessThan(await place(second));
    await row(second).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Set priority" }).click();
    const priority = page.getByRole("dialog", { name: "Set priority" });
    await priority.getByLabel("Priority").fill("101");
    await priority.getByRole("button", { name: "Set priority" }).click();
    await expect(priority.getByText("A whole number from 0 to 100.")).toBeVisible();
    await priority.getByLabel("Priority").fill("70");
    await priority.getByRole("button", { name: "Set priority" }).click();
    await expect.poll(async () => (await place(second)) < (await place(first))).toBe(true);
    await page.getByRole("link", { name: second }).click();
    await expect(page.getByRole("dialog", { name: new RegExp(second) })).toContainText("Place");
    expect(page.url()).toContain("session=");
    expect(await status(running)).toBe("RUNNING");
    await yard.call("set_schedulable", { names: [name], schedulable: true });
    for (const id of ids) await expect.poll(() => status(id), { timeout: 20_000 }).toBe("TERMINATED");
  } finally {
    await yard.call("set_schedulable", { names: [name], schedulable: true });
    await yard.call("terminate_sessions", { ids: [running], force: true });
  }
});

test("the browser's what-if trial decides the shared queues in the expected order", async ({ yard }) => {
  const { page } = yard;
  const cases = JSON.parse(readFileSync(join(__dirname, "../server/scheduler/tests/vectors/queue.json"), "utf8"));
  await yard.signIn();
  for (const one of cases.filter((one: { order: object }) => "default" in one.order)) {
    await page.route("**/call/queue_snapshot", (route) => route.fulfill({ json: { snapshot: one.snapshot, total: one.snapshot.queue.length } }));
    await yard.goto("/scheduler");
    await page.getByRole("button", { name: "What if…" }).click();
    const dialog = page.getByRole("dialog", { name: /What if/ });
    const names = dialog.getByRole("rowheader");
    await expect(names).toHaveCount(one.snapshot.queue.length);
    const name = new Map(one.snapshot.queue.map((waiting: { id: string; name: string }) => [waiting.id, waiting.name]));
    const expected = one.order.default.map((id: string) => name.get(id));
    await expect(names, one.name).toHaveText(expected);
    await page.unroute("**/call/queue_snapshot");
  }
});

test("a session of several containers runs all of them on one agent", async ({ yard }) => {
  test.setTimeout(60_000);
  await yard.signIn();
  const id = await yard.session({
    name: unique("cluster"), command: "echo hosts $BACKENDAI_CLUSTER_HOSTS; sleep 2", cluster: { mode: "single-node", size: 3 }, slots: slots("0.1", 128),
  });
  await yard.goto(`/sessions?session=${id}`);
  const drawer = yard.page.getByRole("dialog");
  await expect(drawer.getByRole("table", { name: "Containers" }).getByRole("row")).toHaveText([/^Container/, /^main1Main/, /^sub1Sub/, /^sub2Sub/]);
  await expect(drawer.getByRole("link", { name: "Log of sub2" })).toHaveAttribute("href", `/sessions?session=${id}&panel=log&container=2`);
  await expect(drawer.getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible({ timeout: 30_000 });
  await drawer.getByRole("link", { name: "Log", exact: true }).click();
  await expect(drawer).toContainText("hosts main1,sub1,sub2");
  await drawer.getByLabel("Container", { exact: true }).selectOption("sub1");
  await expect(yard.page).toHaveURL(/panel=log&container=1/);
  await expect(drawer.getByRole("link", { name: "Download log" })).toHaveAttribute("href", new RegExp(`${id}/log\\?container=1$`));
  await expect(drawer.getByText("The log is complete.")).toBeVisible();
  await drawer.getByLabel("Container", { exact: true }).selectOption("main1");
  await expect(drawer).toContainText("hosts main1,sub1,sub2");
});
