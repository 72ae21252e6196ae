// Resource policies beyond `limits.spec.ts`: the other two kinds of policy, typed values in forms, competing saves, and
// people who only read.
import { readFileSync } from "node:fs";
import { expect, live, PASSWORD, test, unique } from "./yard";

const userPolicy = (name: string) => ({ name, max_folders: null, max_folder_bytes: null, max_service_sessions: 10, max_images: 3 });
const keypairPolicy = (name: string) => ({
  name, total: {}, others_unlimited: true, max_sessions: null, max_pending: null, max_cluster: 1, lifetime: null, idle_timeout: null,
  max_transfers: null, hosts: {},
});

test("a user policy keeps typed values behind its unlimited box and through a refusal, and is exported under a chosen name", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("folders");
  await yard.goto("/resource-policy");
  await page.getByRole("navigation", { name: "Kinds of policy" }).getByRole("link", { name: "User" }).click();
  await expect(page.getByRole("table", { name: "User policies" })).toBeVisible();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await expect(create.getByText("may affect all users who use it, so use it with caution.")).toBeVisible();
  await expect(create.getByText("A large number can overload the scheduler.")).toBeVisible();
  await create.getByLabel("Name", { exact: true }).fill(name);
  const folders = create.getByLabel("Max folder count", { exact: true });
  const unlimited = create.getByRole("checkbox", { name: "Unlimited Max folder count" });
  await expect(folders).toBeDisabled();
  await unlimited.uncheck();
  await folders.fill("5");
  await unlimited.check();
  await expect(folders).toBeDisabled();
  await expect(folders).toHaveValue("");
  await unlimited.uncheck();
  await expect(folders).toHaveValue("5");
  await create.getByRole("checkbox", { name: "Unlimited Max folder size" }).uncheck();
  await create.getByLabel("Max folder size", { exact: true }).fill("much");
  await create.getByLabel("Max customized image count", { exact: true }).fill("-1");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText("An amount such as 100 GiB, or tick the box below.")).toBeVisible();
  await expect(create.getByText("A whole number from 0, such as 3.")).toBeVisible();
  await expect(create.getByLabel("Name", { exact: true })).toHaveValue(name);
  await expect(folders).toHaveValue("5");
  await create.getByLabel("Max folder size", { exact: true }).fill("100 GiB");
  await create.getByLabel("Max customized image count", { exact: true }).fill("2");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toContainText("100 GiB");

  await page.getByRole("button", { name: "Tools" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = page.getByRole("dialog", { name: "Export CSV File" });
  await expect(file.getByLabel("File name")).toHaveValue("user-resource-policies");
  await file.getByLabel("File name").fill("a/b");
  await expect(file.getByText(/^Leave out/)).toBeVisible();
  await file.getByLabel("File name").fill("user-resource-policies");
  const [download] = await Promise.all([page.waitForEvent("download"), file.getByRole("link", { name: "Export" }).click()]);
  expect(download.suggestedFilename()).toBe("user-resource-policies.csv");
  expect(readFileSync(await download.path(), "utf8")).toContain(name);
});

test("a row marks unlimited amounts, and a policy's details have their own address", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const [open, shut, folders, networks] = [unique("open"), unique("shut"), unique("endless"), unique("boundless")];
  await yard.call("save_keypair_policy", { save: { policy: keypairPolicy(open), revision: null } });
  const only = { ...keypairPolicy(shut), total: { cpu: "2" }, others_unlimited: false };
  await yard.call("save_keypair_policy", { save: { policy: only, revision: null } });
  await yard.goto(`/resource-policy?f=name.equals.${shut}`);
  await expect(page.getByRole("row", { name: new RegExp(shut) })).toContainText("CPU 2 · nothing else");
  await yard.goto(`/resource-policy?f=name.equals.${open}`);
  await expect(page.getByRole("row", { name: new RegExp(open) })).toContainText("CPU ∞ · RAM ∞");
  const file = await (await page.request.get(`${yard.server.url}/export/keypair_policies.csv?f=name.equals.${open}`)).text();
  expect(file).toContain(`\n${open},CPU ∞ · RAM ∞,∞,`);
  await page.getByRole("button", { name: `Info of ${open}` }).click();
  const details = page.getByRole("dialog", { name: `Resource Policy: '${open}'` });
  await expect(details).toContainText("CPU ∞ · RAM ∞");
  await page.reload();
  await live(page);
  await expect(details).toContainText("∞");
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(new RegExp(`\\?f=name\\.equals\\.${open}$`));
  await yard.call("save_user_policy", { save: { policy: userPolicy(folders), revision: null } });
  await yard.goto(`/resource-policy/user?f=name.equals.${folders}`);
  await expect(page.getByRole("row", { name: new RegExp(folders) }).getByRole("cell", { name: "∞", exact: true })).toHaveCount(2);
  const endless = { name: networks, max_folders: 1, max_folder_bytes: null, max_networks: null };
  await yard.call("save_project_policy", { save: { policy: endless, revision: null } });
  await yard.goto(`/resource-policy/project?f=name.equals.${networks}`);
  await expect(page.getByRole("row", { name: new RegExp(networks) }).getByRole("cell", { name: "∞", exact: true })).toHaveCount(2);
});

