// What sessions say, as a terminal shows it: logs from their end, and terminals.
import { expect, test, unique, type Yard } from "./yard";
import { type Locator } from "@playwright/test";

/** The log of a batch session that has run to its end. */
async function logOf(yard: Yard, command: string): Promise<Locator> {
  await yard.signIn();
  const id = await yard.session({ command, name: unique("says") });
  await expect.poll(async () => (await yard.call<{ outcome: unknown }>("session", { id })).outcome, { timeout: 60_000 }).not.toBeNull();
  await yard.goto(`/sessions?session=${id}&panel=log`);
  return yard.page.getByRole("log", { name: "Log" });
}

test("the last line of a long log is there at once, and older ones come on scrolling up", async ({ yard }) => {
  test.setTimeout(120_000);
  const log = await logOf(yard, "seq 1 2000000; echo the-end");
  await expect(log).toContainText("2000000\nthe-end");
  const first = async () => Number((await log.textContent())!.split("\n")[0]);
  const before = await first();
  expect(before).toBeGreaterThan(1_900_000);
  const line = await log.evaluate((pre) => { pre.scrollTop = 60; return pre.scrollHeight - pre.scrollTop; });
  await expect.poll(first).toBeLessThan(before);
  // The reader still sees the same lines.
  expect(await log.evaluate((pre) => pre.scrollHeight - pre.scrollTop)).toBe(line);
  await yard.page.getByRole("button", { name: "Older lines" }).click();
});

test("a binary log shows its last line at once, and a log that lost its beginning says how much", async ({ yard }) => {
  test.setTimeout(120_000);
  await expect(await logOf(yard, "head -c 12000000 /dev/urandom; echo; echo the-end")).toContainText("the-end");
  await expect(await logOf(yard, "yes 123456789 | head -c 20000000; echo the-end")).toContainText("123456789\nthe-end");
  await expect(yard.page.getByText(/^The first [\d.]+ MiB are missing/)).toBeVisible();
});

test("a log is shown as in a terminal: carriages return, colours and links work, directions do not change", async ({ yard }) => {
  const log = await logOf(yard, String.raw`printf ' 10%%\r100%%\n\033[1;31mred\033[0m https://docs.example/a.\n\342\200\256abc\n\033]8;;https://x.example/\033\\here\033]8;;\033\\\n'`);
  await expect(log).toHaveText("100%\nred https://docs.example/a.\n<U+202E>abc\nhere\n", { useInnerText: true });
  await expect(log.locator(".t-f1.t-bold")).toHaveText("red");
  await expect(log.getByRole("link", { name: "https://docs.example/a", exact: true })).toHaveAttribute("href", "https://docs.example/a");
  await expect(log.getByRole("link", { name: "here" })).toHaveAttribute("href", "https://x.example/");
});

/** An open terminal, its screen, and a way to type a line. */
async function terminalIn(yard: Yard): Promise<{ id: string; screen: Locator; input: Locator; line: (text: string) => Promise<void> }> {
  await yard.signIn();
  const id = await yard.session({ kind: "interactive", command: "", name: unique("shell") });
  await yard.goto(`/sessions?session=${id}&panel=terminal`);
  const drawer = yard.page.getByRole("dialog");
  await expect(drawer.getByText("Connected.")).toBeVisible();
  const input = drawer.getByLabel("Terminal input");
  await input.focus();
  const line = async (text: string) => {
    await yard.page.keyboard.insertText(text);
    await yard.page.keyboard.press("Enter");
  };
  return { id, screen: drawer.getByRole("log", { name: "Terminal" }), input, line };
}

const paste = (input: Locator, text: string) => input.evaluate((area, text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, text);

test("a flood of output leaves the keyboard free, and the text stays after the end", async ({ yard }) => {
  test.setTimeout(60_000);
  const { id, screen, line } = await terminalIn(yard);
  await line("yes flooded");
  await expect(screen).toContainText("flooded");
  await yard.page.keyboard.press("Control+c");
  await line("echo free-$((40+2))");
  await expect(screen).toContainText("free-42");
  await yard.call("terminate_sessions", { ids: [id], force: true });
  await expect(yard.page.getByRole("dialog").getByRole("status").filter({ hasText: "Terminated" })).toBeVisible({ timeout: 20_000 });
  await expect(screen).toContainText("free-42");
});

test("a paste of any size arrives whole, and is bracketed for programs that ask for it", async ({ yard }) => {
  test.setTimeout(60_000);
  const { id, screen, input, line } = await terminalIn(yard);
  await line("stty -echo; head -c 600000 | wc -c | sed s/^/all-/; stty echo");
  await paste(input, "a line of a long text that somebody pastes into it\n".repeat(600_000 / 51 + 1));
  await expect(screen).toContainText("all-600000", { timeout: 30_000 });
  await line("clear; stty -icanon; printf '\\033[?2004hasked'; cat -v");
  await expect(screen).toContainText("asked");
  await paste(input, "first\nsecond");
  await expect(screen).toContainText("^[[200~first");
  await expect(screen).toContainText("second^[[201~");
  await yard.call("terminate_sessions", { ids: [id], force: true });
});

test("composed text stands at the cursor, and wide characters take two cells", async ({ yard }) => {
  const { id, screen, line } = await terminalIn(yard);
  const { page } = yard;
  const browser = await page.context().newCDPSession(page);
  await page.keyboard.type("echo ");
  await expect(screen).toContainText("echo ");
  await browser.send("Input.imeSetComposition", { text: "하", selectionStart: 1, selectionEnd: 1 });
  const composed = page.locator(".terminal-composed");
  await expect(composed).toHaveText("하");
  const cursor = await screen.locator(".t-cursor").boundingBox();
  const place = await composed.boundingBox();
  expect(Math.abs(cursor!.x - place!.x) + Math.abs(cursor!.y - place!.y)).toBeLessThan(3);
  await browser.send("Input.imeSetComposition", { text: "한", selectionStart: 1, selectionEnd: 1 });
  await browser.send("Input.insertText", { text: "한" });
  await expect(composed).toBeHidden();
  await line("-$((40+2))");
  await expect(screen).toContainText("한-42");
  await line("clear; printf '漢字한|\\n─│漏ab|\\n123456|\\n'; sleep 1000");
  await expect(screen).toContainText("123456|");
  const bars = await screen.evaluate((screen) => [...screen.querySelectorAll(".terminal-row")].slice(0, 4).flatMap((row) => {
    const walk = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const at = node.textContent!.indexOf("|");
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return [range.getBoundingClientRect().x];
    }
    return [];
  }));
  expect(bars.length).toBe(3);
  for (const x of bars) expect(Math.abs(x - bars[0])).toBeLessThan(0.5);
  await yard.call("terminate_sessions", { ids: [id], force: true });
});
