// The scheduler page: the queue of a resource group, its order and its reasons, and the trial of other rules.
import { PASSWORD, expect, test, unique, type Yard } from "./yard";

/** A resource group without agents, so that every session started there waits. */
async function quietGroup(yard: Yard): Promise<string> {
  const name = unique("quiet");
  const { id } = await yard.defaultDomain();
  const group = {
    name, description: "", active: true, public: true, scheduler: "fifo", placement: "dispersed",
    session_types: ["interactive", "batch", "inference"], pending_timeout: 3600, retries_to_skip: null, app_proxy: "", domains: [id], projects: [],
  };
  await yard.call("save_resource_group", { save: { group, revision: null } });
  return name;
}

test("the queue is shown in order with reasons, follows a priority, and opens a session's drawer", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const group = await quietGroup(yard);
  const stem = unique("queue");
  const [first, second] = [`${stem}-a`, `${stem}-b`];
  const ids: string[] = [];
  for (const name of [first, second]) ids.push(await yard.session({ name, resource_group: group, command: "sleep 300" }));
  await yard.goto("/sessions");
  await page.getByRole("link", { name: "Scheduler" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Scheduler" })).toBeVisible();
  await page.getByLabel("Resource group", { exact: true }).selectOption(group);
  await expect(page).toHaveURL(new RegExp(`group=${group}`));
  const names = page.getByRole("link", { name: new RegExp(`^${stem}`) });
  await expect(names).toHaveText([first, second]);
  const why = page.getByRole("row", { name: first }).locator(".why");
  await expect(why).toHaveText(`No agent in ${group}`);
  await expect(why).toHaveAttribute("title", new RegExp(`Waiting for an agent: resource group ${group} has none.`));
  await expect(page.getByRole("row", { name: first }).getByRole("cell").nth(1)).toHaveText("1");
  await expect(page.locator("thead a")).toHaveCount(0);

  await page.getByRole("button", { name: `Set the priority of ${second}` }).click();
  const ask = page.getByRole("dialog", { name: "Set priority" });
  await expect(ask.getByLabel("Priority")).toHaveValue("10");
  await ask.getByLabel("Priority").fill("101");
  await ask.getByRole("button", { name: "Set priority" }).click();
  await expect(ask.getByText("A whole number from 0 to 100.")).toBeVisible();
  await ask.getByLabel("Priority").fill("90");
  await ask.getByRole("button", { name: "Set priority" }).click();
  await expect(ask).toBeHidden();
  await expect(names).toHaveText([second, first]);

  await page.getByRole("link", { name: second }).click();
  const drawer = page.getByRole("dialog", { name: `Session ${second}` });
  await expect(drawer.getByText("Place 1 in the queue")).toBeVisible();
  await expect(drawer).toContainText(/Pending timeout\s*\d+ min \d+ s left of 1 h 0 min/);
  await expect(page).toHaveURL(new RegExp(`group=${group}.*session=`));
  await drawer.getByRole("link", { name: "Close" }).click();
  await expect(names).toHaveText([second, first]);

  await yard.goto(`/sessions?f=name.contains.${stem}`);
  await expect(page.getByRole("row", { name: second })).toContainText("#1");
  await yard.call("terminate_sessions", { ids, force: true });
});

test("other rules are tried out in the browser, and nothing is saved", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const group = await quietGroup(yard);
  const stem = unique("what");
  const [first, second] = [`${stem}-a`, `${stem}-b`];
  const ids: string[] = [];
  for (const name of [first, second]) ids.push(await yard.session({ name, resource_group: group, command: "sleep 300" }));
  await yard.goto(`/scheduler?group=${group}`);
  const names = page.getByRole("link", { name: new RegExp(`^${stem}`) });
  await expect(names).toHaveText([first, second]);
  await page.getByRole("button", { name: "What if…" }).click();
  const dialog = page.getByRole("dialog", { name: `What if — resource group ${group}` });
  await expect(dialog.getByRole("status")).toContainText("2 sessions wait.");
  await expect(dialog.getByRole("rowheader")).toHaveText([first, second]);
  // Nothing ever starts where there is no agent.
  for (const name of [first, second]) await expect(dialog.getByRole("row", { name }).getByText("unknown")).toHaveCount(2);
  await dialog.getByLabel("Scheduler").selectOption("lifo");
  await expect(dialog.getByRole("rowheader")).toHaveText([second, first]);
  await expect(dialog.getByRole("row", { name: second })).toContainText("earlier");
  await expect(dialog.getByRole("row", { name: first })).toContainText("later");
  await dialog.getByLabel("Keypair policy").selectOption("default");
  await expect(dialog.getByLabel("CPU limit")).toHaveValue("128");
  // On a phone the result is as high as its rows: the dialog scrolls, and not a slit in it.
  await page.setViewportSize({ width: 390, height: 844 });
  const [rows, box] = [dialog.locator(".what-if table"), dialog.locator(".what-if")];
  expect((await box.boundingBox())!.height).toBeGreaterThanOrEqual((await rows.boundingBox())!.height);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("Escape");
  // Closing goes one step back in the tab's history, which a reload at the same moment would cut off.
  await page.waitForFunction(() => typeof history.state !== "number");
  await page.reload();
  await expect(names).toHaveText([first, second]);
  await yard.call("terminate_sessions", { ids, force: true });
});

test("an unknown group is replaced by the first, and only people who see others' sessions see the page", async ({ yard }) => {
  const { page } = yard;
  const person = unique("plain");
  await yard.signIn();
  await yard.person(person);
  await yard.goto("/scheduler?group=no-such-group");
  await expect(page.getByLabel("Resource group", { exact: true })).not.toHaveValue("no-such-group");
  const theirs = await yard.window();
  await yard.signIn(person, PASSWORD, theirs);
  await expect(theirs.getByRole("link", { name: "Scheduler" })).toHaveCount(0);
  await yard.goto("/scheduler", theirs);
  await expect(theirs.getByRole("heading", { level: 1, name: "You do not have access" })).toBeVisible();
});