test("the second to save sees what they replace, and may keep their values", async ({ yard }) => {
  test.setTimeout(90_000);
  await yard.signIn();
  const name = unique("mine");
  await yard.call("save_user_policy", { save: { policy: userPolicy(name), revision: null } });
  const theirs = await yard.window();
  await yard.signIn(await yard.person(unique("second"), "superadmin"), PASSWORD, theirs);
  for (const page of [yard.page, theirs]) {
    await yard.goto(`/resource-policy/user?f=name.equals.${name}`, page);
    await page.getByRole("button", { name: `Edit ${name}` }).click();
  }
  const images = "Max customized image count";
  const first = yard.page.getByRole("dialog", { name: "Update Resource Policy" });
  await first.getByLabel(images, { exact: true }).fill("5");
  await first.getByRole("button", { name: "Save" }).click();
  await expect(yard.page.getByText("Resource policy successfully updated.")).toBeVisible();
  const second = theirs.getByRole("dialog", { name: "Update Resource Policy" });
  await second.getByLabel(images, { exact: true }).fill("7");
  await second.getByRole("button", { name: "Save", exact: true }).click();
  const notice = second.getByRole("region", { name: "Theirs" });
  await expect(notice.getByRole("row", { name: new RegExp(images) }).getByRole("cell")).toHaveText(["5", "7"]);
  await notice.getByRole("button", { name: "Save mine" }).click();
  await expect(theirs.getByText("Resource policy successfully updated.")).toBeVisible();
  await expect(yard.page.getByRole("row", { name: new RegExp(name) }).getByRole("cell", { name: "7", exact: true })).toBeVisible();
});

test("a policy with followers is saved with the second press, and a further change is shown again", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("asked");
  await yard.call("save_keypair_policy", { save: { policy: keypairPolicy(name), revision: null } });
  const email = await yard.person(unique("follower"));
  await yard.call("create_keypair", { keypair: { owner: email, policy: name, rate_limit: 100 } });
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Update Resource Policy" });
  await edit.getByLabel("Cluster size", { exact: true }).fill("0");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(edit.getByText("A whole number from 1 to 1000.")).toBeVisible();
  await edit.getByLabel("Cluster size", { exact: true }).fill("4");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(edit.getByRole("status")).toContainText(`1 keypair uses this policy: ${email}`);
  await expect(edit.getByRole("button", { name: "Save anyway" })).toBeVisible();
  await edit.getByLabel("Cluster size", { exact: true }).fill("6");
  await Promise.all([page.waitForResponse(/policy_effect/), edit.getByRole("button", { name: "Save anyway" }).click()]);
  await expect(edit.getByRole("button", { name: "Save anyway" })).not.toHaveAttribute("aria-busy", "true");
  await edit.getByRole("button", { name: "Save anyway" }).click();
  await expect(page.getByText("Resource policy successfully updated.")).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(name) }).getByRole("cell", { name: "6", exact: true })).toBeVisible();
});

test("an amount with a point is typed key by key", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("half");
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await create.getByLabel("Name", { exact: true }).fill(name);
  await create.getByRole("checkbox", { name: "Unlimited CPU", exact: true }).uncheck();
  const cores = create.getByLabel("CPU", { exact: true });
  await cores.pressSequentially("0.5");
  await expect(cores).toHaveValue("0.5");
  await create.getByLabel("Cluster size", { exact: true }).fill("2");
  await create.getByLabel("Cluster size", { exact: true }).press("ArrowUp");
  await expect(create.getByLabel("Cluster size", { exact: true })).toHaveValue("3");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toContainText("CPU 0.5");
});

