// What is typed and what is in addresses: read once, kept while a page comes to life, and answered for what is asked now.
import { expect, live, test, unique } from "./yard";

test("a filter typed before the scripts arrive is applied as it was typed", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("early");
  await yard.person(name);
  let arrive = () => {};
  const held = new Promise<void>((done) => (arrive = done));
  await page.route("**/pkg/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${yard.server.url}/users`);
  const filter = page.getByRole("combobox", { name: "Filter users" });
  await filter.fill(`username ${name}`);
  arrive();
  await live(page);
  await expect(filter).toHaveValue(`username ${name}`);
  await filter.press("Enter");
  await expect(page).toHaveURL(new RegExp(`f=username\\.contains\\.${name}`));
  await expect(page.getByRole("row", { name: new RegExp(name) })).toBeVisible();
});

test("a command typed before the scripts arrive stays in the launcher", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  let arrive = () => {};
  const held = new Promise<void>((done) => (arrive = done));
  await page.route("**/pkg/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${yard.server.url}/session/start`);
  await page.getByLabel("Name", { exact: true }).fill("typed-early");
  arrive();
  await live(page);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("typed-early");
  await expect(page).toHaveURL(/typed-early/);
});

test("a command with percent signs and quotes survives the address and a reload", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/session/start");
  await page.getByRole("radio", { name: /Batch/ }).check();
  const command = "curl http://localhost/a%20b; echo %22hi%22 %41";
  await page.getByLabel("Start-up command").fill(command);
  await expect(page).toHaveURL(/form=.*curl/);
  await page.reload();
  await live(page);
  await expect(page.getByLabel("Start-up command")).toHaveValue(command);
});

test("a filter that is not understood is said above the list", async ({ yard }) => {
  await yard.signIn();
  await yard.goto("/users?f=emial.contains.ann");
  await expect(yard.page.getByText(/not understood.*emial\.contains\.ann/)).toBeVisible();
  await yard.goto("/users?f=description.contains.%2541");
  await expect(yard.page.getByText("Description contains %41")).toBeVisible();
});

test("a drawer shows only the answer to what is open in it", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("after");
  await yard.person(name);
  await yard.goto(`/users?f=username.contains.${name}&user=01900000-0000-7000-8000-000000000000`);
  const drawer = page.getByRole("dialog");
  await expect(drawer.getByText(/There is no|not found/i).first()).toBeVisible();
  let answer = () => {};
  const held = new Promise<void>((done) => (answer = done));
  await page.route("**/call/user", async (route) => {
    await held;
    await route.continue();
  });
  // A drawer is modal: it is closed by its own link, which leads to the list.
  await drawer.getByRole("link", { name: "Close" }).click();
  await page.getByRole("row", { name: new RegExp(name) }).getByRole("link").first().click();
  await expect(drawer.getByText(/There is no|not found/i)).toHaveCount(0);
  answer();
  await expect(drawer.getByText(`${name}@example.org`).first()).toBeVisible();
});
