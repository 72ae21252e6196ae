// Screens of every page in both themes and sizes, for looking at: `node shots.mjs URL FOLDER [name]`.
import { chromium } from "@playwright/test";
const [url, folder, only] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
for (const [size, width, height] of [["wide", 1440, 900], ["narrow", 390, 844]]) {
  for (const theme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce" });
    await context.addCookies([{ name: "theme", value: theme, url }]);
    const page = await context.newPage();
    page.on("console", (m) => m.type() === "error" && console.log(page.url(), m.text()));
    page.on("pageerror", (e) => console.log(page.url(), e.message));
    const shot = async (name) => page.screenshot({ path: `${folder}/${name}-${size}-${theme}.png` });
    const want = (name) => !only || only.split(",").includes(name);
    await page.goto(`${url}/sign-in`);
    if (want("sign-in")) await shot("sign-in");
    await page.getByLabel("Email or username").fill("admin@example.org");
    await page.getByLabel("Password").fill("Correct-Horse-9");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("html[data-hydrated]").waitFor();
    for (const [name, path] of [["sessions", "/sessions"], ["finished", "/sessions?tab=finished"], ["users", "/users?per=20"], ["agents", "/agents"], ["account", "/account"], ["gallery", "/gallery"], ["missing", "/nowhere"]]) {
      if (!want(name)) continue;
      await page.goto(url + path);
      await page.locator("html[data-hydrated]").waitFor();
      await page.waitForTimeout(400);
      await shot(name);
    }
    if (want("drawer")) {
      await page.goto(url + "/sessions?tab=finished");
      await page.locator("html[data-hydrated]").waitFor();
      await page.locator("tbody a").first().click();
      await page.getByRole("dialog").waitFor();
      await page.waitForTimeout(400);
      await shot("drawer");
      for (const panel of ["Log", "Resources"]) {
        await page.getByRole("dialog").getByRole("link", { name: panel, exact: true }).click();
        await page.waitForTimeout(600);
        await shot(`drawer-${panel.toLowerCase()}`);
      }
    }
    if (want("start")) {
      await page.goto(url + "/sessions");
      await page.locator("html[data-hydrated]").waitFor();
      await page.getByRole("button", { name: "Start session" }).click();
      await page.getByRole("radio", { name: /Batch/ }).check();
      await page.waitForTimeout(400);
      await shot("start");
    }
    if (want("create")) {
      await page.goto(url + "/users");
      await page.locator("html[data-hydrated]").waitFor();
      await page.getByRole("button", { name: "Create user" }).click();
      await page.getByRole("button", { name: "Create", exact: true }).click();
      await page.waitForTimeout(400);
      await shot("create");
    }
    await context.close();
  }
}
await browser.close();
