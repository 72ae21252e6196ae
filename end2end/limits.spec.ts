// Resource policies, presets, resource groups and the cluster's settings, as administrators keep them.
import { AxeBuilder } from "@axe-core/playwright";
import { discard, expect, PASSWORD, slots, test, unique } from "./yard";

test("a policy is created with limits, unlimited boxes and hosts, and changed as in the specification's example", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/resource-policy");
  const name = unique("gardener");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Policy" });
  await create.getByLabel("Name", { exact: true }).fill(name);
  await create.getByRole("checkbox", { name: "Unlimited CPU", exact: true }).uncheck();
  await create.getByLabel("CPU", { exact: true }).fill("513");
  await create.getByRole("checkbox", { name: "Unlimited Concurrent jobs" }).uncheck();
  await create.getByLabel("Concurrent jobs").first().fill("101");
  for (const hint of [
    "twice the memory of the GPUs is good practice", "No effect when agents offer fractional GPUs.", "No effect when agents offer whole GPUs.",
  ]) {
    await expect(create.getByText(hint)).toBeVisible();
  }
  const beyond = [
    ["Memory", "1025", "From 0 to 1 TiB of memory."],
    ["CUDA-capable GPU", "65", "From 0 to 64 GPUs."],
    ["CUDA-capable GPU (fractional)", "257", "From 0 to 256 fGPU."],
    ["Idle timeout (sec.)", "15552001", "A whole number from 0 to 15552000, or unlimited."],
  ];
  for (const [label, amount] of beyond) {
    await create.getByRole("checkbox", { name: `Unlimited ${label}`, exact: true }).uncheck();
    await create.getByLabel(label, { exact: true }).fill(amount);
  }
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText("From 0 to 512 CPU cores.")).toBeVisible();
  await expect(create.getByText("A whole number from 0 to 100, or unlimited.")).toBeVisible();
  for (const [label, , refusal] of beyond) {
    await expect(create.getByLabel(label, { exact: true })).toHaveAccessibleDescription(new RegExp(refusal));
    await create.getByRole("checkbox", { name: `Unlimited ${label}`, exact: true }).check();
  }
  await expect(create.getByLabel("Name", { exact: true })).toHaveValue(name);
  await create.getByLabel("CPU", { exact: true }).fill("8");
  await create.getByLabel("Concurrent jobs").first().fill("100");
  await create.getByLabel("Add an allowed host").fill("nas-1");
  await create.getByRole("button", { name: "Add host" }).click();
  await create.getByRole("checkbox", { name: "delete-vfolder" }).uncheck();
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource policy successfully created.")).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("CPU 8");
  await expect(row).toContainText("nas-1");

  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Update Resource Policy" });
  await expect(edit.getByText("The name cannot be changed.")).toBeVisible();
  await edit.getByLabel("CPU", { exact: true }).fill("2");
  await edit.getByRole("checkbox", { name: "Unlimited Memory" }).uncheck();
  await edit.getByLabel("Memory", { exact: true }).fill("4");
  await edit.getByRole("checkbox", { name: "Unlimited CUDA-capable GPU (fractional)" }).uncheck();
  await edit.getByLabel("CUDA-capable GPU (fractional)", { exact: true }).fill("1");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Resource policy successfully updated.")).toBeVisible();
  await expect(row).toContainText("CPU 2 · RAM 4 GiB · fGPU 1");
  await page.getByRole("button", { name: `Info of ${name}` }).click();
  await expect(page.getByRole("dialog", { name: `Resource Policy: '${name}'` })).toContainText("∞");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Tools" }).click();
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = page.getByRole("dialog", { name: "Export CSV File" });
  await file.getByLabel("File name").fill("limits of May");
  const [download] = await Promise.all([page.waitForEvent("download"), file.getByRole("link", { name: "Export" }).click()]);
  expect(download.suggestedFilename()).toBe("limits of May.csv");
});

test("of two administrators who change a policy at once, the second sees the first's values and chooses", async ({ yard }) => {
  test.setTimeout(90_000);
  await yard.signIn();
  const name = unique("twice");
  await yard.call("save_keypair_policy", { save: { policy: policy(name), revision: null } });
  const theirs = await yard.window();
  await yard.signIn(await yard.person(unique("other"), "superadmin"), PASSWORD, theirs);
  for (const page of [yard.page, theirs]) {
    await yard.goto(`/resource-policy?f=name.equals.${name}`, page);
    await page.getByRole("button", { name: `Edit ${name}` }).click();
  }
  const mine = yard.page.getByRole("dialog", { name: "Update Resource Policy" });
  await mine.getByLabel("Cluster size").fill("4");
  await mine.getByRole("button", { name: "Save" }).click();
  await expect(yard.page.getByText("Resource policy successfully updated.")).toBeVisible();
  const second = theirs.getByRole("dialog", { name: "Update Resource Policy" });
  await second.getByLabel("Cluster size").fill("7");
  await second.getByRole("button", { name: "Save" }).click();
  const notice = second.getByRole("region", { name: "Theirs" });
  await expect(notice.getByRole("row", { name: /Cluster size/ })).toContainText("4");
  await expect(notice.getByRole("row", { name: /Cluster size/ })).toContainText("7");
  await notice.getByRole("button", { name: "Take theirs" }).click();
  await expect(second.getByLabel("Cluster size")).toHaveValue("4");
  await second.getByLabel("Cluster size").fill("9");
  await second.getByRole("button", { name: "Save" }).click();
  await expect(theirs.getByRole("row", { name: new RegExp(name) })).toContainText("9");
});