test("the projects of a deleted policy follow another one, and a policy without followers is deleted at once", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const [followed, lonely, lab] = [unique("networks"), unique("lonely"), unique("lab")];
  for (const name of [followed, lonely]) {
    const policy = { name, max_folders: 1, max_folder_bytes: null, max_networks: null };
    await yard.call("save_project_policy", { save: { policy, revision: null } });
  }
  await yard.call("create_project", { project: { name: lab, domain: (await yard.defaultDomain()).id, policy: followed } });
  await yard.goto(`/resource-policy/project?f=name.equals.${followed}`);
  await page.getByRole("button", { name: `Delete ${followed}` }).click();
  const dialog = page.getByRole("dialog", { name: `Delete Policy '${followed}'` });
  await expect(dialog).toContainText(`1 project uses this policy: ${lab}`);
  await dialog.getByLabel("Move them to", { exact: true }).selectOption("default");
  await dialog.getByRole("button", { name: "Move and delete" }).click();
  await expect(page.getByText("Resource policy successfully deleted.")).toBeVisible();
  await yard.goto(`/projects?f=name.equals.${lab}`);
  const project = page.getByRole("row", { name: new RegExp(lab) });
  await expect(project).toBeVisible();
  await expect(project).not.toContainText(followed);

  await yard.goto(`/resource-policy/project?f=name.equals.${lonely}`);
  await page.getByRole("button", { name: `Delete ${lonely}` }).click();
  const alone = page.getByRole("dialog", { name: `Delete Policy '${lonely}'` });
  await expect(alone).toContainText("This cannot be undone.");
  await alone.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByRole("button", { name: `Delete ${lonely}` })).toHaveCount(0);

  // The policy that everything new follows cannot be deleted, and the dialog says so.
  for (const [path, who] of [["/resource-policy", "keypairs"], ["/resource-policy/user", "people"], ["/resource-policy/project", "projects"]]) {
    await yard.goto(`${path}?f=name.equals.default`);
    await page.getByRole("button", { name: "Delete default", exact: true }).click();
    const stays = page.getByRole("dialog", { name: "Delete Policy 'default'" });
    await expect(stays).toContainText(`New ${who} use the policy default, so it cannot be deleted. Change its limits instead.`);
    await expect(stays.getByRole("button", { name: /delete/i })).toHaveCount(0);
    await stays.getByRole("button", { name: "Cancel" }).click();
    await expect(stays).toBeHidden();
  }
});

test("every number of a keypair policy has its own field, and appears in the details and in the file", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("numbers");
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: "Tools" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const nothing = page.getByRole("dialog", { name: "Export CSV File" });
  await expect(nothing.getByText("There is nothing to export.")).toBeVisible();
  await expect(nothing.getByRole("button", { name: "Export" })).toBeDisabled();
  await nothing.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await create.getByLabel("Name", { exact: true }).fill(name);
  await create.getByLabel("Cluster size", { exact: true }).fill("6");
  for (const [label, number] of [
    ["Session lifetime (sec.)", "86401"], ["Max pending session count", "12"], ["Concurrent jobs", "34"], ["Idle timeout (sec.)", "5678"],
    ["Max concurrent SFTP sessions", "9"], ["Max folders (deprecated)", "77"],
  ]) {
    await create.getByRole("checkbox", { name: `Unlimited ${label}`, exact: true }).uncheck();
    await create.getByLabel(label, { exact: true }).fill(number);
  }
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();
  await page.getByRole("button", { name: `Info of ${name}` }).click();
  const details = page.getByRole("dialog", { name: `Resource Policy: '${name}'` });
  for (const [label, number] of [
    ["Concurrent jobs", "34"], ["Cluster size", "6"], ["Idle timeout (s)", "5678"], ["Session lifetime (s)", "86401"],
    ["Max pending sessions", "12"], ["Max concurrent SFTP sessions", "9"], ["Max folders (deprecated)", "77"],
  ]) {
    const term = details.locator("dt").filter({ hasText: new RegExp(`^${label.replace(/[()]/g, "\\$&")}$`) });
    await expect(term.locator("xpath=following-sibling::dd[1]")).toHaveText(number);
  }
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Tools" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = page.getByRole("dialog", { name: "Export CSV File" });
  const [download] = await Promise.all([page.waitForEvent("download"), file.getByRole("link", { name: "Export" }).click()]);
  const [header, line] = readFileSync(await download.path(), "utf8").trim().split(/\r?\n/);
  expect(header).toBe(
    "Name,Resource policy,Other resources,Concurrent jobs,Cluster size,Idle timeout (s),Session lifetime (s),Disk per session,Storage hosts," +
      "Max pending sessions,Max concurrent SFTP sessions,Max folders (deprecated),Used by,Created",
  );
  expect(line).toMatch(new RegExp(`^${name},CPU ∞ · RAM ∞,∞,34,6,5678,86401,10 GiB,,12,9,77,0,\\d{4}-`));
});

