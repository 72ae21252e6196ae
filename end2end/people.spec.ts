// Accounts and keypairs, as an administrator and their owner use them.
import { expect, PASSWORD, test, unique } from "./yard";

test("a person is created, their keypair shown once, edited, deactivated and brought back", async ({ yard }) => {
  const { page } = yard;
  const name = unique("life");
  await yard.signIn();
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create user" }).click();
  const create = page.getByRole("dialog", { name: "Create user" });
  await create.getByLabel("Email").fill(`${name}@example.org`);
  await create.getByLabel("Username").fill(name);
  await create.getByRole("textbox", { name: "Password", exact: true }).fill(PASSWORD);
  await create.getByLabel("Password again").fill(PASSWORD);
  await create.getByRole("checkbox", { name: /^Require password change/ }).check();
  await create.getByRole("button", { name: "Create", exact: true }).click();
  const once = page.getByRole("dialog", { name: "Key pair for new users" });
  await expect(once.getByText(/^AKIA/)).toBeVisible();
  const download = page.waitForEvent("download");
  await once.getByRole("link", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("keypairs.csv");
  await once.getByRole("button", { name: "Close", exact: true }).last().click();

  const theirs = await yard.window();
  await yard.byHand(name, PASSWORD, theirs);
  await expect(theirs.getByText("Somebody else chose your password.")).toBeVisible();

  await yard.goto(`/users?f=email.contains.${name}`);
  await page.getByRole("button", { name: `Edit ${name}@example.org` }).click();
  const edit = page.getByRole("dialog", { name: "Edit user" });
  await expect(edit.getByLabel("Username")).toHaveValue(name);
  await edit.getByLabel("Full name").fill("Ada Life");
  await edit.getByText("Advanced").click();
  await edit.getByLabel("Allowed client IPs").fill("nowhere");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(edit.getByText(/Not an IP address or network: nowhere/)).toBeVisible();
  await expect(edit.getByLabel("Full name")).toHaveValue("Ada Life");
  await edit.getByLabel("Allowed client IPs").fill("127.0.0.1, 10.0.0.0/8");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toContainText("Ada Life");

  await page.getByRole("row", { name: new RegExp(name) }).getByRole("button", { name: "Deactivate" }).click();
  await page.getByRole("group", { name: new RegExp(`Deactivate ${name}`) }).getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(0);
  // Signed out at once, even with a page open.
  await expect(theirs).toHaveURL(/\/sign-in/);
  await yard.goto(`/users?tab=inactive&f=email.contains.${name}`);
  await page.getByRole("row", { name: new RegExp(name) }).getByRole("button", { name: "Activate" }).click();
  await page.getByRole("group", { name: new RegExp(`Activate ${name}`) }).getByRole("button", { name: "Activate" }).click();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(0);
  await yard.signIn(name, PASSWORD, theirs);
});

test("a keypair is added, limited, deactivated and deleted; the main one stays", async ({ yard }) => {
  const { page } = yard;
  const name = unique("keys");
  await yard.signIn();
  const email = await yard.person(name);
  await yard.goto("/credentials");
  await page.getByRole("button", { name: "Add credential" }).click();
  const add = page.getByRole("dialog", { name: "Add credential" });
  await add.getByLabel("User ID").fill("nobody-at-all");
  await add.getByLabel("Rate limit").fill("100");
  await expect(add.getByText(/calls such as signing in may be blocked/)).toBeVisible();
  await add.getByRole("button", { name: "Save" }).click();
  await expect(add.getByText(/No such person/)).toBeVisible();
  await expect(add.getByLabel("Rate limit")).toHaveValue("100");
  await add.getByLabel("User ID").fill(email);
  await add.getByRole("button", { name: "Save" }).click();
  const once = page.getByRole("dialog", { name: "Key pair for new users" });
  const key = (await once.getByText(/^AKIA/).textContent())!;
  await page.keyboard.press("Escape");

  await yard.goto(`/credentials?f=owner.contains.${name}`);
  await expect(page.locator(".pager-text")).toHaveText("1–2 of 2 credentials");
  await page.getByRole("button", { name: `Edit ${key}` }).click();
  const limits = page.getByRole("dialog", { name: "Modify keypair resource policy" });
  await limits.getByLabel("Rate limit").fill("100");
  await expect(limits.getByText(/calls such as signing in may be blocked/)).toBeVisible();
  await limits.getByLabel("Rate limit").fill("60000");
  await limits.getByRole("button", { name: "Save" }).click();
  await expect(limits.getByText("A whole number from 0 to 50,000.")).toBeVisible();
  await limits.getByLabel("Rate limit").fill("50000");
  await limits.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: new RegExp(key) })).toContainText("50,000");

  // The main one can be neither deactivated nor deleted; the other one can.
  await expect(page.getByRole("button", { name: "Deactivate" })).toHaveCount(1);
  await page.getByRole("button", { name: "Deactivate" }).click();
  await page.getByRole("group", { name: new RegExp(`Deactivate ${key}`) }).getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByRole("row", { name: new RegExp(key) })).toHaveCount(0);
  await yard.goto(`/credentials?tab=inactive&f=owner.contains.${name}`);
  await page.getByRole("button", { name: "Activate" }).click();
  await page.getByRole("group", { name: new RegExp(`Activate ${key}`) }).getByRole("button", { name: "Activate" }).click();
  await expect(page.locator(".pager-text", { hasText: "No credentials" })).toBeVisible();
  // Its detail, where the secret key can be shown and copied.
  await yard.goto(`/credentials?key=${key}`);
  const drawer = page.getByRole("dialog", { name: "Keypair detail" });
  await expect(drawer.getByText(email)).toBeVisible();
  await drawer.getByRole("button", { name: "Show the secret key" }).click();
  await expect(drawer.locator("code").filter({ hasText: /^[\w-]{40}$/ })).toBeVisible();
  await expect(drawer.getByRole("button", { name: "Copy the secret key" })).toBeVisible();
  await yard.call("edit_keypair", { access_key: key, edit: { active: false } });
  await yard.goto(`/credentials?tab=inactive&f=owner.contains.${name}`);
  await page.getByRole("button", { name: "Delete" }).click();
  const ask = page.getByRole("dialog", { name: new RegExp(`Delete ${key}`) });
  await expect(ask.getByText("This cannot be undone.")).toBeVisible();
  await ask.getByRole("button", { name: "Delete" }).click();
  await expect(page.locator(".pager-text", { hasText: "No credentials" })).toBeVisible();
});

