// Creating many people at once, and changing several alike.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, unique } from "./yard";

test("people are created by a pattern, looked at first, with passwords shown once", async ({ yard }) => {
  const { page } = yard;
  const prefix = unique("class");
  await yard.signIn();
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create many" }).click();
  const dialog = page.getByRole("dialog", { name: "Create many users" });
  await dialog.getByLabel("Before the number").fill(`${prefix}-`);
  await dialog.getByLabel("How many").fill("101");
  await dialog.getByLabel("Email, after the @").fill("example.org");
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await expect(dialog.getByText("A whole number from 1 to 100.")).toBeVisible();
  await dialog.getByLabel("How many").fill("12");
  await expect(dialog.getByText(`${prefix}-01 to ${prefix}-12`)).toBeVisible();
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await expect(dialog.getByText("12 people would be created.")).toBeVisible();
  await expect(dialog.getByRole("cell", { name: `${prefix}-12@example.org` })).toBeVisible();
  // What changes after the look is looked at again.
  await dialog.getByLabel("How many").fill("11");
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await dialog.getByRole("button", { name: "Create 11 people" }).click();
  const once = page.getByRole("dialog", { name: "New users" });
  await expect(once.getByRole("row")).toHaveCount(12);
  const password = (await once.getByRole("row", { name: new RegExp(`${prefix}-03`) }).locator("code").first().textContent())!;
  const download = page.waitForEvent("download");
  await once.getByRole("button", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("users.csv");
  await once.getByRole("button", { name: "Close", exact: true }).last().click();
  const theirs = await yard.window();
  await yard.signIn(`${prefix}-03`, password, theirs);
  await expect(theirs.getByText("Somebody else chose your password.")).toBeVisible();
});

test("a file's mistakes are named by line and column, put right in place, and then all are created", async ({ yard }) => {
  const { page } = yard;
  const name = unique("file");
  await yard.signIn();
  const file = join(mkdtempSync(join(tmpdir(), "people-")), "people.csv");
  writeFileSync(file, `email,username,full_name,role\n${name}-a@example.org,${name}-a,"Ek, Ann",user\n${name}-b@example.org,${name}-a,,queen\n`);
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create many" }).click();
  const dialog = page.getByRole("dialog", { name: "Create many users" });
  await dialog.getByRole("radio", { name: "From a CSV file" }).check();
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await expect(dialog.getByText("Choose a file, or write its lines here.")).toBeVisible();
  await dialog.getByLabel("CSV file", { exact: true }).setInputFiles(file);
  await expect(dialog.getByLabel("Its lines")).toHaveValue(/queen/);
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await expect(dialog.getByRole("alert")).toHaveText(/1 of 2 lines have something wrong, 2 values in all/);
  await expect(dialog.getByRole("row", { name: /role/ })).toContainText("Allowed are superadmin, admin, user and monitor.");
  await expect(dialog.getByRole("row", { name: /username/ })).toContainText("Line 2 has the same");
  const right = (await dialog.getByLabel("Its lines").inputValue()).replace("queen", "user").replace(`.org,${name}-a,,`, `.org,${name}-b,,`);
  await dialog.getByLabel("Its lines").fill(right);
  await dialog.getByRole("button", { name: "Look at it first" }).click();
  await dialog.getByRole("button", { name: "Create 2 people" }).click();
  await page.getByRole("dialog", { name: "New users" }).getByRole("button", { name: "Close", exact: true }).last().click();
  await yard.goto(`/users?f=email.contains.${name}`);
  await expect(page.getByRole("row", { name: new RegExp(`${name}-a`) })).toContainText("Ek, Ann");
  await expect(page.getByText("1–2 of 2 users")).toBeVisible();
});

test("several people get other numbers and another status together, and what was done stands in their history", async ({ yard }) => {
  const { page } = yard;
  const name = unique("bulk");
  await yard.signIn();
  for (const who of ["a", "b"]) await yard.person(`${name}-${who}`);
  await yard.goto(`/users?f=email.contains.${name}`);
  await page.getByRole("checkbox", { name: "Select every row of this page" }).check();
  await expect(page.getByText("2 selected")).toBeVisible();
  await page.locator(".bulk").getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog", { name: "Update users" });
  await expect(dialog.getByText(`${name}-a@example.org`)).toBeVisible();
  await dialog.getByRole("button", { name: "Update" }).click();
  await expect(dialog.getByText(/Nothing would change/)).toBeVisible();
  await dialog.getByLabel("Container UID").fill("zero");
  await dialog.getByRole("button", { name: "Update" }).click();
  await expect(dialog.getByText(/A whole number from 1/)).toBeVisible();
  await dialog.getByLabel("Container UID").fill("1500");
  await dialog.getByLabel("Supplementary GIDs").fill("20, 30");
  await dialog.getByLabel("User status").selectOption({ label: "Before verification" });
  await dialog.getByRole("button", { name: "Update" }).click();
  await expect(page.getByText("Updated 2 out of 2 users.")).toBeVisible();
  await yard.goto(`/users?tab=inactive&f=email.contains.${name}`);
  await page.getByRole("link", { name: `${name}-b@example.org` }).click();
  const drawer = page.getByRole("dialog", { name: "User detail" });
  await expect(drawer.getByText("1500")).toBeVisible();
  await expect(drawer.getByText("20, 30")).toBeVisible();
  // What was done stands in the History tab, which has an address of its own.
  await drawer.getByRole("link", { name: "History", exact: true }).click();
  await expect(drawer.getByRole("link", { name: "edit user" })).toBeVisible();
  await page.reload();
  await expect(drawer.getByRole("link", { name: "create user" })).toBeVisible();
});