test("a policy with followers, active or not, is deleted only with another policy for them", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const name = unique("followed");
  await yard.call("save_keypair_policy", { save: { policy: policy(name), revision: null } });
  const email = await yard.person(unique("gone"));
  const key = await yard.call<{ access_key: string }>("create_keypair", { keypair: { owner: email, policy: name, rate_limit: 100 } });
  await yard.call("edit_keypair", { access_key: key.access_key, edit: { active: false } });
  await expect(yard.call("delete_policy", { kind: "keypair", name, move_to: null })).rejects.toThrow(email);
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  const dialog = page.getByRole("dialog", { name: /Delete/ });
  await expect(dialog).toContainText(`1 keypair uses this policy: ${email}`);
  await dialog.getByLabel(/Move/).selectOption("default");
  await dialog.getByRole("button", { name: /Move/ }).click();
  await expect(page.getByText("Resource policy successfully deleted.")).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(0);
});

test("a policy without followers is deleted after one question", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("lonely");
  await yard.call("save_keypair_policy", { save: { policy: policy(name), revision: null } });
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  const dialog = page.getByRole("dialog", { name: `Delete Policy '${name}'` });
  await expect(dialog).toContainText("Nobody uses it. This cannot be undone.");
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("Resource policy successfully deleted.")).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(0);
});

test("a lower limit shows before it is saved whom it affects and which running sessions exceed it", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const [name, session] = [unique("tight"), unique("running")];
  await yard.call("save_keypair_policy", { save: { policy: policy(name), revision: null } });
  const who = unique("tightly");
  const email = await yard.person(who);
  const theirs = await yard.window();
  await yard.signIn(who, PASSWORD, theirs);
  const keys = await yard.call<{ access_key: string; main: boolean }[]>("my_keypairs", {}, theirs);
  await yard.call("edit_keypair", { access_key: keys.find((key) => key.main)!.access_key, edit: { policy: name } });
  const id = await yard.session({ name: session, command: "sleep 300", slots: slots("0.2", 128) }, theirs);
  await expect.poll(async () => (await yard.call<{ row: { status: string } }>("session", { id })).row.status).toBe("RUNNING");
  await yard.goto(`/resource-policy?f=name.equals.${name}`);
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Update Resource Policy" });
  await edit.getByRole("checkbox", { name: "Unlimited CPU", exact: true }).uncheck();
  await edit.getByLabel("CPU", { exact: true }).fill("0.1");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(edit.getByRole("status")).toContainText(`1 keypair uses this policy: ${email}`);
  await expect(edit.getByRole("status")).toContainText(session);
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Resource policy successfully updated.")).toBeVisible();
  expect((await yard.call<{ row: { status: string } }>("session", { id })).row.status).toBe("RUNNING");
  await yard.goto(`/sessions?session=${id}`);
  await expect(page.getByRole("dialog")).toContainText(`This session belongs to ${email}.`);
  await yard.goto(`/sessions?session=${id}`, theirs);
  await expect(theirs.getByRole("dialog")).toContainText("Duration");
  await expect(theirs.getByText("This session belongs to")).toHaveCount(0);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("presets are unique by name, have less shared memory than memory, and are offered only when they fit", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const [small, huge] = [unique("small"), unique("huge")];
  await yard.goto("/resource-presets");
  await page.getByRole("button", { name: "Create Presets" }).click();
  const dialog = page.getByRole("dialog", { name: "Create Resource Preset" });
  await dialog.getByLabel("Preset name").fill(small);
  await dialog.getByLabel("CPU", { exact: true }).fill("0.5");
  await dialog.getByLabel("Memory", { exact: true }).fill("512 MiB");
  await dialog.getByLabel("Shared memory").fill("1 GiB");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByText("Memory should be larger than shared memory.")).toBeVisible();
  await dialog.getByLabel("Shared memory").fill("64 MiB");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource preset created.")).toBeVisible();
  const preset = (name: string, cpu: string) => ({ name, slots: slots(cpu, 1024), shared_memory: null, resource_group: null });
  await expect(yard.call("save_preset", { save: { preset: preset(small, "1"), revision: null } })).rejects.toThrow(/exists/);
  await yard.call("save_preset", { save: { preset: preset(huge, "500"), revision: null } });
  await yard.goto("/session/start");
  const presets = page.getByRole("group", { name: "Resource presets" });
  await presets.getByRole("button", { name: new RegExp(small) }).click();
  await expect(page.getByLabel("CPU cores")).toHaveValue("0.5");
  await expect(page.getByLabel("Memory", { exact: true })).toHaveValue("512 MiB");
  await expect(presets.getByRole("button", { name: new RegExp(huge) })).toHaveCount(0);
  for (const name of [small, huge]) await yard.call("delete_preset", { name });
});