test("people manage their own keypairs and password", async ({ yard }) => {
  const name = unique("self");
  await yard.signIn();
  await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  await yard.goto("/account", page);
  await page.getByRole("button", { name: "Show the secret key" }).click();
  await expect(page.locator("code").filter({ hasText: /^[\w-]{40}$/ })).toBeVisible();
  await page.getByRole("button", { name: "Add keypair" }).click();
  await expect(page.getByRole("dialog", { name: "Key pair for new users" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Make main" }).click();
  await expect(page.getByText("This is your main keypair now.")).toBeVisible();

  const settings = page.getByRole("region", { name: "From your own programs" });
  await expect(settings.getByText(/BACKEND_ACCESS_KEY=AKIA/)).toContainText("<your secret key>");
  await settings.getByRole("button", { name: "Fill in the secret key" }).click();
  await expect(settings.getByText(/BACKEND_SECRET_KEY=[\w-]{40}/)).toBeVisible();

  await page.getByRole("button", { name: "Change password" }).click();
  const dialog = page.getByRole("dialog", { name: "Change password" });
  await dialog.getByLabel("Current password").fill("Wrong-Horse-1");
  await dialog.getByRole("textbox", { name: "New password", exact: true }).fill("Another-Horse-1");
  await dialog.getByLabel("New password again").fill("Another-Horse-1");
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await expect(dialog.getByText(/Wrong password/)).toBeVisible();
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await expect(page.getByText("Your password was changed.")).toBeVisible();
});
