// A server that is gone in the middle of a form: the typed values are still there when it is back.
import { rmSync } from "node:fs";
import { expect, Server, test, UNREACHED, Yard } from "./yard";

/** A form, how it is opened, and the text typed into it before the server goes away. */
const FORMS: { page: string; open: string; dialog: string; fill: Record<string, string>; send: string }[] = [
  {
    page: "/users", open: "Create user", dialog: "Create user", send: "Create",
    fill: { Email: "lost@example.org", Username: "lost", Password: "Battery-Staple-7", "Password again": "Battery-Staple-7", Description: "typed" },
  },
  { page: "/users", open: "Edit admin@example.org", dialog: "Edit user", send: "Save", fill: { "Full name": "Typed Name", Description: "typed" } },
  {
    page: "/users", open: "Create many", dialog: "Create many users", send: "Preview",
    fill: { "Before the number": "lost-", "Email, after the @": "example.org", "How many": "7" },
  },
  { page: "/credentials", open: "Add credential", dialog: "Add credential", send: "Save", fill: { "User ID": "admin", "Rate limit": "1234" } },
  { page: "/projects", open: "Create project", dialog: "Create project", send: "Save", fill: { Name: "typed-lab", Description: "typed" } },
  { page: "/domains", open: "Create domain", dialog: "Create domain", send: "Save", fill: { Name: "typed-domain", Description: "typed" } },
  { page: "/resource-groups", open: "Create", dialog: "Create resource group", send: "Create", fill: { Name: "typed-group", Description: "typed" } },
  {
    page: "/account", open: "Change password", dialog: "Change password", send: "Change",
    fill: { "Current password": "Correct-Horse-9", "New password": "Another-Horse-1", "New password again": "Another-Horse-1" },
  },
];

test("every form keeps typed values when the server is gone, and is sent when it is back", async ({ browser, page }) => {
  test.setTimeout(180_000);
  let server = await Server.start();
  const yard = new Yard(server, browser, page);
  try {
    await yard.signIn();
    yard.expects(UNREACHED);
    for (const form of FORMS) {
      await yard.goto(form.page);
      await page.getByRole("button", { name: form.open, exact: true }).click();
      const dialog = page.getByRole("dialog", { name: form.dialog });
      for (const [label, text] of Object.entries(form.fill)) {
        await dialog.getByRole("textbox", { name: label, exact: true }).fill(text);
      }
      // The data that the form loads when it opens has arrived.
      await expect(dialog.locator("select:not(:has(option))")).toHaveCount(0);
      await server.kill();
      await dialog.getByRole("button", { name: form.send, exact: true }).click();
      await expect(dialog.getByText(/The server could not be reached/), form.dialog).toBeVisible();
      for (const [label, text] of Object.entries(form.fill)) {
        const field = dialog.getByRole("textbox", { name: label, exact: true });
        await expect(field, `${form.dialog}: ${label}`).toHaveValue(text);
      }
      server = await server.restart();
      await dialog.getByRole("button", { name: form.send, exact: true }).click();
      await expect(dialog.getByText(/The server could not be reached/), form.dialog).toHaveCount(0);
      if (form.dialog !== "Create many users") await expect(dialog, `${form.dialog} is done`).toHaveCount(0);
    }
    await yard.end();
  } finally {
    await server.end();
    rmSync(server.data, { recursive: true, force: true });
  }
});
