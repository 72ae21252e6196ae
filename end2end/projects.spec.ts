// Domains and projects, their administrators, and the project in the header.
import { expect, PASSWORD, test, unique } from "./yard";

test("a project is created with members, and one of them becomes its administrator, and only its", async ({ yard }) => {
  const { page } = yard;
  const [lab, boss, member, outsider] = [unique("lab"), unique("boss"), unique("member"), unique("outsider")];
  await yard.signIn();
  for (const name of [boss, member, outsider]) await yard.person(name);
  await yard.goto("/projects");
  await page.getByRole("button", { name: "Create project" }).click();
  const create = page.getByRole("dialog", { name: "Create project" });
  await create.getByLabel("Name").fill("-lab-");
  await create.getByLabel("Description").fill("kept");
  await create.getByRole("button", { name: "Save" }).click();
  await expect(create.getByText(/1 to 64 letters and digits/)).toBeVisible();
  await expect(create.getByLabel("Description")).toHaveValue("kept");
  await create.getByLabel("Name").fill(lab);
  await create.getByLabel("Allowed storage hosts").fill("nas-1, nas-2");
  await create.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: lab }).click();
  const drawer = page.getByRole("dialog", { name: "Project detail" });
  await expect(drawer.getByText("nas-1, nas-2")).toBeVisible();
  await drawer.getByLabel("Add members").fill(`${boss}, nobody-at-all`);
  await drawer.getByRole("button", { name: "Add", exact: true }).click();
  await expect(drawer.getByText(/Not found in this domain: nobody-at-all/)).toBeVisible();
  await drawer.getByLabel("Add members").fill(`${boss}, ${member}@example.org`);
  await drawer.getByRole("button", { name: "Add", exact: true }).click();
  await expect(drawer.getByText("Members (2)")).toBeVisible();
  await drawer.getByRole("button", { name: `Make admin: ${boss}@example.org in ${lab}` }).click();
  await expect(drawer.getByText("Project admin")).toBeVisible();

  const theirs = await yard.window();
  await yard.byHand(boss, PASSWORD, theirs);
  await expect(theirs.getByRole("combobox", { name: "Project" }).getByRole("option", { name: `${lab} (admin)` })).toBeAttached();
  const menu = theirs.getByRole("navigation", { name: "Main" });
  await expect(menu.getByRole("link")).toHaveText(["Yardmaster", "Sessions", "Users", "Projects"]);
  await yard.goto("/users", theirs);
  await expect(theirs.getByRole("link", { name: `${member}@example.org` })).toBeVisible();
  await expect(theirs.getByRole("link", { name: `${outsider}@example.org` })).toHaveCount(0);
  await expect(theirs.getByRole("button", { name: "Create user" })).toHaveCount(0);
  await yard.goto("/projects", theirs);
  await theirs.getByRole("link", { name: lab }).click();
  const seen = theirs.getByRole("dialog", { name: "Project detail" });
  await expect(seen.getByRole("button", { name: `Remove ${boss}@example.org from ${lab}` })).toHaveCount(0);
  await seen.getByRole("button", { name: `Remove ${member}@example.org from ${lab}` }).click();
  await expect(seen.getByText("Members (1)")).toBeVisible();
  const refused = await theirs.goto(`${yard.server.url}/domains`);
  expect(refused!.status()).toBe(403);
});

test("the project in the header filters the sessions and their export, and is that of new sessions", async ({ yard }) => {
  const name = unique("scope");
  await yard.signIn();
  await yard.person(name);
  const other = await yard.call<string>("create_project", { project: { name: unique("other"), domain: (await yard.defaultDomain()).id, add: [name] } });
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  const projects = (await yard.call<{ projects: { id: string }[] }>("start_options", { owner: "" }, page)).projects;
  const [here, there] = [`${name}-here`, `${name}-there`];
  await yard.session({ name: here, project: projects.find(({ id }) => id !== other)!.id, command: "sleep 300" }, page);
  await yard.session({ name: there, project: other, command: "sleep 300" }, page);
  await yard.goto("/sessions", page);
  await expect(page.getByRole("link", { name: here })).toBeVisible();
  await expect(page.getByRole("link", { name: there })).toBeVisible();
  await page.getByRole("combobox", { name: "Project" }).selectOption(other);
  await expect(page.getByRole("link", { name: here })).toHaveCount(0);
  await expect(page.getByRole("link", { name: there })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: there })).toBeVisible();
  await expect(page.getByRole("link", { name: here })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "More about this list" })).toHaveCount(0);
  // The file is for administrators; the project in the header filters it as well.
  await yard.page.context().addCookies([{ name: "project", value: other, url: yard.server.url }]);
  const file = await (await yard.page.request.get(`${yard.server.url}/export/sessions.csv`)).text();
  expect(file).toContain(there);
  expect(file).not.toContain(here);
  expect(file.split("\n")[0]).toContain(",Agent,CPU,Memory,AI accelerator,Cluster mode,Cluster size,Priority,Out-of-memory kills,Created,");
  await page.getByRole("link", { name: "Start session" }).click();
  await expect(page.getByRole("main").getByLabel("Project")).toHaveValue(other);
  const rows = await yard.call<{ rows: { id: string }[] }>("sessions", {
    query: { tab: "running", subtab: "all", conditions: [], sort: "created_at", descending: true, page: 1, per: 10 }, project: null,
  }, page);
  await yard.call("terminate_sessions", { ids: rows.rows.map((row) => row.id), force: true }, page);
});
