// Every page, dialog and drawer in both themes, checked by axe, and everything that must work without scripts.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { ADMIN, expect, slots, test, unique } from "./yard";

async function clean(page: Page, what: string): Promise<void> {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    const found = await new AxeBuilder({ page }).analyze();
    const said = found.violations.map((v) => `${v.id}: ${v.help} — ${v.nodes.map((n) => n.target.join(" ")).slice(0, 4).join(", ")}`);
    expect(said, `${what}, ${theme}`).toEqual([]);
  }
}

test("axe finds nothing on any page", async ({ yard }) => {
  test.setTimeout(180_000);
  const { page } = yard;
  await page.goto(`${yard.server.url}/sign-in`);
  await clean(page, "sign-in");
  await page.goto(`${yard.server.url}/forgotten-password`);
  await clean(page, "forgotten password");
  await yard.signIn();
  await yard.session({ command: "echo hello; sleep 2", name: unique("axe") });
  for (const path of ["/sessions", "/sessions?tab=finished", "/session/start", "/scheduler", "/users", "/users?f=email.contains.nobody-has-this", "/credentials", "/projects", "/domains", "/resource-policy", "/resource-policy/user", "/resource-policy/project", "/resource-presets", "/resource-groups", "/settings", "/maintenance", "/audit", "/agents", "/account", "/gallery", "/nowhere"]) {
    await yard.goto(path);
    await clean(page, path);
  }
});

test("axe finds nothing in any drawer, dialog or step of the launcher", async ({ yard }) => {
  test.setTimeout(180_000);
  const { page } = yard;
  await yard.signIn();
  const id = await yard.session({ command: "echo hello; sleep 2", name: unique("axe") });
  for (const panel of ["", "&panel=use", "&panel=log"]) {
    await yard.goto(`/sessions?session=${id}${panel}`);
    await expect(page.getByRole("dialog")).toBeVisible();
    await clean(page, `drawer ${panel}`);
  }
  await yard.goto("/users");
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("dialog", { name: "Create user" })).toBeVisible();
  await clean(page, "create user");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await clean(page, "create user with errors");
  await yard.goto("/sessions");
  await page.getByRole("link", { name: "Start session" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Start session" })).toBeVisible();
  await clean(page, "start session");
  await page.getByRole("radio", { name: /Batch/ }).check();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByText("A batch session needs a command")).toBeVisible();
  await clean(page, "start session with errors");
  await page.getByText("Advanced").click();
  await page.getByRole("button", { name: "Add variable" }).click();
  await clean(page, "start session with what few need");
});

