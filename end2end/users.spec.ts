// The list of people: filter, order, pages, columns, export, and creating somebody.
import { PASSWORD, expect, test, unique } from "./yard";

test("people are filtered, ordered and paged, and the address says how", async ({ yard }) => {
  const prefix = unique("page");
  await yard.signIn();
  for (let n = 0; n < 12; n++) await yard.person(`${prefix}-${String(n).padStart(2, "0")}`);
  await yard.goto("/users");
  await yard.page.getByRole("combobox", { name: "Filter users" }).fill(prefix);
  await yard.page.keyboard.press("Enter");
  await expect(yard.page).toHaveURL(new RegExp(`f=email.contains.${prefix}`));
  await expect(yard.page.locator(".pager-text")).toHaveText("1–10 of 12 users");
  await yard.page.getByRole("columnheader", { name: /Email/ }).getByRole("link").click();
  await expect(yard.page.getByRole("columnheader", { name: /Email/ })).toHaveAttribute("aria-sort", "ascending");
  await expect(yard.page.getByRole("row").nth(1)).toContainText(`${prefix}-00@example.org`);
  await yard.page.getByRole("link", { name: /Next page/ }).click();
  await expect(yard.page.locator(".pager-text")).toHaveText("11–12 of 12 users");
  await yard.page.reload();
  await expect(yard.page.locator(".pager-text")).toHaveText("11–12 of 12 users");
  await yard.page.getByRole("link", { name: /Remove Email contains/ }).click();
  await expect(yard.page).not.toHaveURL(/f=email/);
});

test("a taken email is refused beside its field, and nothing typed is lost", async ({ yard }) => {
  const name = unique("twin");
  await yard.signIn();
  const email = await yard.person(name);
  await yard.goto("/users");
  await yard.page.getByRole("button", { name: "Create user" }).click();
  const dialog = yard.page.getByRole("dialog", { name: "Create user" });
  await dialog.getByLabel("Email").fill(email.toUpperCase());
  await dialog.getByLabel("Username").fill(`${name}x`);
  await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dialog.getByLabel("Password again").fill(PASSWORD);
  await dialog.getByLabel("Description").fill("kept");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByText("An account with this email already exists.")).toBeVisible();
  await expect(dialog.getByLabel("Description")).toHaveValue("kept");
  await dialog.getByLabel("Password", { exact: true }).fill("short");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByLabel("Password", { exact: true })).toHaveAttribute("aria-invalid", "true");
});

test("chosen columns stay chosen, for this person", async ({ yard }) => {
  await yard.signIn();
  await yard.goto("/users");
  await yard.page.getByRole("button", { name: /[Cc]olumn/ }).click();
  const dialog = yard.page.getByRole("dialog", { name: /[Cc]olumn/ });
  await dialog.getByRole("checkbox", { name: "Description" }).check();
  await dialog.getByRole("checkbox", { name: "Username" }).uncheck();
  const kept = yard.page.waitForResponse((answer) => answer.url().endsWith("/call/set_columns"));
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(yard.page.getByRole("columnheader", { name: "Description" })).toBeVisible();
  await kept;
  await yard.page.reload();
  await expect(yard.page.getByRole("columnheader", { name: "Description" })).toBeVisible();
  await expect(yard.page.getByRole("columnheader", { name: "Username" })).toHaveCount(0);
});

test("the export holds every row that the filter selects", async ({ yard }) => {
  const prefix = unique("csv");
  await yard.signIn();
  for (let n = 0; n < 11; n++) await yard.person(`${prefix}-${n}`);
  const answer = await yard.page.request.get(`${yard.server.url}/export/users.csv?f=email.contains.${prefix}`);
  expect(answer.headers()["content-type"]).toContain("text/csv");
  expect((await answer.text()).trim().split("\n")).toHaveLength(12);
});

test("a page past the end leads back to the first", async ({ yard }) => {
  await yard.signIn();
  await yard.goto("/users?page=99");
  await yard.page.getByRole("link", { name: /first page/i }).first().click();
  await expect(yard.page.getByRole("row").nth(1)).toBeVisible();
});
