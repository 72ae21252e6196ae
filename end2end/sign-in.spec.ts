// Signing in and out, pages for missing rights, and the headers that isolate a page.
import { ADMIN, PASSWORD, expect, test, unique } from "./yard";

test("a failed sign-in never says which half was wrong, and the name stays typed", async ({ yard }) => {
  const { page } = yard;
  for (const login of [ADMIN.email, "nobody@example.org"]) {
    await page.goto(`${yard.server.url}/sign-in`);
    await page.getByLabel("Email or username").fill(login);
    await page.getByLabel("Password").fill("Wrong-Password-1");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toHaveText("Wrong email, username or password. Check them and try again.");
    await expect(page.getByLabel("Email or username")).toHaveValue(login);
  }
});

test("a page that needs a sign-in leads there and back", async ({ yard }) => {
  const { page } = yard;
  await page.goto(`${yard.server.url}/users?tab=inactive`);
  await page.getByLabel("Email or username").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/users\?tab=inactive$/);
});

test("signing out ends the sign-in here and on the server", async ({ yard }) => {
  const { page } = yard;
  await yard.byHand();
  const cookies = await page.context().cookies();
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: /Sign in/ })).toBeVisible();
  await page.context().addCookies(cookies);
  await page.goto(`${yard.server.url}/sessions`);
  await expect(page).toHaveURL(/\/sign-in/);
});

test("another browser's sign-in is listed and can be ended", async ({ yard }) => {
  const name = unique("two");
  await yard.signIn();
  const email = await yard.person(name);
  const [one, two] = [await yard.window(), await yard.window()];
  await yard.signIn(email, PASSWORD, one);
  await yard.byHand(email, PASSWORD, two);
  await yard.goto("/account", one);
  await one.getByRole("button", { name: /^Sign out .* at/ }).click();
  await expect(one.getByRole("button", { name: /^Sign out .* at/ })).toHaveCount(0);
  // The other browser's open page is notified and leaves automatically.
  await expect(two).toHaveURL(/\/sign-in\?next=%2Fsessions/);
});

test("a missing right and an unknown address each have their own page", async ({ yard }) => {
  await yard.signIn();
  const email = await yard.person(unique("plain"));
  const page = await yard.window();
  await yard.signIn(email, PASSWORD, page);
  const forbidden = await page.goto(`${yard.server.url}/users`);
  expect(forbidden!.status()).toBe(403);
  await expect(page.getByRole("heading", { name: "You do not have access" })).toBeVisible();
  const missing = await page.goto(`${yard.server.url}/no-such-page`);
  expect(missing!.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
});

test("the theme is kept, and shown from the first paint", async ({ yard }) => {
  await yard.byHand();
  await yard.page.getByRole("button", { name: /Switch to light/ }).click();
  await yard.page.getByRole("button", { name: /Switch to dark/ }).click();
  await expect(yard.page.locator("html")).toHaveAttribute("data-theme", "dark");
  const html = await (await yard.page.request.get(`${yard.server.url}/sessions`)).text();
  expect(html).toContain('data-theme="dark"');
});