test("the people of a deleted user policy follow another one", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("pupils");
  await yard.call("save_user_policy", { save: { policy: userPolicy(name), revision: null } });
  const email = await yard.person(unique("student"));
  const people = await yard.call<{ rows: { id: string }[] }>("users", {
    query: { tab: "active", subtab: "", conditions: [{ key: "email", op: "equals", value: email }], sort: "created_at", descending: true, page: 1, per: 10 },
  });
  const { id } = people.rows[0];
  await yard.call("edit_user", { id, edit: { policy: name } });
  await yard.goto(`/resource-policy/user?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  const dialog = page.getByRole("dialog", { name: `Delete Policy '${name}'` });
  await expect(dialog).toContainText(`1 person uses this policy: ${email}.`);
  await dialog.getByLabel("Move them to", { exact: true }).selectOption("default");
  await dialog.getByRole("button", { name: "Move and delete" }).click();
  await expect(page.getByText("Resource policy successfully deleted.")).toBeVisible();
  await expect(page.getByRole("button", { name: `Delete ${name}` })).toHaveCount(0);
  expect((await yard.call<{ row: { policy: string } }>("user", { id })).row.policy).toBe("default");
});

test("a project policy without limits shows ∞, keeps its name when it is changed, and is exported", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("shared");
  await yard.goto("/resource-policy");
  await page.getByRole("navigation", { name: "Kinds of policy" }).getByRole("link", { name: "Project" }).click();
  await expect(page.getByRole("table", { name: "Project policies" })).toBeVisible();
  await yard.goto(`/resource-policy/project?f=name.equals.${name}`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await expect(create.getByText("may affect all users who use it, so use it with caution.")).toBeVisible();
  await create.getByLabel("Name", { exact: true }).fill(name);
  for (const limit of ["Max folder count", "Max folder size", "Max network count"]) {
    await expect(create.getByRole("checkbox", { name: `Unlimited ${limit}` })).toBeChecked();
  }
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row.getByRole("cell", { name: "∞", exact: true })).toHaveCount(3);

  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Update Resource Policy" });
  await expect(edit.getByText("The name cannot be changed.")).toBeVisible();
  await expect(edit.getByLabel("Name", { exact: true })).toHaveCount(0);
  await edit.getByRole("checkbox", { name: "Unlimited Max network count" }).uncheck();
  await edit.getByLabel("Max network count", { exact: true }).fill("3");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Resource policy successfully updated.")).toBeVisible();
  await expect(row.getByRole("cell", { name: "3", exact: true })).toBeVisible();
  await expect(row.getByRole("cell", { name: "∞", exact: true })).toHaveCount(2);

  await page.getByRole("button", { name: "Tools" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = page.getByRole("dialog", { name: "Export CSV File" });
  await file.getByLabel("File name").fill("limits of projects");
  const [download] = await Promise.all([page.waitForEvent("download"), file.getByRole("link", { name: "Export" }).click()]);
  expect(download.suggestedFilename()).toBe("limits of projects.csv");
  const text = readFileSync(await download.path(), "utf8");
  expect(text.startsWith("\ufeff")).toBe(true);
  // A byte order mark is white space, too.
  const lines = text.trim().split(/\r?\n/);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe("Name,Max folder count,Max folder size,Max network count,Used by,Created");
  expect(lines[1]).toMatch(new RegExp(`^${name},∞,∞,3,0,\\d{4}-`));
});

test("a new policy can be chosen for a keypair behind its gear, and the keypair's row shows it", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const [name, who] = [unique("chosen"), unique("keyed")];
  const email = await yard.person(who);
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await create.getByLabel("Name", { exact: true }).fill(name);
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();

  await yard.goto(`/credentials?f=owner.contains.${who}`);
  const row = page.getByRole("row", { name: new RegExp(who) });
  await expect(row.getByRole("cell", { name: "default", exact: true })).toBeVisible();
  await row.getByRole("button", { name: /^Edit AKIA/ }).click();
  const limits = page.getByRole("dialog", { name: "Modify keypair resource policy" });
  await limits.getByRole("combobox").selectOption(name);
  await limits.getByRole("button", { name: "Save", exact: true }).click();
  await expect(limits).toBeHidden();
  await expect(row.getByRole("cell", { name, exact: true })).toBeVisible();
  await expect(row.getByRole("cell", { name: "default", exact: true })).toHaveCount(0);
  expect(await yard.call("policy_followers", { kind: "keypair", name })).toEqual({ count: 1, first: [email] });
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("link", { name: `1 keypair that uses ${name}`, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/credentials\\?f=policy\\.equals\\.${name}$`));
  await expect(row.getByRole("cell", { name, exact: true })).toBeVisible();
});

