// Late answers in dialogs: they belong to the opening that asked, and touch no other.
import type { Page, Request, Route } from "@playwright/test";
import { discard, expect, test, unique } from "./yard";

/** Holds back the first call of this server function that `which` selects; `answer` lets it through and waits for its arrival. */
async function hold(page: Page, name: string, which: (request: Request) => boolean = () => true) {
  let found!: (route: Route) => void;
  const route = new Promise<Route>((done) => (found = done));
  let held = false;
  await page.route(`**/call/${name}`, async (one) => {
    if (held || !which(one.request())) return one.continue();
    held = true;
    found(one);
  });
  return {
    /** The call was made. */
    asked: () => route,
    /** Sends the server's answer, or another one. */
    answer: async (answer?: Parameters<Route["fulfill"]>[0]) => {
      const one = await route;
      await (answer ? one.fulfill(answer) : one.continue());
      await (await one.request().response())!.finished();
      // The page has had time to handle it.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    },
  };
}

test("a late answer to a save leaves the next opening of the dialog unchanged and shows a toast", async ({ yard }) => {
  const { page } = yard;
  const [first, second] = [unique("late"), unique("late")];
  await yard.signIn();
  await yard.call("create_domain", { domain: { name: second, description: "as it was" } });
  await yard.goto("/domains");
  const create = page.getByRole("dialog", { name: "Create domain" });
  const edit = page.getByRole("dialog", { name: "Edit domain" });

  /** Saves a new domain, closes the dialog before the answer, and opens it for another domain. */
  const leave = async (name: string, slow: Awaited<ReturnType<typeof hold>>) => {
    await page.getByRole("button", { name: "Create domain" }).click();
    await create.getByLabel("Name").fill(name);
    await create.getByRole("button", { name: "Save" }).click();
    await slow.asked();
    await expect(create.getByRole("button", { name: "Save" })).toHaveAttribute("aria-busy", "true");
    await create.getByRole("button", { name: "Cancel" }).click();
    await expect(create).toBeHidden();
    await page.getByRole("button", { name: `Edit ${second}` }).click();
    await edit.getByLabel("Description").fill("typed");
  };
  const untouched = async () => {
    await expect(edit.getByLabel("Name")).toHaveValue(second);
    await expect(edit.getByLabel("Description")).toHaveValue("typed");
    await expect(edit.getByRole("alert")).toHaveCount(0);
    await expect(edit.locator("[aria-invalid]")).toHaveCount(0);
    await expect(edit.getByRole("button", { name: "Save" })).not.toHaveAttribute("aria-busy", "true");
  };

  await test.step("one that went well", async () => {
    const slow = await hold(page, "create_domain");
    await leave(first, slow);
    await slow.answer();
    await expect(page.getByText("The domain was saved.")).toBeVisible();
    await untouched();
    await discard(edit);
    await expect(page.getByRole("row", { name: new RegExp(first) })).toBeVisible();
    await page.unroute("**/call/create_domain");
  });

  await test.step("one that was refused", async () => {
    const slow = await hold(page, "create_domain");
    await leave(first, slow);
    await slow.answer();
    await expect(page.getByText("A domain with this name already exists. Use another one.")).toBeVisible();
    await untouched();
    await edit.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name: new RegExp(second) })).toContainText("typed");
    await page.unroute("**/call/create_domain");
  });
});

test("a refusal that arrives after the page was left is still shown", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/domains");
  const slow = await hold(page, "create_domain");
  await page.getByRole("button", { name: "Create domain" }).click();
  const create = page.getByRole("dialog", { name: "Create domain" });
  await create.getByLabel("Name").fill("default");
  await create.getByRole("button", { name: "Save" }).click();
  await slow.asked();
  await create.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Projects" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Projects" })).toBeVisible();
  await slow.answer();
  await expect(page.getByText("A domain with this name already exists. Use another one.")).toBeVisible();
});

test("choices loaded by an earlier opening change nothing in the next", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/credentials");
  const add = page.getByRole("dialog", { name: "Add credential" });
  const options = add.getByLabel("Keypair policy").getByRole("option");
  for (const late of [{ json: ["of-the-first-opening"] }, { status: 409, json: { Conflict: "Of the first opening." } }]) {
    const slow = await hold(page, "keypair_policy_names");
    await page.getByRole("button", { name: "Add credential" }).click();
    await slow.asked();
    await add.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Add credential" }).click();
    await expect(options.filter({ hasText: "default" })).toHaveCount(1);
    const before = await options.allTextContents();
    await slow.answer(late);
    await expect(options).toHaveText(before);
    await expect(add.getByLabel("Keypair policy")).not.toHaveValue("of-the-first-opening");
    await expect(add.getByRole("alert")).toHaveCount(0);
    await add.getByRole("button", { name: "Cancel" }).click();
    await page.unroute("**/call/keypair_policy_names");
  }
});

test("of two people requested in turn, the form shows the second, no matter which answer comes first", async ({ yard }) => {
  const { page } = yard;
  const both = unique("two");
  await yard.signIn();
  for (const name of [`${both}-a`, `${both}-b`]) await yard.person(name);
  await yard.goto(`/users?f=email.contains.${both}`);
  const slow = await hold(page, "user");
  await page.getByRole("button", { name: `Edit ${both}-a@example.org` }).click();
  await slow.asked();
  await page.getByRole("button", { name: `Edit ${both}-b@example.org` }).click();
  const edit = page.getByRole("dialog", { name: "Edit user" });
  await expect(edit.getByLabel("Username")).toHaveValue(`${both}-b`);
  await edit.getByLabel("Full name").fill("typed");
  await slow.answer();
  await expect(edit.getByLabel("Username")).toHaveValue(`${both}-b`);
  await expect(edit.getByLabel("Full name")).toHaveValue("typed");
});