test("axe finds nothing in menus and popovers above a page", async ({ yard }) => {
  test.setTimeout(180_000);
  const { page } = yard;
  await yard.signIn();
  const name = unique("axe-shell");
  const id = await yard.session({ kind: "interactive", command: "", name });

  await yard.goto(`/sessions?session=${id}&panel=terminal`);
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await expect(drawer.getByText("Connected.")).toBeVisible();
  await clean(page, "open terminal");
  await drawer.getByRole("button", { name: "Terminate" }).click();
  const ask = page.getByRole("dialog", { name: `Terminate session ${name}?` });
  await ask.getByRole("checkbox", { name: "Force terminate" }).check();
  await clean(page, "terminate");
  await ask.getByRole("button", { name: "Cancel" }).click();

  await yard.goto("/sessions");
  await page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await clean(page, "selected rows");
  await page.getByRole("button", { name: "Terminate" }).click();
  await expect(page.getByRole("dialog", { name: "Terminate 1 session?" })).toBeVisible();
  await clean(page, "terminate several");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Choose columns" }).click();
  await expect(page.getByRole("dialog", { name: "Columns" })).toBeVisible();
  await clean(page, "columns");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /^Account of/ }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
  await clean(page, "account menu");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await expect(page.getByRole("region", { name: "Notifications" })).toBeVisible();
  await clean(page, "notifications");

  await yard.goto("/users");
  await page.getByRole("link", { name: ADMIN.email }).click();
  await expect(page.getByRole("dialog").getByText("Keypair policy", { exact: true })).toBeVisible();
  await clean(page, "user drawer");

  await page.getByRole("link", { name: "Changes by others" }).click();
  await expect(page.getByRole("link", { name: "All records in the audit trail" })).toBeVisible();
  await clean(page, "history of a user");
  const other = await yard.person(unique("axe-link"));
  await yard.goto(`/users?f=email.equals.${other}`);
  await page.getByRole("link", { name: other, exact: true }).click();
  await page.getByRole("button", { name: "Password link" }).click();
  await page.getByRole("button", { name: "Create link" }).click();
  const link = (await page.getByRole("region", { name: "Password link" }).textContent())!;
  await clean(page, "password link");

  await yard.goto("/users");
  await page.getByRole("button", { name: "Create many" }).click();
  const many = page.getByRole("dialog", { name: "Create many users" });
  await many.getByRole("radio", { name: "From a CSV file" }).check();
  await many.getByLabel("CSV text").fill("email,username\nann@example.org,a b\n");
  await many.getByRole("button", { name: "Preview" }).click();
  await expect(many.getByRole("alert")).toBeVisible();
  await clean(page, "mistakes of a file");
  await page.keyboard.press("Escape");
  await clean(page, "a question before typed text is lost");
  await many.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("checkbox", { name: "Select every row of this page" }).check();
  await page.locator(".bulk").getByRole("button", { name: "Edit" }).click();
  await expect(page.getByRole("dialog", { name: "Update users" })).toBeVisible();
  await clean(page, "update users");

  await yard.goto("/users");
  await page.getByRole("button", { name: `Edit ${ADMIN.email}` }).click();
  await expect(page.getByRole("dialog", { name: "Edit user" })).toBeVisible();
  await clean(page, "edit user");
  await yard.goto("/credentials");
  await page.getByRole("button", { name: "Add credential" }).click();
  await expect(page.getByRole("dialog", { name: "Add credential" })).toBeVisible();
  await clean(page, "add credential");
  await page.keyboard.press("Escape");
  await page.locator("tbody a").first().click();
  await expect(page.getByRole("dialog", { name: "Keypair detail" })).toBeVisible();
  await clean(page, "keypair drawer");
  await yard.goto("/account");
  await page.getByRole("button", { name: "Change password" }).click();
  await clean(page, "change password");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Turn on two-factor" }).click();
  await page.getByLabel("Current password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("img", { name: /^QR code/ })).toBeVisible();
  await clean(page, "two-factor");
  await yard.goto("/projects");
  await page.getByRole("button", { name: "Create project" }).click();
  await clean(page, "create project");
  await page.keyboard.press("Escape");
  await page.locator("tbody a").first().click();
  await expect(page.getByRole("dialog", { name: "Project detail" })).toBeVisible();
  await clean(page, "project drawer");
  const plain = await yard.window();
  await plain.goto(link);
  await clean(plain, "new password");

  await yard.goto("/gallery");
  for (const label of ["Open a dialog", "Deactivate", "Delete", "Delete for ever", "Menu"]) {
    await page.getByRole("button", { name: label, exact: true }).first().click();
    await clean(page, `gallery: ${label}`);
    await page.keyboard.press("Escape");
  }
  await page.getByRole("button", { name: "Say something" }).click();
  await expect(page.getByText("It worked.")).toBeVisible();
  await clean(page, "gallery: toast");

  await page.setViewportSize({ width: 390, height: 844 });
  await yard.goto("/sessions");
  await page.getByRole("button", { name: "Open the menu" }).click();
  await clean(page, "narrow menu");
});

test("a narrow page never scrolls sideways", async ({ yard }) => {
  test.setTimeout(150_000);
  await yard.signIn();
  const preset = { name: unique("a-preset-with-a-rather-long-name"), slots: slots("0.2", 256), shared_memory: null, resource_group: null };
  await yard.call("save_preset", { save: { preset, revision: null } });
  for (const path of ["/sessions", "/session/start", "/scheduler", "/users", "/credentials", "/projects", "/domains", "/resource-policy", "/resource-policy/user", "/resource-policy/project", "/resource-presets", "/resource-groups", "/settings", "/maintenance", "/audit", "/agents", "/account"]) {
    await yard.goto(path);
    for (const width of [390, 320]) {
      await yard.page.setViewportSize({ width, height: 844 });
      const over = await yard.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(over, `${path} at ${width}`).toBeLessThanOrEqual(0);
    }
  }
  await yard.call("delete_preset", { name: preset.name });
});

test("signing in, lists, filters, order and pages work without scripts", async ({ yard }) => {
  const prefix = unique("plain");
  await yard.signIn();
  for (let n = 0; n < 11; n++) await yard.person(`${prefix}-${String(n).padStart(2, "0")}`);
  const page = await yard.window({ javaScriptEnabled: false });
  await page.goto(`${yard.server.url}/users`);
  await page.getByLabel("Email or username").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();
  await page.getByRole("combobox", { name: "Filter users" }).fill(`username ${prefix}`);
  await page.keyboard.press("Enter");
  await expect(page.locator(".pager-text")).toHaveText("1–10 of 11 users");
  await page.getByRole("columnheader", { name: /Username/ }).getByRole("link").click();
  await expect(page.getByRole("row").nth(1)).toContainText(`${prefix}-00`);
  await page.getByRole("link", { name: /Next page/ }).click();
  await expect(page.locator(".pager-text")).toHaveText("11–11 of 11 users");
  await page.getByRole("link", { name: `${prefix}-10@example.org` }).click();
  await expect(page.getByText("Keypair policy", { exact: true })).toBeVisible();
});
