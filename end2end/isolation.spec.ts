// Isolation as people meet it: a server that cannot isolate sessions, and a session that asks for what is the server's.
import { chmodSync, chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, live, PASSWORD, Server, slots, test, Yard } from "./yard";

/** A user without a name on the machine. */
const USER = 23456;

/** Makes a program that runs the server as that user, who could reach neither this build's folder nor bubblewrap. */
function ordinary(dir: string): string {
  chmodSync(dir, 0o755);
  const [data, program, site] = ["data", "yardmaster", "site"].map((name) => join(dir, name));
  mkdirSync(data);
  chownSync(data, USER, USER);
  copyFileSync(process.env.YARDMASTER_BIN!, program);
  cpSync(process.env.LEPTOS_SITE_ROOT!, site, { recursive: true });
  const start = join(dir, "start");
  const command = `exec setpriv --reuid=${USER} --regid=${USER} --clear-groups env PATH=/nowhere LEPTOS_SITE_ROOT=${site} ${program} "$@"`;
  writeFileSync(start, `#!/bin/sh\ncd /\n${command}\n`, { mode: 0o755 });
  return start;
}

test("where sessions cannot be isolated none starts and the agent says what to install", async ({ browser, page }) => {
  test.skip(process.getuid!() !== 0, "only root can run a server as somebody else");
  const dir = mkdtempSync(join(tmpdir(), "yard-"));
  const start = ordinary(dir);
  let server = await Server.start(join(dir, "data"), "127.0.0.1:0", start);
  try {
    expect(server.log).toContain("no session can start on this machine: Sessions cannot be isolated here");
    const yard = new Yard(server, browser, page);
    await yard.signIn();
    await yard.goto("/agents");
    const row = page.locator("tbody tr");
    await expect(row).toContainText("Not possible");
    await row.getByRole("link").first().click();
    const drawer = page.getByRole("dialog", { name: "Agent info" });
    await expect(drawer.locator(".notice")).toContainText(/bubblewrap is not installed.*install bubblewrap/);
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/refused.png` });
    const id = await yard.session({ name: "waits", command: "true", slots: slots("0.1", 64) });
    await yard.goto(`/sessions?session=${id}`);
    await expect(page.getByRole("dialog", { name: "Session waits" })).toContainText("Pending");
    await expect(page.getByText("Sessions are not isolated")).toBeHidden();
    // An open page would ask the ended server again, and the browser complain.
    await page.goto("about:blank");
    await server.end();

    // The same data, and the explicit way around.
    server = await Server.start(join(dir, "data"), "127.0.0.1:0", start, ["--allow-unisolated"]);
    const again = new Yard(server, browser, page);
    await again.signIn();
    await again.goto("/account");
    await expect(page.getByText("Sessions are not isolated")).toBeVisible();
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/allowed.png` });
    await expect.poll(async () => (await again.call<{ row: { status: string } }>("session", { id })).row.status).toBe("TERMINATED");
    const other = await again.window();
    await again.signIn(await again.person("ann"), PASSWORD, other);
    await other.goto(`${server.url}/account`);
    await live(other);
    await expect(other.getByText("Sessions are not isolated")).toBeHidden();
    await again.end();
  } finally {
    await server.end();
    rmSync(dir, { recursive: true, force: true });
  }
});

test("a session that asks for the metrics of the server gets none without their token", async ({ browser, page }) => {
  const address = "127.0.0.1:39464";
  const server = await Server.start(undefined, undefined, undefined, ["--metrics", address]);
  try {
    const yard = new Yard(server, browser, page);
    await yard.signIn();
    const command = `exec 3<>/dev/tcp/${address.replace(":", "/")}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    const id = await yard.session({ name: "curious", command });
    await expect.poll(async () => (await yard.call<{ row: { status: string } }>("session", { id })).row.status).toBe("TERMINATED");
    const log = await yard.call<{ text: string }>("session_log", { id, container: 0, from: 0, wait: false });
    expect(log.text).toMatch(/^HTTP\/1\.\d 401 /);
    expect(log.text).not.toContain("yardmaster_sessions");
    const token = readFileSync(join(server.data, "metrics.token"), "utf8");
    expect(statSync(join(server.data, "metrics.token")).mode & 0o777).toBe(0o600);
    const shown = await fetch(`http://${address}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    expect(await shown.text()).toContain("yardmaster_sessions");
  } finally {
    await server.end();
    rmSync(server.data, { recursive: true, force: true });
  }
});
