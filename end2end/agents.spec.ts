// Agents: the list, one agent's drawer by its address, and agents that get no new sessions.
import AxeBuilder from "@axe-core/playwright";
import { expect, PASSWORD, test, unique, type Yard } from "./yard";

/** The report of the agent that the tests run on. */
async function report(yard: Yard): Promise<{ name: string; address: string }> {
  const page = await yard.call<{ rows: { report: { name: string; address: string } }[] }>("agents", {
    query: { tab: "connected", subtab: "", conditions: [], sort: "name", descending: false, page: 1, per: 10 },
  });
  return page.rows[0].report;
}

/** Its name. */
async function machine(yard: Yard): Promise<string> {
  return (await report(yard)).name;
}

test("the list shows each agent's address, capacity and held resources, and that none was ever lost", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const id = await yard.session({ name: unique("held"), command: "sleep 300", slots: { cpu: "0.2", mem: String(512 * 1024 * 1024) } });
  const { name, address } = await report(yard);
  await yard.goto("/agents");
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row.getByText(address, { exact: true })).toBeVisible();
  await expect(row.getByText(/^\d+(\.\d+)? \/ \d+$/)).toBeVisible();
  await expect(row.getByText(/iB in use$/)).toBeVisible();
  await expect(row).toContainText("Enabled");
  await page.getByRole("button", { name: `Info of ${name}` }).click();
  const exact = page.getByRole("dialog", { name: "Agent info" }).getByRole("table", { name: `Resources of ${name}` });
  await expect(exact.getByRole("columnheader")).toHaveText(["Resource", "Has", "Held by sessions", "In use now"]);
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Terminated" }).click();
  await expect(page.getByText("No disconnection or termination has occurred.")).toBeVisible();
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("an agent's drawer has its own address, and shows use over time and links to its sessions", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const session = unique("on-it");
  const id = await yard.session({ name: session, command: "sleep 300" });
  const name = await machine(yard);
  await yard.goto("/agents");
  await page.getByRole("link", { name, exact: true }).click();
  const drawer = page.getByRole("dialog", { name: "Agent info" });
  await expect(drawer.getByText("How sessions run here")).toBeVisible();
  await page.reload();
  const slots = drawer.getByRole("table", { name: `Resources of ${name}` });
  await expect(slots.getByRole("row")).toHaveCount(3);
  await expect(slots.getByRole("rowheader")).toHaveText(["CPU", "Memory"]);
  await expect(drawer.getByRole("img", { name: /^CPU: In use now/ })).toBeVisible();
  await expect(drawer.getByRole("img", { name: /^Memory: In use now/ })).toBeVisible();
  await drawer.getByRole("link", { name: session }).click();
  await expect(page.getByRole("dialog", { name: `Session ${session}` })).toBeVisible();
  expect(new URL(page.url()).searchParams.get("session")).toBe(id);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("agents that stop taking sessions keep running ones, and new sessions wait with a reason", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const name = await machine(yard);
  const status = async (id: string) => (await yard.call<{ row: { status: string } }>("session", { id })).row.status;
  const ids = [await yard.session({ name: unique("runs"), command: "sleep 300" })];
  try {
    await expect.poll(() => status(ids[0])).toBe("RUNNING");
    await yard.goto("/agents");
    const row = page.getByRole("row", { name: new RegExp(name) });
    const choose = async (button: string) => {
      await page.getByRole("checkbox", { name: `Select ${name}` }).check();
      await page.locator(".bulk").getByRole("button", { name: button }).click();
      await expect(page.locator(".bulk")).toHaveCount(0);
    };
    await choose("Disable scheduling");
    await expect(page.getByText("Agent setting updated.").first()).toBeVisible();
    await expect(row).toContainText("Disabled");
    ids.push(await yard.session({ name: unique("waits") }));
    await yard.goto(`/sessions?session=${ids[1]}`);
    await expect(page.getByRole("dialog")).toContainText("none in resource group default takes new sessions now");
    expect(await status(ids[0])).toBe("RUNNING");
    await yard.goto("/agents");
    await choose("Enable scheduling");
    await expect(row).toContainText("Enabled");
    await expect.poll(() => status(ids[1]), { timeout: 20_000 }).toBe("TERMINATED");
  } finally {
    await yard.call("set_schedulable", { names: [name], schedulable: true });
    await yard.call("terminate_sessions", { ids, force: true });
  }
});

test("an unknown agent is named as one that was not changed", async ({ yard }) => {
  await yard.signIn();
  const results = await yard.call<{ name: string; problem: unknown }[]>("set_schedulable", { names: ["nowhere"], schedulable: true });
  expect(results).toEqual([{ name: "nowhere", problem: { Conflict: "No such agent." } }]);
  await yard.goto("/agents?agent=nowhere");
  await expect(yard.page.getByRole("dialog", { name: "Agent info" })).toContainText("No such agent");
});

test("people who only read see no controls, axe finds nothing, and a narrow page never scrolls sideways", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const [name, who] = [await machine(yard), unique("agents-monitor")];
  await yard.person(who, "monitor");
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  await yard.goto(`/agents?agent=${name}`, theirs);
  await expect(theirs.getByRole("dialog", { name: "Agent info" }).getByText("How sessions run here")).toBeVisible();
  await expect(theirs.getByRole("button", { name: /Settings/ })).toHaveCount(0);
  // Opening something from a list leaves the list as it is.
  await yard.goto("/agents?f=resource_group.equals.default", theirs);
  await theirs.getByRole("button", { name: `Info of ${name}` }).click();
  await expect(theirs).toHaveURL(/f=resource_group\.equals\.default&agent=/);
  await expect(theirs.getByRole("checkbox", { name: /^Select/ })).toHaveCount(0);
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await yard.goto(`/agents?agent=${name}`);
    await expect(page.getByRole("dialog", { name: "Agent info" }).getByText("How sessions run here")).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations, `drawer in ${scheme}`).toEqual([]);
    await yard.goto("/agents");
    await page.getByRole("button", { name: `Settings of ${name}` }).click();
    await expect(page.getByRole("switch", { name: "Schedulable" })).toBeChecked();
    expect((await new AxeBuilder({ page }).analyze()).violations, `settings in ${scheme}`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/agents", `/agents?agent=${name}`]) {
    await yard.goto(path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, path).toBeLessThanOrEqual(0);
  }
});