test("each of the three policy tables shows its own chosen columns", async ({ yard }) => {
  test.setTimeout(90_000);
  await yard.signIn();
  const page = await yard.window();
  // A person of its own, since chosen columns are kept per person.
  await yard.signIn(await yard.person(unique("columns"), "superadmin"), PASSWORD, page);
  for (const [path, hidden] of [
    ["/resource-policy", "Idle timeout (sec.)"], ["/resource-policy/user", "Max customized image count"], ["/resource-policy/project", "Max network count"],
  ]) {
    await yard.goto(path, page);
    const header = page.getByRole("columnheader", { name: hidden });
    await expect(header).toBeVisible();
    await page.getByRole("button", { name: "Choose columns" }).click();
    const dialog = page.getByRole("dialog", { name: "Columns" });
    await expect(dialog.getByRole("checkbox", { name: "Name", exact: true })).toBeDisabled();
    await dialog.getByRole("checkbox", { name: hidden, exact: true }).uncheck();
    const kept = page.waitForResponse((answer) => answer.url().endsWith("/call/set_columns"));
    await dialog.getByRole("button", { name: "Apply" }).click();
    await expect(header).toHaveCount(0);
    await kept;
    await page.reload();
    await expect(page.getByRole("columnheader", { name: "Used by" })).toBeVisible();
    await expect(header).toHaveCount(0);
  }
  // A column that is hidden until it is chosen.
  await yard.goto("/resource-policy", page);
  await page.getByRole("button", { name: "Choose columns" }).click();
  const dialog = page.getByRole("dialog", { name: "Columns" });
  await dialog.getByRole("checkbox", { name: "Other resources", exact: true }).check();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("columnheader", { name: "Other resources" })).toBeVisible();
});

test("a monitor and a domain admin can read policies and presets, and cannot change them", async ({ yard }) => {
  test.setTimeout(90_000);
  await yard.signIn();
  for (const role of ["monitor", "admin"]) {
    const page = await yard.window();
    await yard.signIn(await yard.person(unique(role), role), PASSWORD, page);
    await yard.goto("/resource-policy", page);
    const menu = page.getByRole("navigation", { name: "Main" });
    for (const item of ["Resource policies", "Resource presets"]) await expect(menu.getByRole("link", { name: item })).toBeVisible();
    await expect(menu.getByRole("link", { name: "Configurations" })).toHaveCount(role === "monitor" ? 1 : 0);
    await expect(page.getByRole("button", { name: "Create", exact: true })).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Edit default" })).toHaveCount(0);
    await page.getByRole("button", { name: "Info of default" }).click();
    await expect(page.getByRole("dialog", { name: "Resource Policy: 'default'" })).toContainText("Concurrent jobs");
    await yard.goto("/resource-presets", page);
    await expect(page.getByRole("button", { name: "Create Presets" })).toHaveCount(0);
    const settings = await page.goto(`${yard.server.url}/settings`);
    expect(settings!.status()).toBe(role === "monitor" ? 200 : 403);
    await expect(page.getByRole("button", { name: "Config" })).toHaveCount(0);
    await expect(menu.getByRole("link", { name: "Maintenance" })).toHaveCount(0);
    expect((await page.goto(`${yard.server.url}/maintenance`))!.status()).toBe(403);
  }
});
