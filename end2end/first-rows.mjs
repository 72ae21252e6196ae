// The wait for rows: from requesting a page until its first row is painted, in a new browser.
// `node first-rows.mjs URL EMAIL PASSWORD PATH…` prints one line of JSON per path: the median of nine loads, in milliseconds.
import { chromium } from "@playwright/test";

const [url, email, password, ...paths] = process.argv.slice(2);
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
for (const path of paths) {
  const rows = [];
  const alive = [];
  for (let n = 0; n < 9; n++) {
    const start = performance.now();
    await page.goto(url + path, { waitUntil: "commit" });
    await page.locator("tbody tr td").first().waitFor({ state: "visible" });
    rows.push(performance.now() - start);
    await page.locator("html[data-hydrated]").waitFor();
    alive.push(performance.now() - start);
  }
  const median = (all) => Math.round(all.sort((a, b) => a - b)[4]);
  console.log(JSON.stringify({ path, rows: median(rows), alive: median(alive) }));
}
await browser.close();
