// Resource groups: refusals, two administrators at once, and one group's drawer by its address.
import AxeBuilder from "@axe-core/playwright";
import { discard, expect, PASSWORD, test, type Yard, unique } from "./yard";

type Row = { group: Record<string, unknown>; revision: number };

/** A group that takes every type of session, saved through the console's own call. */
async function group(yard: Yard, name: string, fields: Record<string, unknown> = {}, revision: number | null = null): Promise<void> {
  const group = {
    name, description: "", active: true, public: true, scheduler: "fifo", placement: "dispersed", session_types: ["interactive", "batch", "inference"],
    pending_timeout: null, retries_to_skip: null, app_proxy: "", domains: [], projects: [], ...fields,
  };
  await yard.call("save_resource_group", { save: { group, revision } });
}

/** The group as it is saved now. */
async function saved(yard: Yard, name: string, tab = "active"): Promise<Row> {
  const page = await yard.call<{ rows: Row[] }>("resource_groups", {
    query: { tab, subtab: "", conditions: [{ key: "name", op: "equals", value: name }], sort: "name", descending: false, page: 1, per: 10 },
  });
  return page.rows[0];
}

test("wrong numbers are refused beside their fields, and an empty field or 0 seconds means no timeout", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("numbers");
  await yard.goto("/resource-groups");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create resource group" });
  await create.getByLabel("Name").fill("-no-");
  await create.getByRole("checkbox", { name: /Use default/ }).uncheck();
  await create.getByLabel("Retries to skip pending session", { exact: true }).fill("1001");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText("A whole number from 0 to 1000, or leave it empty.")).toBeVisible();
  await expect(create.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
  await create.getByLabel("Name").fill(name);
  await create.getByLabel("Retries to skip pending session", { exact: true }).fill("0");
  await create.getByRole("checkbox", { name: /No timeout/ }).uncheck();
  await create.getByLabel("Pending timeout (sec.)", { exact: true }).fill("0");
  // The domain of a new group's creator may use it, unless they choose otherwise.
  const own = create.getByRole("checkbox", { name: "default", exact: true });
  await expect(own).toBeChecked();
  await own.uncheck();
  await expect(create.getByText("nobody can start a session there")).toBeVisible();
  await own.check();
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource group successfully created.")).toBeVisible();
  const { group: kept } = await saved(yard, name);
  expect([kept.pending_timeout, kept.retries_to_skip]).toEqual([null, 0]);
  expect(kept.domains).toEqual([(await yard.defaultDomain()).id]);

  // The same name again is refused, and the typed values are still there.
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await create.getByLabel("Name").fill(name);
  await create.getByLabel("Description").fill("typed");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText(/already exists/)).toBeVisible();
  await expect(create.getByLabel("Description")).toHaveValue("typed");
  await page.keyboard.press("Escape");
  await yard.call("delete_resource_group", { name });
});

