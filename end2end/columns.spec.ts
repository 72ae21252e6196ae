// The columns of a table: dragged by their titles and edges, or typed in the dialog.

import { expect, live, test } from "./yard";
import type { Page } from "@playwright/test";

const title = (page: Page, key: string) => page.locator(`th[data-column="${key}"]`);
const order = (page: Page) => page.locator("th[data-column]").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.column));
const width = (page: Page, key: string) => title(page, key).evaluate((one) => (one as HTMLElement).offsetWidth);
const kept = (page: Page) => page.waitForResponse((answer) => answer.url().endsWith("/call/set_columns") && answer.ok());

async function drag(page: Page, from: { x: number; y: number }, to: { x: number; y: number }) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 6 });
  await page.mouse.up();
}

test("a column's edge is dragged to another width, the others keep theirs, and a reload shows the same before scripts run", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/users");
  const before = { email: await width(page, "email"), role: await width(page, "role"), control: await width(page, "control") };
  const edge = (await title(page, "email").locator(".column-edge").boundingBox())!;
  const saved = kept(page);
  await drag(page, { x: edge.x + 4, y: edge.y + 4 }, { x: edge.x + 74, y: edge.y + 4 });
  await saved;
  expect(await width(page, "email")).toBe(before.email + 70);
  expect(await width(page, "role")).toBe(before.role);
  expect(await width(page, "control")).toBeGreaterThanOrEqual(before.control);
  const plain = await yard.window({ javaScriptEnabled: false });
  await yard.signIn(undefined, undefined, plain);
  await plain.goto(`${yard.server.url}/users`);
  expect(await width(plain, "email")).toBe(before.email + 70);
  // As wide as the contents need, once more.
  const again = kept(page);
  await title(page, "email").locator(".column-edge").dblclick();
  await again;
  expect(await width(page, "email")).toBe(before.email);
});

test("a title is dragged to another place and is no link meanwhile", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/resource-groups");
  const shown = await order(page);
  const [from, to] = [(await title(page, "agents").boundingBox())!, (await title(page, "scheduler").boundingBox())!];
  const saved = kept(page);
  await drag(page, { x: from.x + 12, y: from.y + 12 }, { x: to.x + 12, y: to.y + 12 });
  await saved;
  const expected = shown.filter((key) => key !== "agents");
  expected.splice(expected.indexOf("scheduler"), 0, "agents");
  expect(await order(page)).toEqual(expected);
  expect(page.url()).toBe(`${yard.server.url}/resource-groups`);
  await page.reload();
  await live(page);
  expect(await order(page)).toEqual(expected);
});

test("widths are typed without a pointer, and one that is no width is explained", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/projects");
  await page.getByRole("button", { name: "Choose columns" }).click();
  const dialog = page.getByRole("dialog", { name: "Columns" });
  const field = dialog.getByRole("textbox", { name: "Width of Name in pixels" });
  await field.fill("12");
  await expect(dialog.getByRole("alert")).toHaveText("A column is 48 to 1200 pixels wide. Leave the width empty to fit the contents.");
  await expect(dialog.getByRole("button", { name: "Apply" })).toBeDisabled();
  await field.fill("333");
  await dialog.getByRole("button", { name: "Apply" }).click();
  expect(await width(page, "name")).toBe(333);
  await page.getByRole("button", { name: "Choose columns" }).click();
  await dialog.getByRole("button", { name: "Reset" }).click();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect.poll(() => width(page, "name")).not.toBe(333);
});
