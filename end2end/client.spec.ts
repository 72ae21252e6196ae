// The public API with the official client of the incumbent, and with invalid requests.
import { execFile } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { promisify } from "node:util";
import { Secret, TOTP } from "otpauth";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, PASSWORD, test, unique, type Yard } from "./yard";

type Key = { access_key: string; secret_key: string };
type Answer = Record<string, unknown> & { items?: Record<string, unknown>[]; total_count?: number };

const run = promisify(execFile);

/** A new keypair of the page's person. */
async function keypair(yard: Yard, owner = "", rate_limit = 50_000, page = yard.page): Promise<Key> {
  return yard.call<Key>("create_keypair", { keypair: { owner, policy: "default", rate_limit } }, page);
}

/** Runs one command of the client and returns its parsed standard output. */
async function client(yard: Yard, key: Key, ...words: string[]): Promise<Answer> {
  const folder = mkdtempSync(`${tmpdir()}/client-`);
  const env = {
    PATH: process.env.PATH, HOME: folder, TERM: "linux", NO_COLOR: "1", PYTHONWARNINGS: "ignore", BACKEND_ENDPOINT_TYPE: "api",
    BACKEND_ENDPOINT: yard.server.url, BACKEND_ACCESS_KEY: key.access_key, BACKEND_SECRET_KEY: key.secret_key,
  };
  const done = run(process.env.YARDMASTER_CLIENT!, ["--output=json", ...words], { env, cwd: folder, timeout: 30_000 });
  done.child.stdin?.end();
  const { stdout, stderr } = await done.catch((failed: { stdout: string; stderr: string }) => failed);
  const start = stdout.indexOf("{");
  if (start < 0) throw new Error(`${words.join(" ")}: ${stdout}\n${stderr}`);
  return JSON.parse(stdout.slice(start)) as Answer;
}

test("the official client lists, adds, updates, deactivates and finds people", async ({ yard }) => {
  test.setTimeout(120_000);
  await yard.signIn();
  const key = await keypair(yard);
  const name = unique("cli");
  const email = `${name}@example.org`;
  const added = await client(yard, key, "admin", "user", "add", "default", email, PASSWORD, "-u", name, "-n", "Cli Person");
  expect(added).toMatchObject({ ok: true });
  const again = await client(yard, key, "admin", "user", "add", "default", email, PASSWORD, "-u", name);
  expect(JSON.stringify(again)).toContain("already exists");
  const found = await client(yard, key, "admin", "user", "list", "--filter", `email ilike "%${name}%"`, "--order=-created_at");
  expect(found.items).toMatchObject([{ email, username: name, role: "user", status: "active", domain_name: "default" }]);
  expect(found.items![0].main_access_key).toMatch(/^AKIA/);
  const other = unique("cli");
  await yard.person(other);
  const either = `(username == "${name}" | email in ["${other}@example.org", "nobody@example.org"])`;
  const active = `!(status == INACTIVE) & created_at >= "2020-01-01T00:00:00" & allowed_client_ip is null`;
  const both = await client(yard, key, "admin", "user", "list", "--filter", `${either} & ${active}`, "--order=role,-username");
  expect(both.items!.map((one) => one.username)).toEqual([name, other].sort().reverse());
  expect(both.total_count).toBe(2);
  const one = await client(yard, key, "admin", "user", "list", "--filter", `${either} & !(full_name == "Cli Person")`);
  expect(one.items!.map((one) => one.username)).toEqual([other]);
  await client(yard, key, "admin", "user", "update", email, "-n", "Other Name", "-s", "inactive");
  const info = await client(yard, key, "admin", "user", "info", "-e", email);
  expect(JSON.stringify(info)).toMatch(/inactive/);
  await client(yard, key, "admin", "user", "update", email, "-s", "active");
  expect(await client(yard, key, "admin", "user", "delete", email)).toMatchObject({ ok: true });
  const page = await client(yard, key, "admin", "user", "list", "--limit", "2", "--offset", "1");
  expect(page.items).toHaveLength(Math.min(2, page.total_count! - 1));
});

