// Presets and the cluster's settings: typed values in forms, and the effect of the settings.
import { discard, expect, test, unique } from "./yard";

test("a preset's name is unique, and a second one is refused at the field with nothing lost", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("preset");
  await yard.call("save_preset", {
    save: { preset: { name, slots: { cpu: "1", mem: String(1 << 30) }, shared_memory: null, resource_group: null }, revision: null },
  });
  await yard.goto(`/resource-presets?f=name.equals.${name}`);
  await page.getByRole("button", { name: "Create Presets" }).click();
  const create = page.getByRole("dialog", { name: "Create Resource Preset" });
  await create.getByLabel("Preset name", { exact: true }).fill(name);
  await create.getByLabel("CPU", { exact: true }).fill("2");
  await create.getByLabel("Memory", { exact: true }).fill("4");
  // No agent here has one.
  await expect(create.getByLabel(/GPU|cuda/)).toHaveCount(0);
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await expect(create.getByText("A resource preset with this name already exists. Choose another name.")).toBeVisible();
  await expect(create.getByLabel("Preset name", { exact: true })).toBeFocused();
  await expect(create.getByLabel("CPU", { exact: true })).toHaveValue("2");
  await discard(create);

  const row = page.getByRole("row", { name: new RegExp(name) });
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  const edit = page.getByRole("dialog", { name: "Modify Resource Preset" });
  await expect(edit.getByLabel("Preset name", { exact: true })).toHaveCount(0);
  await edit.getByLabel("Memory", { exact: true }).fill("8 GiB");
  await edit.getByRole("button", { name: "Save", exact: true }).click();
  await expect(row).toContainText("CPU 1 · RAM 8 GiB");
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`f=name\\.equals\\.${name}&preset=${name}`));
  await expect(page.getByRole("dialog", { name: "Resource preset" })).toContainText("8 GiB of memory");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("dialog", { name: `Delete the preset ${name}?` }).getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("Resource preset is successfully deleted.")).toBeVisible();
  await expect(row).toHaveCount(0);
});

test("groups follow the system's scheduler, and the retries are kept until it is FIFO again", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/settings");
  const values = page.getByRole("region", { name: "Scheduler" }).locator("dd");
  const dialog = page.getByRole("dialog", { name: "Scheduler" });
  const retries = dialog.getByLabel("Session creation retries", { exact: true });
  const unset = dialog.getByRole("checkbox", { name: "Unset Session creation retries" });
  const save = async (expected: string[]) => {
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    await expect(values).toHaveText([...expected, "20 % of a CPU core"]);
    await expect(dialog).toBeHidden();
  };
  await page.getByRole("button", { name: "Config" }).click();
  await unset.uncheck();
  await retries.fill("1001");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await expect(dialog.getByText("A whole number from 0 to 1000, or leave it empty.")).toBeVisible();
  await retries.fill("7");
  const idle = dialog.getByLabel("Idle below (% of a CPU core)");
  await idle.fill("101");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await expect(dialog.getByText("A whole number from 1 to 100.")).toBeVisible();
  await idle.fill("20");
  await save(["FIFO", "7"]);
  await page.getByRole("button", { name: "Config" }).click();
  await retries.fill("9");
  await dialog.getByLabel("Scheduler", { exact: true }).selectOption("drf");
  await expect(retries).toBeDisabled();
  await expect(unset).toBeDisabled();
  await save(["DRF", "7"]);
  await yard.goto("/resource-groups");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const create = page.getByRole("dialog", { name: "Create resource group" });
  await expect(create.getByLabel("Scheduler", { exact: true })).toHaveValue("system");
  await expect(create.getByText("Default: DRF.")).toBeVisible();
  await yard.goto("/settings");
  await page.getByRole("button", { name: "Config" }).click();
  await dialog.getByLabel("Scheduler", { exact: true }).selectOption("fifo");
  await unset.check();
  await save(["FIFO", "3 (not set)"]);
});
