// The components' general promises, tried in the gallery of a debug build.
import { expect, test } from "./yard";

test("a typed confirmation is required again when the question is opened again", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/gallery");
  const open = page.getByRole("button", { name: "Delete for ever", exact: true }).first();
  const dialog = page.getByRole("dialog", { name: "Delete this for ever?" });
  const field = dialog.getByLabel("Type name to confirm");
  const confirm = dialog.getByRole("button", { name: "Delete for ever", exact: true });
  for (const leave of [() => dialog.getByRole("button", { name: "Cancel" }).click(), () => page.keyboard.press("Escape")]) {
    await open.click();
    await expect(field).toHaveValue("");
    await expect(confirm).toBeDisabled();
    await field.fill("name");
    await expect(confirm).toBeEnabled();
    await leave();
    await expect(dialog).toBeHidden();
  }
});

test("a menu opens at its button", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/gallery");
  const button = page.getByRole("button", { name: "Menu", exact: true });
  await button.click();
  const item = page.getByRole("button", { name: "First", exact: true });
  await expect(item).toBeVisible();
  const [at, menu] = [(await button.boundingBox())!, (await page.locator(".menu-popover:popover-open").boundingBox())!];
  expect(Math.abs(menu.x - at.x)).toBeLessThan(3);
  expect(Math.min(Math.abs(menu.y - at.y - at.height), Math.abs(menu.y + menu.height - at.y))).toBeLessThan(8);
});

test("a select shows its form's value, no matter what changed it last", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/gallery");
  const select = page.getByLabel("One of a list", { exact: true });
  const radio = (name: string) => page.getByRole("group", { name: "One of a few" }).getByRole("radio", { name });
  for (const _ of [1, 2]) {
    await select.selectOption("b");
    await expect(radio("Second")).toBeChecked();
    await radio("First").check();
    await expect(select).toHaveValue("a");
    await radio("Second").check();
    await expect(select).toHaveValue("b");
    await select.selectOption("a");
    await expect(radio("First")).toBeChecked();
  }
});
