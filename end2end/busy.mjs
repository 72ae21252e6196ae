// A page's load on a cluster with constant changes: the work on the browser's main thread while a person
// reads, orders, filters and opens a drawer. `node busy.mjs URL EMAIL PASSWORD` prints one line of JSON per page.
import { chromium } from "@playwright/test";

const SECONDS = 30;
const [url, email, password] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.YARDMASTER_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await page.goto(`${url}/sign-in`);
await page.getByLabel("Email or username").fill(email);
await page.getByLabel("Password").fill(password);
await page.getByRole("button", { name: "Sign in" }).click();
await page.locator("html[data-hydrated]").waitFor();
for (const path of ["/scheduler?group=default", "/sessions"]) {
  await page.goto(url + path);
  await page.locator("html[data-hydrated]").waitFor();
  await page.locator("tbody tr td").first().waitFor({ state: "visible" });
  // The start of the page is measured elsewhere.
  await page.waitForTimeout(2000);
  await page.evaluate(() => {
    const seen = { tasks: [], answers: [] };
    window.seen = seen;
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    new PerformanceObserver((list) => seen.answers.push(...list.getEntries().filter((entry) => entry.interactionId).map((entry) => entry.duration)))
      .observe({ type: "event", durationThreshold: 16 });
  });
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1000) {
    await page.locator("tbody a").nth(3).click();
    await page.getByRole("dialog").waitFor();
    await page.waitForTimeout(2000);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Next page" }).or(page.getByRole("link", { name: "Next page" })).first().click();
    await page.waitForTimeout(2000);
  }
  const { tasks, answers } = await page.evaluate(() => window.seen);
  const most = (all) => Math.round(Math.max(0, ...all));
  console.log(JSON.stringify({ path, longest: most(tasks), long: tasks.length, slowest: most(answers), seconds: Math.round((performance.now() - start) / 1000) }));
}
await browser.close();
