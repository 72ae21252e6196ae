// The tasks that people come for, with the number of clicks that each may take. Typing is not counted.
import type { Locator, Page } from "@playwright/test";
import { ADMIN, expect, live, test, unique } from "./yard";

/** Counts clicks and choices. */
class Hand {
  clicks = 0;
  async click(at: Locator): Promise<void> {
    this.clicks++;
    await at.click();
  }
  async choose(at: Locator, option: string): Promise<void> {
    this.clicks++;
    await at.selectOption(option);
  }
}

const main = (page: Page, name: string) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name });

test("from the sign-in to a terminal in three clicks", async ({ yard }) => {
  const { page } = yard;
  const hand = new Hand();
  await yard.byHand(ADMIN.email);
  await hand.click(page.getByRole("link", { name: "Start session" }));
  await live(page);
  await hand.click(page.getByRole("button", { name: "Start", exact: true }));
  await hand.click(page.getByRole("dialog").getByRole("link", { name: "Open terminal" }));
  await expect(page.getByRole("dialog").getByText("Connected.")).toBeVisible();
  expect(hand.clicks).toBe(3);
  const id = new URL(page.url()).searchParams.get("session");
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("thirty students with a policy of their own in six clicks", async ({ yard }) => {
  const { page } = yard;
  const [prefix, policy] = [unique("student"), unique("course")];
  await yard.signIn();
  await yard.keypairPolicy(policy);
  await yard.goto("/sessions");
  const hand = new Hand();
  await hand.click(main(page, "Users"));
  await hand.click(page.getByRole("button", { name: "Create many" }));
  const dialog = page.getByRole("dialog", { name: "Create many users" });
  await dialog.getByLabel("Before the number").fill(`${prefix}-`);
  await dialog.getByLabel("How many").fill("30");
  await dialog.getByLabel("Email, after the @").fill("example.org");
  await hand.choose(dialog.getByLabel("Keypair policy"), policy);
  await hand.click(dialog.getByRole("button", { name: "Preview" }));
  await hand.click(dialog.getByRole("button", { name: "Create 30 users" }));
  const once = page.getByRole("dialog", { name: "New users" });
  await expect(once.getByRole("row")).toHaveCount(31);
  const download = page.waitForEvent("download");
  await hand.click(once.getByRole("button", { name: "Download" }));
  await download;
  expect(hand.clicks).toBe(6);
  const query = { tab: "active", subtab: "", conditions: [{ key: "owner", op: "contains", value: prefix }], sort: "created_at", descending: true, page: 1, per: 50 };
  const keys = await yard.call<{ rows: { policy: string }[] }>("keypairs", { query });
  expect(keys.rows.map((key) => key.policy)).toEqual(Array(30).fill(policy));
});

test("a machine is taken out of service in three clicks, after its consequences were shown", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const name = unique("stays");
  const id = await yard.session({ name, command: "sleep 300" });
  await expect.poll(async () => (await yard.call<{ row: { status: string } }>("session", { id })).row.status).toBe("RUNNING");
  await yard.goto("/agents");
  const hand = new Hand();
  await hand.click(page.getByRole("row").nth(1).getByRole("button", { name: /settings/i }));
  const dialog = page.getByRole("dialog", { name: "Agent settings" });
  await hand.click(dialog.getByRole("switch", { name: "Schedulable" }));
  await dialog.getByLabel("Reason").fill("new disks");
  await expect(dialog.getByText(/sessions? (is|are) running on it and will continue/)).toBeVisible();
  await hand.click(dialog.getByRole("button", { name: "Save" }));
  await expect(page.getByRole("row").nth(1)).toContainText("new disks");
  expect(hand.clicks).toBe(3);
  // Its owner is told, and the queue says why nothing starts there.
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await expect(page.getByRole("region", { name: "Notifications" })).toContainText("new disks");
  await page.keyboard.press("Escape");
  await yard.goto("/scheduler?group=default");
  await expect(page.getByText(/Out of service:.*new disks/)).toBeVisible();
  const agents = await yard.call<{ rows: { report: { name: string } }[] }>("agents", {
    query: { tab: "connected", subtab: "", conditions: [], sort: "name", descending: false, page: 1, per: 50 },
  });
  await yard.call("set_schedulable", { names: agents.rows.map((agent) => agent.report.name), schedulable: true });
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("a person's rate is limited from their drawer in two clicks", async ({ yard }) => {
  const { page } = yard;
  const who = unique("eager");
  await yard.signIn();
  await yard.person(who);
  await yard.goto(`/users?f=username.contains.${who}`);
  await page.getByRole("link", { name: `${who}@example.org` }).click();
  const drawer = page.getByRole("dialog").first();
  const hand = new Hand();
  await hand.click(drawer.getByRole("button", { name: "Limits" }));
  const dialog = page.getByRole("dialog", { name: "Modify keypair resource policy" });
  await dialog.getByLabel("Rate limit").fill("120");
  await hand.click(dialog.getByRole("button", { name: "Save" }));
  await expect(drawer).toContainText("120 requests in 15 minutes");
  expect(hand.clicks).toBe(2);
});

test("what somebody did yesterday is two clicks from their drawer", async ({ yard }) => {
  const { page } = yard;
  const who = unique("busy");
  await yard.signIn();
  await yard.person(who);
  await yard.goto(`/users?f=username.contains.${who}`);
  await page.getByRole("link", { name: `${who}@example.org` }).click();
  const hand = new Hand();
  await hand.click(page.getByRole("dialog").getByRole("link", { name: "Activity" }));
  await hand.click(page.getByRole("dialog").getByRole("link", { name: "Yesterday" }));
  await expect(page.getByRole("heading", { level: 1, name: "Audit trail" })).toBeVisible();
  await expect(page.getByText(/When/).first()).toBeVisible();
  expect(page.url()).toMatch(/f=actor_id\.equals/);
  expect(hand.clicks).toBe(2);
});