test("a resource group is created, changed, deactivated, activated again, and deleted by typing its name", async ({ yard }) => {
  test.setTimeout(90_000);
  const { page } = yard;
  await yard.signIn();
  const name = unique("gpus");
  await yard.goto("/resource-groups");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create resource group" });
  await create.getByLabel("Name", { exact: true }).fill(name);
  for (const kind of ["Interactive", "Batch", "Inference"]) await create.getByRole("checkbox", { name: kind, exact: true }).uncheck();
  await create.getByLabel("App proxy address").fill("somewhere");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText("Allow at least one type of session.")).toBeVisible();
  await expect(create.getByText(/An address with http:/)).toBeVisible();
  await create.getByRole("checkbox", { name: "Batch", exact: true }).check();
  await create.getByLabel("App proxy address").fill("http://10.0.0.1:10200");
  await create.getByLabel("Scheduler").selectOption("drf");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Resource group successfully created.")).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("DRF");
  await row.getByRole("link", { name }).click();
  await expect(page.getByRole("dialog", { name: "Resource group" })).toContainText("http://10.0.0.1:10200");
  await page.keyboard.press("Escape");
  await row.getByRole("button", { name: "Deactivate" }).click();
  await page.getByRole("group", { name: new RegExp(`Deactivate ${name}`) }).getByRole("button").click();
  await expect(row).toHaveCount(0);
  await page.getByRole("link", { name: "Inactive" }).click();
  await row.getByRole("button", { name: `Activate ${name}`, exact: true }).click();
  await page.getByRole("group", { name: `Activate ${name}?`, exact: true }).getByRole("button").click();
  await expect(row).toHaveCount(0);
  await page.getByRole("link", { name: "Active", exact: true }).click();
  await expect(row.getByRole("button", { name: "Deactivate" })).toBeVisible();
  await row.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete the resource group ${name}?` });
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("Resource group successfully deleted.")).toBeVisible();
});

test("the cluster's retries can be changed only with FIFO, and recalculating usage reports a result", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/settings");
  await page.getByRole("button", { name: "Config" }).click();
  const dialog = page.getByRole("dialog", { name: "Scheduler" });
  await dialog.getByLabel("Scheduler", { exact: true }).selectOption("drf");
  await expect(dialog.getByText("Currently, changes are only possible when the scheduler is FIFO.")).toBeVisible();
  await expect(dialog.getByLabel("Session creation retries", { exact: true })).toBeDisabled();
  await discard(dialog);
  await page.getByRole("link", { name: "Maintenance" }).click();
  await page.getByRole("button", { name: "Recalculate usage" }).click();
  await expect(page.locator(".toast", { hasText: "Recalculation finished: " })).toBeVisible();
  await expect(page.getByText(/Everything was correct|corrected/)).toBeVisible();
});

test("the address of an unknown session says that it is not found", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/sessions?session=00000000-0000-0000-0000-000000000001");
  await expect(page.getByRole("dialog")).toContainText("No such session, or you do not have access to it.");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
});

test("axe finds nothing on these pages and in their dialogs", async ({ yard }) => {
  test.setTimeout(180_000);
  const { page } = yard;
  await yard.signIn();
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const path of [
      "/resource-policy", "/resource-policy/user", "/resource-policy/project", "/resource-presets", "/resource-groups", "/resource-groups?group=default",
      "/settings", "/scheduler", "/agents",
    ]) {
      await yard.goto(path);
      expect((await new AxeBuilder({ page }).analyze()).violations, `${path} in ${scheme}`).toEqual([]);
    }
    await yard.goto("/resource-policy");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByRole("dialog", { name: "Create Resource Policy" })).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations, `policy dialog in ${scheme}`).toEqual([]);
  }
});

function policy(name: string): Record<string, unknown> {
  return {
    name, total: {}, others_unlimited: true, max_sessions: null, max_pending: null, max_cluster: 1, lifetime: null, idle_timeout: null,
    max_transfers: null, hosts: {},
  };
}