test("a saved pending timeout is shown in the group's row, and the switch deactivates the group", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("patient");
  await group(yard, name);
  await yard.goto(`/resource-groups?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Edit resource group" });
  await edit.getByRole("checkbox", { name: /No timeout/ }).uncheck();
  await edit.getByLabel("Pending timeout (sec.)", { exact: true }).fill("120");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Resource group successfully modified.")).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row.getByRole("cell", { name: "120 s", exact: true })).toBeVisible();

  await page.getByRole("button", { name: `Edit ${name}` }).click();
  await edit.getByRole("switch", { name: "Active" }).uncheck();
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(edit).toBeHidden();
  await expect(row).toHaveCount(0);
  expect((await saved(yard, name, "inactive")).group.active).toBe(false);
  // Its queue can still be opened; the page marks the group as inactive.
  await yard.goto(`/scheduler?group=${name}`);
  const choice = page.getByLabel("Resource group", { exact: true });
  await expect(choice).toContainText(`${name} (inactive)`);
  await expect(choice).toHaveValue(name);
  await yard.call("delete_resource_group", { name });
});

test("of two administrators who change a group at once, the second sees the first's values and chooses", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("both");
  await group(yard, name);
  await yard.goto(`/resource-groups?f=name.equals.${name}`);
  const edit = page.getByRole("dialog", { name: "Edit resource group" });
  const open = async () => {
    await page.getByRole("button", { name: `Edit ${name}` }).click();
    await expect(edit.getByText("The name cannot be changed.")).toBeVisible();
  };
  const meanwhile = async (description: string) => group(yard, name, { description }, (await saved(yard, name)).revision);

  await open();
  await edit.getByLabel("Description").fill("mine");
  await meanwhile("theirs");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  const notice = edit.getByRole("region", { name: "Theirs" });
  await expect(notice.getByRole("row", { name: /^Description/ })).toHaveText("Descriptiontheirsmine");
  await notice.getByRole("button", { name: "Take theirs" }).click();
  await expect(edit.getByLabel("Description")).toHaveValue("theirs");
  await expect(notice).toHaveCount(0);
  await discard(edit);

  await open();
  await edit.getByLabel("Description").fill("mine after all");
  await meanwhile("theirs again");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await notice.getByRole("button", { name: "Save mine" }).click();
  await expect(page.getByText("Resource group successfully modified.")).toBeVisible();
  expect((await saved(yard, name)).group.description).toBe("mine after all");
  await yard.call("delete_resource_group", { name });
});

test("a group's drawer has its own address in every tab, and links to its agents, queue and history", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("drawer");
  await group(yard, name, { active: false, retries_to_skip: 7 });
  await yard.goto(`/resource-groups?group=${name}`);
  const drawer = page.getByRole("dialog", { name: "Resource group" });
  await expect(drawer.getByText(name, { exact: true })).toBeVisible();
  await expect(drawer.getByRole("link", { name: "0 connected" })).toHaveAttribute("href", `/agents?f=resource_group.equals.${name}`);
  await expect(drawer.getByRole("link", { name: /open queue/ })).toHaveAttribute("href", `/scheduler?group=${name}`);
  // It follows other people's changes.
  await group(yard, name, { active: false, retries_to_skip: 9 }, (await saved(yard, name, "inactive")).revision);
  await expect(drawer.getByText("9", { exact: true })).toBeVisible();
  await drawer.getByRole("link", { name: "History", exact: true }).click();
  await expect(drawer.getByText(/changed the resource group.*retries to skip 7 → 9/)).toBeVisible();
  await page.reload();
  await expect(drawer.getByText(/created the resource group/)).toBeVisible();
  await yard.goto(`/resource-groups?tab=inactive&f=name.equals.${name}`);
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page).toHaveURL(/tab=inactive/);
  await expect(drawer.getByText("No domain or project may use it")).toBeVisible();
  await yard.goto("/resource-groups?group=nobody-made-this");
  await expect(drawer).toContainText("No such resource group");
  await yard.call("delete_resource_group", { name });
});

test("the group that new agents join cannot be deleted, and only superadmins can change groups", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/resource-groups?f=name.equals.default");
  await page.getByRole("row", { name: /default/ }).getByRole("button", { name: "Delete" }).click();
  const ask = page.getByRole("dialog", { name: "Delete the resource group default?" });
  await ask.getByRole("textbox").fill("default");
  await ask.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText(/so it cannot be deleted. Deactivate it/)).toBeVisible();
  for (const role of ["monitor", "admin"]) {
    const who = unique(`groups-${role}`);
    await yard.person(who, role);
    const theirs = await yard.window();
    await yard.signIn(who, PASSWORD, theirs);
    await yard.goto("/resource-groups?group=default", theirs);
    const drawer = theirs.getByRole("dialog", { name: "Resource group" });
    await expect(drawer.getByText("default", { exact: true }).first()).toBeVisible();
    // The administrator of a domain does not see agents.
    await expect(drawer.getByRole("link", { name: /connected/ })).toHaveCount(role === "monitor" ? 1 : 0);
    await expect(theirs.getByRole("button", { name: "Create", exact: true })).toHaveCount(0);
    await yard.goto("/resource-groups", theirs);
    await expect(theirs.getByRole("button", { name: "Edit default" })).toHaveCount(0);
    await theirs.getByRole("button", { name: "Info of default", exact: true }).click();
    await expect(theirs).toHaveURL(/\?group=default$/);
    await expect(drawer.getByText("default", { exact: true }).first()).toBeVisible();
  }
});

test("axe finds nothing in the dialogs, and a narrow page never scrolls sideways", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await yard.goto("/resource-groups?f=name.equals.default");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByRole("dialog").getByText(/1 to 64 letters and digits/).last()).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations, `create in ${scheme}`).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("row", { name: /default/ }).getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("dialog", { name: "Delete the resource group default?" })).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations, `delete in ${scheme}`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/resource-groups", "/resource-groups?group=default"]) {
    await yard.goto(path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, path).toBeLessThanOrEqual(0);
  }
});