test("the official client manages keypairs", async ({ yard }) => {
  test.setTimeout(120_000);
  await yard.signIn();
  const key = await keypair(yard);
  const name = unique("clikey");
  const email = await yard.person(name);
  const added = await client(yard, key, "admin", "keypair", "add", email, "default", "-r", "77");
  const access = /AKIA[A-Z2-7]{16}/.exec(JSON.stringify(added))![0];
  const all = await client(yard, key, "admin", "keypair", "list", "-u", email);
  expect(all.items!.map((one) => one.access_key)).toContain(access);
  expect(all.items!.find((one) => one.access_key === access)).toMatchObject({ rate_limit: 77, is_active: true });
  expect(await client(yard, key, "admin", "keypair", "deactivate", access)).toMatchObject({ ok: true });
  expect(await client(yard, key, "admin", "keypair", "activate", access)).toMatchObject({ ok: true });
  expect(JSON.stringify(await client(yard, key, "admin", "keypair", "delete", access))).toContain("inactive");
  await client(yard, key, "admin", "keypair", "deactivate", access);
  expect(await client(yard, key, "admin", "keypair", "delete", access)).toMatchObject({ ok: true });
});

test("the official client manages domains and projects", async ({ yard }) => {
  test.setTimeout(120_000);
  await yard.signIn();
  const key = await keypair(yard);
  const [domain, group] = [unique("dom"), unique("grp")];
  expect(await client(yard, key, "admin", "domain", "add", domain, "-d", "made by the client")).toMatchObject({ ok: true });
  const listed = await client(yard, key, "admin", "domain", "list");
  expect(listed.items!.find((one) => one.name === domain)).toMatchObject({ description: "made by the client", is_active: true });
  expect(await client(yard, key, "admin", "group", "add", domain, group)).toMatchObject({ ok: true });
  const groups = await client(yard, key, "admin", "group", "list", "-d", domain);
  expect(groups.items!.map((one) => one.name).sort()).toEqual([group, "model-store"]);
  const id = groups.items!.find((one) => one.name === group)!.id as string;
  expect(await client(yard, key, "admin", "group", "delete", id)).toMatchObject({ ok: true });
  expect(await client(yard, key, "admin", "domain", "delete", domain)).toMatchObject({ ok: true });
});

test("the client reports a missing right", async ({ yard }) => {
  await yard.signIn();
  const name = unique("plain");
  await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  const key = await keypair(yard, "", 1000, page);
  const answer = await client(yard, key, "admin", "user", "add", "default", `${unique("x")}@example.org`, PASSWORD);
  expect(JSON.stringify(answer)).toMatch(/may not|no permission|There is no/);
});

