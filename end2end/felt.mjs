// The waits of a person on a line of 10 Mbit/s and 50 ms. `node felt.mjs URL EMAIL PASSWORD` prints one line of JSON per measure,
// the median of five runs, in milliseconds.
import { chromium } from "@playwright/test";

const RUNS = 5;
const LINE = { offline: false, latency: 50, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 };
const [url, email, password] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.YARDMASTER_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const median = (all) => Math.round(all.sort((a, b) => a - b)[Math.floor(all.length / 2)]);
const say = (what, values, unit = "ms") => console.log(JSON.stringify({ what, value: unit === "ms" ? median(values) : values, unit }));

/** A window on that line, with nothing kept from before but the sign-in. */
async function fresh(cookies) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  if (cookies) await context.addCookies(cookies);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", LINE);
  await page.addInitScript(() => {
    window.seen = { tasks: [], shift: 0 };
    new PerformanceObserver((list) => window.seen.tasks.push(...list.getEntries().map((entry) => entry.duration)))
      .observe({ type: "longtask", buffered: true });
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { if (!entry.hadRecentInput) window.seen.shift += entry.value; }))
      .observe({ type: "layout-shift", buffered: true });
  });
  return { context, page };
}

const { context: first, page: door } = await fresh();
await door.goto(`${url}/sign-in`);
await door.getByLabel("Email or username").fill(email);
await door.getByLabel("Password").fill(password);
await door.getByRole("button", { name: "Sign in" }).click();
await door.locator("html[data-hydrated]").waitFor();
await door.waitForURL((at) => !at.pathname.startsWith("/sign-in"));
const cookies = await first.cookies();
await first.close();

const tasks = [];
const shifts = [];
for (const path of ["/users?per=20", "/sessions?tab=finished&per=20"]) {
  const [rows, alive] = [[], []];
  for (let n = 0; n < RUNS; n++) {
    const { context, page } = await fresh(cookies);
    const start = performance.now();
    await page.goto(url + path, { waitUntil: "commit" });
    await page.locator("tbody tr td").first().waitFor({ state: "visible" });
    rows.push(performance.now() - start);
    await page.locator("html[data-hydrated]").waitFor();
    alive.push(performance.now() - start);
    await page.waitForTimeout(1_000);
    const seen = await page.evaluate(() => window.seen);
    tasks.push(...seen.tasks);
    shifts.push(seen.shift);
    await context.close();
  }
  say(`cold, ${path}: rows can be read`, rows);
  say(`cold, ${path}: controls answer`, alive);
}

const { context, page } = await fresh(cookies);
await page.goto(`${url}/users`);
await page.locator("html[data-hydrated]").waitFor();
const menu = page.getByRole("navigation", { name: "Main" });
const heading = (name) => page.getByRole("heading", { level: 1, name });
// Each page's code has been fetched once.
for (const name of ["Projects", "Users", "Projects", "Users"]) {
  await menu.getByRole("link", { name }).click();
  await heading(name).waitFor();
  await page.locator("tbody tr td").first().waitFor();
}
/** Milliseconds in the page from an input to the moment at which `done` holds. */
const timed = (act, done) => page.evaluate(([act, done]) => new Promise((resolve) => {
  const check = new Function(`return (${done})()`);
  const start = performance.now();
  new Function(`(${act})()`)();
  const look = () => (check() ? resolve(performance.now() - start) : requestAnimationFrame(look));
  look();
}), [String(act), String(done)]);
const changes = [];
for (let n = 0; n < RUNS; n++) {
  for (const to of ["projects", "users"]) {
    changes.push(await timed(
      to === "projects" ? () => document.querySelector('nav a[href="/projects"]').click() : () => document.querySelector('nav a[href="/users"]').click(),
      to === "projects"
        ? () => document.querySelector("h1")?.textContent.includes("Projects") && document.querySelector("tbody td")
        : () => document.querySelector("h1")?.textContent.includes("Users") && document.querySelector("tbody td"),
    ));
  }
}
say("warm change of page", changes);
const filters = [];
for (let n = 0; n < RUNS; n++) {
  await page.goto(`${url}/users`);
  await page.locator("html[data-hydrated]").waitFor();
  const box = page.getByRole("combobox").first();
  await box.fill(`lovelace${n + 2}`);
  const before = performance.now();
  await box.press("Enter");
  await page.waitForFunction((text) => {
    const cells = [...document.querySelectorAll("tbody tr:not(.instead) td")].map((cell) => cell.textContent);
    return cells.some((cell) => cell.includes(text)) && !document.querySelector(".table-scroll[aria-busy]");
  }, `lovelace${n + 2}`, { polling: "raf" });
  filters.push(performance.now() - before);
}
say("from the last key in a filter to its rows", filters);
const seen = await page.evaluate(() => window.seen);
say("longest task", Math.round(Math.max(0, ...tasks, ...seen.tasks)), "ms at most");
say("layout shift", Math.max(0, ...shifts).toFixed(4), "at most");
await browser.close();
