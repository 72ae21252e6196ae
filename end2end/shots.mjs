// Screens of every page, drawer and dialog in both themes and sizes, for looking at:
// `node shots.mjs URL FOLDER [LOGIN PASSWORD [name,name…]]`. Pages that the person may not open are left out.
import { chromium } from "@playwright/test";

const [url, folder, login = "admin@example.org", password = "Correct-Horse-9", only] = process.argv.slice(2);
const PAGES = [
  ["sessions", "/sessions"], ["finished", "/sessions?tab=finished"], ["filtered", "/sessions?f=name.contains.nothing-like-this"],
  ["users", "/users?per=20"], ["inactive", "/users?tab=inactive"], ["past-the-end", "/users?page=9"], ["agents", "/agents"], ["scheduler", "/scheduler"], ["account", "/account"],
  ["gallery", "/gallery"], ["missing", "/nowhere"],
];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
for (const [size, width, height] of [["wide", 1440, 900], ["narrow", 390, 844]]) {
  for (const theme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce" });
    await context.addCookies([{ name: "theme", value: theme, url }]);
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    page.on("console", (m) => m.type() === "error" && console.log(page.url(), m.text()));
    page.on("pageerror", (e) => console.log(page.url(), e.message));
    const alive = () => page.locator("html[data-hydrated]").waitFor();
    const shot = async (name) => {
      await page.waitForTimeout(350);
      await page.screenshot({ path: `${folder}/${name}-${size}-${theme}.png` });
    };
    const part = async (name, work) => {
      if (only && !only.split(",").includes(name)) return;
      await work().catch((error) => console.log(`${name}, ${size}, ${theme}: ${String(error).split("\n")[0]}`));
    };
    const goto = async (path) => {
      const answer = await page.goto(url + path);
      await alive();
      return answer.status();
    };
    await part("sign-in", async () => {
      await goto("/sign-in");
      await shot("sign-in");
      await page.getByLabel("Email or username").fill(login);
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await shot("sign-in-refused");
    });
    await page.goto(`${url}/sign-in`);
    await page.getByLabel("Email or username").fill(login);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Sessions" }).waitFor();
    await alive();
    for (const [name, path] of PAGES) {
      await part(name, async () => {
        await goto(path);
        await shot(name);
      });
    }
    await part("drawers", async () => {
      for (const [session, list, panels] of [
        ["train-resnet", "?tab=finished", ["Overview", "Resources", "Log"]], ["broken-run", "?tab=finished", ["Overview"]],
        ["needs-the-moon", "", ["Overview"]], ["long-training", "", ["Resources", "Log"]], ["notebook-shell", "", ["Terminal"]],
      ]) {
        await goto(`/sessions${list}`);
        await page.getByRole("link", { name: session }).click();
        for (const panel of panels) {
          await page.getByRole("dialog").getByRole("link", { name: panel, exact: true }).click();
          await page.waitForTimeout(600);
          await shot(`drawer-${session}-${panel.toLowerCase()}`);
        }
      }
    });
    await part("dialogs", async () => {
      await goto("/session/start");
      await page.getByRole("radio", { name: /Batch/ }).check();
      await shot("start");
      await page.getByRole("button", { name: "Next" }).click();
      await shot("start-refused");
      for (const step of ["resources", "network", "review"]) {
        await goto(`/session/start?step=${step}`);
        await shot(`start-${step}`);
      }
      await goto("/scheduler");
      await page.getByRole("button", { name: "What if…" }).click();
      await shot("what-if");
      await goto("/sessions");
      await page.getByRole("button", { name: "Choose columns" }).click();
      await shot("columns");
      await page.keyboard.press("Escape");
      await page.locator("tbody input[type=checkbox]").first().check();
      await shot("selected");
      await page.getByRole("button", { name: "Terminate" }).click();
      await page.getByRole("checkbox", { name: "Force terminate" }).check();
      await shot("terminate");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^Account of/ }).click();
      await shot("account-menu");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^Notifications/ }).click();
      await shot("notifications");
    });
    await part("people", async () => {
      if ((await goto("/users")) !== 200) return;
      await page.locator("tbody a").first().click();
      await page.getByRole("dialog").waitFor();
      await shot("user");
      await goto("/users");
      if ((await page.getByRole("button", { name: "Create user" }).count()) === 0) return;
      await page.getByRole("button", { name: "Create user" }).click();
      await shot("create");
      await page.getByRole("button", { name: "Create", exact: true }).click();
      await shot("create-refused");
    });
    if (size === "narrow") {
      await part("menu", async () => {
        await goto("/sessions");
        await page.getByRole("button", { name: "Open the menu" }).click();
        await shot("menu");
      });
    }
    await context.close();
  }
}
await browser.close();