test("the official client signs in with a password and works with its cookie", async ({ yard }) => {
  await yard.signIn();
  const email = await yard.person(unique("cookie"), "superadmin");
  const folder = mkdtempSync(`${tmpdir()}/client-`);
  const env = {
    PATH: process.env.PATH, HOME: folder, TERM: "linux", NO_COLOR: "1", PYTHONWARNINGS: "ignore", BACKEND_ENDPOINT_TYPE: "session",
    // The client keeps no cookies for an address without a host name.
    BACKEND_ENDPOINT: yard.server.url.replace("127.0.0.1", "localhost"),
  };
  const command = (input: string, ...words: string[]) => {
    const done = run(process.env.YARDMASTER_CLIENT!, words, { env, cwd: folder, timeout: 30_000 });
    done.child.stdin?.end(input);
    return done.catch((failed: { stdout: string; stderr: string }) => failed);
  };
  const wrong = await command(`${email}\nWrong-Horse-9\n`, "login");
  expect(wrong.stdout + wrong.stderr).not.toContain("Login succeeded");
  const right = await command(`${email}\n${PASSWORD}\n`, "login");
  expect(right.stdout + right.stderr).toContain("Login succeeded");
  const listed = await command("", "--output=json", "admin", "user", "list", "--filter", `email == "${email}"`);
  expect(JSON.parse(listed.stdout.slice(listed.stdout.indexOf("{"))).items).toMatchObject([{ email }]);
  const name = unique("bycookie");
  const added = await command("", "--output=json", "admin", "user", "add", "default", `${name}@example.org`, PASSWORD, "-u", name);
  expect(added.stdout + added.stderr).toContain('"ok": true');
  const updated = await command("", "--output=json", "admin", "user", "update", `${name}@example.org`, "-n", "By Cookie");
  expect(updated.stdout + updated.stderr).toContain('"ok": true');
  const key = await command("", "--output=json", "admin", "keypair", "add", `${name}@example.org`, "default");
  const access = /AKIA[A-Z2-7]{16}/.exec(key.stdout)![0];
  for (const what of ["deactivate", "delete"]) {
    expect((await command("", "--output=json", "admin", "keypair", what, access)).stdout).toContain('"ok": true');
  }
  const domain = unique("cookie-dom");
  expect((await command("", "--output=json", "admin", "domain", "add", domain)).stdout).toContain('"ok": true');
  expect((await command("", "--output=json", "admin", "group", "add", domain, "lab")).stdout).toContain('"ok": true');
  expect((await command("", "--output=json", "admin", "domain", "delete", domain)).stdout).toContain('"ok": true');
  expect((await command("", "--output=json", "admin", "user", "delete", `${name}@example.org`)).stdout).toContain('"ok": true');
  await command("", "logout");
  const after = await command("", "--output=json", "admin", "user", "list");
  expect(after.stdout + after.stderr).not.toContain('"total_count": ');
});

test("the official client asks for the one-time code of somebody who uses two-factor", async ({ yard }) => {
  await yard.signIn();
  const name = unique("otp");
  const email = await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  const { secret } = await yard.call<{ secret: string }>("begin_two_factor", { password: PASSWORD }, page);
  // The current code and the next one: both are still valid if the half minute ends in between.
  const code = (steps: number) => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
  await yard.call("enable_two_factor", { code: code(0) }, page);
  const folder = mkdtempSync(`${tmpdir()}/client-`);
  const env = {
    PATH: process.env.PATH, HOME: folder, TERM: "linux", NO_COLOR: "1", PYTHONWARNINGS: "ignore", BACKEND_ENDPOINT_TYPE: "session",
    BACKEND_ENDPOINT: yard.server.url.replace("127.0.0.1", "localhost"),
  };
  const login = (input: string) => {
    const done = run(process.env.YARDMASTER_CLIENT!, ["login"], { env, cwd: folder, timeout: 30_000 });
    done.child.stdin?.end(input);
    return done.catch((failed: { stdout: string; stderr: string }) => failed);
  };
  const wrong = await login(`${email}\n${PASSWORD}\n000000\n`);
  expect(wrong.stdout + wrong.stderr).not.toContain("Login succeeded");
  const right = await login(`${email}\n${PASSWORD}\n${code(1)}\n`);
  expect(right.stdout).toContain("One-time Password");
  expect(right.stdout + right.stderr).toContain("Login succeeded");
});

/** A request signed as by the client, with the mistakes in `wrong`. */
async function signed(yard: Yard, key: Key, wrong: { date?: Date; signature?: (good: string) => string; secret?: string } = {}): Promise<Response> {
  const url = new URL("/auth", yard.server.url);
  const date = (wrong.date ?? new Date()).toISOString().replace("Z", "+00:00");
  const empty = createHash("sha256").update("").digest("hex");
  const text = ["GET", "/auth", date, `host:${url.host}`, "content-type:text/plain", "x-backendai-version:v9.20250722", empty].join("\n");
  const hmac = (secret: string | Buffer, message: string) => createHmac("sha256", secret).update(message);
  const day = hmac(wrong.secret ?? key.secret_key, date.slice(0, 10).replaceAll("-", "")).digest();
  const good = hmac(hmac(day, url.host).digest(), text).digest("hex");
  const signature = wrong.signature?.(good) ?? good;
  return fetch(url, {
    headers: {
      "X-BackendAI-Date": date, "X-BackendAI-Version": "v9.20250722", "Content-Type": "text/plain",
      Authorization: `BackendAI signMethod=HMAC-SHA256, credential=${key.access_key}:${signature}`,
    },
  });
}

test("a request with a wrong signature is refused with the right status", async ({ yard }) => {
  await yard.signIn();
  const name = unique("sign");
  const email = await yard.person(name);
  const key = await keypair(yard, email);
  expect((await signed(yard, key)).status).toBe(200);
  expect((await signed(yard, key, { signature: (good) => (good.startsWith("0") ? "1" : "0") + good.slice(1) })).status).toBe(401);
  for (const minutes of [-16, 16]) {
    const answer = await signed(yard, key, { date: new Date(Date.now() + minutes * 60_000) });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("Date/time sync error");
  }
  const other = await keypair(yard);
  expect((await signed(yard, key, { secret: other.secret_key })).status, "another person's key").toBe(401);
  expect((await fetch(`${yard.server.url}/auth`)).status, "not signed").toBe(401);

  await yard.call("edit_keypair", { access_key: key.access_key, edit: { active: false } });
  expect((await signed(yard, key)).status, "a deactivated keypair").toBe(401);
  await yard.call("edit_keypair", { access_key: key.access_key, edit: { active: true } });
  const users = await yard.call<{ rows: { id: string }[] }>("users", {
    query: { tab: "active", subtab: "", conditions: [{ key: "email", op: "equals", value: email }], sort: "created_at", descending: true, page: 1, per: 10 },
  });
  await yard.call("edit_user", { id: users.rows[0].id, edit: { status: "inactive" } });
  expect((await signed(yard, key)).status, "a deactivated person").toBe(401);
  await yard.call("edit_user", { id: users.rows[0].id, edit: { status: "active" } });
  expect((await signed(yard, key)).status, "reactivated").toBe(200);
});

test("a keypair gets exactly as many answers as its limit, even in parallel, and then how long to wait", async ({ yard }) => {
  await yard.signIn();
  const key = await keypair(yard, await yard.person(unique("many")), 100);
  const statuses: number[] = [];
  const caller = async () => {
    for (let n = 0; n < 20; n++) statuses.push((await signed(yard, key)).status);
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  expect(statuses.filter((status) => status === 200)).toHaveLength(100);
  expect(statuses.filter((status) => status === 429)).toHaveLength(220);
  const refused = await signed(yard, key);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(800);
  expect(refused.headers.get("x-ratelimit-limit")).toBe("100");
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  expect(await refused.text()).toContain("rate-limit-exceeded");
});

test("a person at their rate limit sees a page that says so and when it ends", async ({ yard }) => {
  await yard.signIn();
  const name = unique("over");
  const email = await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  const users = await yard.call<{ rows: { main_key: string }[] }>("keypairs", {
    query: { tab: "active", subtab: "", conditions: [{ key: "owner", op: "equals", value: email }], sort: "created_at", descending: true, page: 1, per: 10 },
  });
  const main = (users.rows[0] as unknown as { access_key: string }).access_key;
  await yard.call("edit_keypair", { access_key: main, edit: { rate_limit: 0 } });
  const answer = await page.goto(`${yard.server.url}/sessions`);
  expect(answer!.status()).toBe(429);
  await expect(page.getByRole("heading", { name: "Rate limit reached" })).toBeVisible();
  await expect(page.getByText(/Try again in 15 min/)).toBeVisible();
});

/** Runs one command of the client whose answer is for people, and returns its text. */
async function said(yard: Yard, key: Key, ...words: string[]): Promise<string> {
  const folder = mkdtempSync(`${tmpdir()}/client-`);
  const env = {
    PATH: process.env.PATH, HOME: folder, TERM: "linux", NO_COLOR: "1", PYTHONWARNINGS: "ignore", BACKEND_ENDPOINT_TYPE: "api",
    BACKEND_ENDPOINT: yard.server.url, BACKEND_ACCESS_KEY: key.access_key, BACKEND_SECRET_KEY: key.secret_key,
  };
  const done = run(process.env.YARDMASTER_CLIENT!, words, { env, cwd: folder, timeout: 60_000 });
  // Some commands ask for confirmation.
  done.child.stdin?.end("y\n");
  const { stdout, stderr } = await done.catch((failed: { stdout: string; stderr: string }) => failed);
  return stdout + stderr;
}

test("the official client creates a batch session, waits for it, reads its log and its status history", async ({ yard }) => {
  test.setTimeout(180_000);
  await yard.signIn();
  const key = await keypair(yard);
  const name = unique("clibatch");
  const created = await said(
    yard, key, "session", "create", "--name", name, "--type", "batch", "-c", "echo said by the client; sleep 2; exit 0",
    "-r", "cpu=0.1", "-r", "mem=256m", "host",
  );
  expect(created).toMatch(/is created and ready|ready to use|RUNNING|started|Started|finished/i);
  await expect.poll(async () => said(yard, key, "session", "logs", name), { timeout: 60_000 }).toContain("said by the client");
  await expect.poll(async () => said(yard, key, "session", "status-history", name), { timeout: 60_000 }).toContain("TERMINATED");
  const history = await said(yard, key, "session", "status-history", name);
  for (const status of ["PENDING", "SCHEDULED", "PREPARING", "RUNNING"]) expect(history).toContain(status);
  const listed = await client(yard, key, "session", "list", "-s", "TERMINATED", "--filter", `name == "${name}"`);
  expect(JSON.stringify(listed)).toContain("SUCCESS");

  const renamed = unique("clinew");
  await said(yard, key, "session", "create", "--name", `${name}-i`, "-r", "cpu=0.1", "-r", "mem=256m", "host");
  await said(yard, key, "session", "rename", `${name}-i`, renamed);
  const found = await client(yard, key, "session", "list", "--filter", `name == "${renamed}"`);
  const id = String(found.items![0].session_id ?? found.items![0].id);
  expect(await said(yard, key, "session", "info", id)).toContain("RUNNING");
  const again = await said(yard, key, "session", "create", "--name", renamed, "--no-reuse", "-r", "cpu=0.1", "-r", "mem=256m", "host");
  expect(again).toContain("already exists");
  await said(yard, key, "session", "destroy", renamed);
  await expect.poll(async () => said(yard, key, "session", "status-history", renamed), { timeout: 60_000 }).toContain("TERMINATED");
});

test("the official client lists policies, groups and agents, and makes and ends a policy and a group", async ({ yard }) => {
  test.setTimeout(180_000);
  await yard.signIn();
  const key = await keypair(yard);
  const [policy, group] = [unique("clipol"), unique("cligrp")];
  const agents = await client(yard, key, "admin", "agent", "list");
  expect(agents.items).toMatchObject([{ status: "ALIVE", scaling_group: "default" }]);
  expect(JSON.stringify(await client(yard, key, "admin", "scaling-group", "list"))).toContain('"default"');
  const made = await said(yard, key, "admin", "scaling-group", "add", group, "-d", "made by the client", "--scheduler", "drf");
  expect(made).toContain(group);
  expect(JSON.stringify(await client(yard, key, "admin", "scaling-group", "list"))).toContain('"drf"');
  await said(yard, key, "admin", "scaling-group", "delete", group);
  expect(JSON.stringify(await client(yard, key, "admin", "scaling-group", "list"))).not.toContain(group);
  const added = await said(yard, key, "admin", "keypair-resource-policy", "add", policy, "--max-concurrent-sessions", "3");
  expect(added).toContain(policy);
  const listed = JSON.stringify(await client(yard, key, "admin", "keypair-resource-policy", "list"));
  expect(listed).toContain(policy);
  expect(listed).toContain("default");
  await said(yard, key, "admin", "keypair-resource-policy", "delete", policy);
  expect(JSON.stringify(await client(yard, key, "admin", "keypair-resource-policy", "list"))).not.toContain(policy);
});

test("every list of the official client has its values under its headings", async ({ yard }) => {
  test.setTimeout(180_000);
  await yard.signIn();
  const key = await keypair(yard);
  const name = unique("table");
  await said(yard, key, "session", "create", "--name", name, "--type", "batch", "-c", "sleep 300", "--enqueue-only", "-r", "cpu=0.1", "-r", "mem=256m", "host");
  /** The cells of the first row below the headings, by heading. */
  const cells = async (...words: string[]): Promise<Record<string, string>> => {
    const text = await said(yard, key, ...words);
    const lines = text.split("\n");
    const rule = lines.findIndex((line) => /^-+( +-+)*\s*$/.test(line));
    expect(rule, text).toBeGreaterThan(0);
    const columns = [...lines[rule].matchAll(/-+/g)].map((dashes) => [dashes.index, dashes.index + dashes[0].length]);
    // The last cell of a row may be wider than its heading.
    const cell = (line: string, [from, to]: number[], last: boolean) => line.slice(from, last ? undefined : to).trim();
    return Object.fromEntries(columns.map((place, n) => [
      cell(lines[rule - 1], place, n === columns.length - 1), cell(lines[rule + 1] ?? "", place, n === columns.length - 1),
    ]));
  };
  const time = /^\d{4}-\d\d-\d\dT/;
  const users = await cells("admin", "user", "list");
  expect(users).toMatchObject({ "Domain Name": "default", Status: expect.stringMatching(/active/), "Created At": expect.stringMatching(time) });
  expect(await cells("admin", "keypair", "list")).toMatchObject({
    Email: expect.stringContaining("@"), "Access Key": expect.stringMatching(/^AKIA/), "Created At": expect.stringMatching(time),
  });
  expect(await cells("admin", "domain", "list")).toMatchObject({ "Active?": expect.stringMatching(/True|False/), "Created At": expect.stringMatching(time) });
  expect(await cells("admin", "group", "list")).toMatchObject({ ID: expect.stringMatching(/^[0-9a-f-]{36}$/), "Created At": expect.stringMatching(time) });
  const agents = await cells("admin", "agent", "list");
  expect(agents).toMatchObject({ Status: "ALIVE", "Scaling Group": "default", "First Contact": expect.stringMatching(time) });
  expect(Number(agents["Used Memory (MiB)"]), "in mebibytes").toBeGreaterThan(50);
  expect(await cells("admin", "scaling-group", "list")).toMatchObject({ Driver: "static", "Created At": expect.stringMatching(time) });
  expect(await cells("admin", "keypair-resource-policy", "list")).toMatchObject({ "Created At": expect.stringMatching(time) });
  for (const words of [["ps"], ["session", "list"], ["admin", "session", "list"]]) {
    expect(await cells(...words)).toMatchObject({
      "Owner Access Key": expect.stringMatching(/^AKIA/), "Session ID": expect.stringMatching(/^[0-9a-f-]{36}$/), Type: "BATCH",
    });
  }
  const policy = unique("plainpol");
  expect(await said(yard, key, "admin", "keypair-resource-policy", "add", policy)).toMatch(/ok\s+True/);
  const plain = await yard.person(unique("rights"));
  expect(await said(yard, key, "admin", "keypair", "add", plain, "default", "--admin")).toContain("is_admin");
  expect(await said(yard, key, "admin", "keypair", "add", plain, "default")).toMatch(/AKIA/);
  await said(yard, key, "session", "destroy", name);
});
