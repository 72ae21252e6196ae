// The server is killed at random moments, twenty times and more: no session is lost, started twice, or reported wrongly.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADMIN, Server, expect, slots, test } from "./yard";

type Row = { id: string; name: string; status: string };
type Detail = { row: Row; outcome: unknown; history: { status: string }[] };

/** A client that signs in and calls server functions, without a browser. */
class Client {
  constructor(public url: string, private cookie = "") {}

  async signIn(): Promise<void> {
    const body = new URLSearchParams({ login: ADMIN.email, password: ADMIN.password });
    const answer = await fetch(`${this.url}/sign-in`, { method: "POST", body, redirect: "manual" });
    this.cookie = answer.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
  }

  async call<T>(name: string, body: unknown): Promise<T> {
    const headers = { "content-type": "application/json", cookie: this.cookie };
    const answer = await fetch(`${this.url}/call/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return answer.json() as Promise<T>;
  }
}

test("twenty kills at random moments lose no session, start none twice and invent no end", async () => {
  test.setTimeout(300_000);
  let server = await Server.start();
  const client = new Client(server.url);
  await client.signIn();
  const options = await client.call<{ projects: { id: string }[] }>("start_options", { owner: "" });
  const ask = (name: string, command: string) =>
    client.call<{ id: string }[]>("start_session", {
      session: {
        name, project: options.projects[0].id, resource_group: "default", kind: "batch", image: "host", command, slots: slots("0.1", 128),
      },
    }).then(([one]) => one.id);

  // A session that outlives every kill: it leaves a mark each second.
  const long = await ask("long-lived", "for i in $(seq 1 600); do echo beat $i; sleep 0.5; done");
  const asked = new Map<string, number>();
  for (let round = 0; round < 22; round++) {
    const code = round % 7;
    const refused = ask(`round-${round}`, `echo began; echo code ${code}; exit ${code}`).then(
      (id) => asked.set(id, code),
      () => undefined,
    );
    // Before, during and after it is recorded, placed, started and ended.
    await new Promise((done) => setTimeout(done, Math.random() * 250));
    await server.kill();
    await refused;
    server = await server.restart();
    client.url = server.url;
  }
  const finished = ["TERMINATED", "ERROR", "CANCELLED"];
  for (const [id, code] of asked) {
    await expect.poll(async () => (await client.call<Detail>("session", { id })).row.status, { timeout: 30_000 }).toMatch(/TERMINATED|ERROR|CANCELLED/);
    const session = await client.call<Detail>("session", { id });
    expect(session.outcome, JSON.stringify(session.history)).toEqual({ exited: code });
    const log = await client.call<{ text: string }>("session_log", { id, container: 0, from: 0, wait: false });
    expect(log.text).toBe(`began\ncode ${code}\n`);
    expect(session.history.filter((step) => finished.includes(step.status))).toHaveLength(1);
    expect(session.history.filter((step) => step.status === "RUNNING")).toHaveLength(1);
  }
  // Sessions whose answer was cut off by the kill were recorded completely or not at all.
  expect(asked.size).toBeGreaterThan(5);

  const survivor = await client.call<Detail>("session", { id: long });
  expect(survivor.row.status).toBe("RUNNING");
  const log = await client.call<{ text: string }>("session_log", { id: long, container: 0, from: 0, wait: false });
  const beats = log.text.trim().split("\n");
  expect(beats[0]).toBe("beat 1");
  expect(beats).toEqual(beats.map((_, i) => `beat ${i + 1}`));
  await client.call("terminate_sessions", { ids: [long], force: true });
  await expect.poll(async () => (await client.call<Detail>("session", { id: long })).row.status).toBe("TERMINATED");
  const left = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      return readFileSync(join("/proc", pid, "cmdline"), "utf8").includes("echo beat");
    } catch {
      return false;
    }
  });
  expect(left).toEqual([]);
  await server.end();
  rmSync(server.data, { recursive: true, force: true });
});

test("a server that is asked to end keeps its sessions running, and its files stay private", async () => {
  let server = await Server.start();
  const client = new Client(server.url);
  await client.signIn();
  const options = await client.call<{ projects: { id: string }[] }>("start_options", { owner: "" });
  const [{ id }] = await client.call<{ id: string }[]>("start_session", {
    session: {
      name: "patient", project: options.projects[0].id, resource_group: "default", kind: "interactive", image: "host", command: "",
      slots: slots("0.1", 128),
    },
  });
  const status = async () => (await client.call<Detail>("session", { id })).row.status;
  await expect.poll(status).toBe("RUNNING");
  expect(statSync(join(server.data, "yardmaster.db")).mode & 0o777).toBe(0o600);
  await server.end();
  server = await server.restart();
  client.url = server.url;
  expect(await status()).toBe("RUNNING");
  await client.call("terminate_sessions", { ids: [id], force: false });
  await expect.poll(status).toBe("TERMINATED");
  await server.end();
  rmSync(server.data, { recursive: true, force: true });
});

/** How often `cargo xtask bench --kills` kills; the tests do it less often. */
const KILLS = Number(process.env.KILLS ?? 50);

/** The most rows of a page. */
const PER = 50;

/** The processes that belong to a data folder's sessions: supervisors, and the first processes of their containers. */
function supervisors(data: string): number[] {
  const pids = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid));
  const session = (pid: string) => /supervise\0([0-9a-f-]+)/.exec(commandLine(pid))?.[1];
  return pids.filter((pid) => existsSync(join(data, "sessions", session(pid) ?? "none"))).map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(join("/proc", pid, "cmdline"), "utf8");
  } catch {
    return "";
  }
}

/** The control groups of a session that are still there. */
function groups(id: string): string[] {
  const hierarchies = existsSync("/sys/fs/cgroup") ? ["", ...readdirSync("/sys/fs/cgroup")] : [];
  const ours = hierarchies.map((name) => join("/sys/fs/cgroup", name, "yardmaster")).filter((path) => existsSync(path));
  const sessions = ours.flatMap((path) => readdirSync(path).map((name) => join(path, name, id)));
  return sessions.filter((path) => existsSync(path));
}

function some<T>(all: T[]): T {
  return all[Math.floor(Math.random() * all.length)];
}

test("kills of the server, of supervisors and of both lose, double and leave nothing", async () => {
  test.setTimeout(60_000 + KILLS * 5_000);
  let server = await Server.start();
  const client = new Client(server.url);
  await client.signIn();
  const options = await client.call<{ projects: { id: string }[] }>("start_options", { owner: "" });
  const project = options.projects[0].id;
  const me = (await client.call<{ rows: { id: string }[] }>("users", list("active", "", 1))).rows[0].id;
  const marker = `killed-${process.pid}`;

  const names: string[] = [];
  const answered = new Map<string, string>();
  let saved = -1;
  let unanswered = -1;
  let next = 0;
  for (let round = 0; round < KILLS; round++) {
    const waiting: Promise<unknown>[] = [];
    // Some end at once, some run until they are ended, some wait because all cores are held.
    for (const command of [`echo ${marker}; exit 3`, some([`echo ${marker}; sleep 300`, `echo ${marker}; sleep 0.2`])]) {
      const name = `kill-${next++}`;
      names.push(name);
      const session = {
        name, project, resource_group: "default", kind: "batch", image: "host", command, slots: slots(some(["0.1", "0.5", "1"]), 64),
      };
      waiting.push(client.call<{ id: string }[]>("start_session", { session }).then(([one]) => answered.set(name, one.id), () => undefined));
    }
    const running = some([...answered.values()]);
    if (running && round % 3 === 0) {
      waiting.push(client.call("terminate_sessions", { ids: [running], force: round % 2 === 0 }).catch(() => undefined));
    }
    // A form that is saved meanwhile.
    waiting.push(
      client.call("edit_user", { id: me, edit: { description: `round ${round}` } }).then(() => (saved = round), () => (unanswered = round)),
    );
    await new Promise((done) => setTimeout(done, Math.random() * 250));
    const target = some(["server", "supervisor", "both"]);
    if (target !== "server") {
      const all = supervisors(server.data);
      if (all.length > 0) {
        try {
          process.kill(some(all), "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      }
    }
    if (target !== "supervisor") await server.kill();
    await Promise.all(waiting);
    if (target !== "supervisor") {
      server = await server.restart();
      client.url = server.url;
    }
  }

  // A save that was answered is there; one that was cut off is there whole or not at all.
  const { row: self } = await client.call<{ row: { description: string } }>("user", { id: me });
  const found = Number(/^round (\d+)$/.exec(self.description)?.[1]);
  expect([saved, unanswered]).toContain(found);
  expect(found).toBeGreaterThanOrEqual(saved);

  const all = async (tab: string): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let page = 1; ; page++) {
      const { rows: more } = await client.call<{ rows: Row[] }>("sessions", list(tab, "all", page));
      rows.push(...more);
      if (more.length < PER) return rows;
    }
  };
  // Nothing is stuck: what was ended ends, what waited starts and ends.
  await expect
    .poll(
      async () => {
        const living = (await all("running")).map((row) => row.id);
        if (living.length > 0) await client.call("terminate_sessions", { ids: living.slice(0, 100), force: true }).catch(() => undefined);
        return living.length;
      },
      { timeout: 120_000 },
    )
    .toBe(0);
  const finished = await all("finished");
  for (const [name, id] of answered) {
    expect(finished.filter((row) => row.name === name).map((row) => row.id), name).toEqual([id]);
  }
  for (const name of names) {
    expect(finished.filter((row) => row.name === name).length, name).toBeLessThanOrEqual(1);
  }
  for (const { id, name } of finished) {
    const detail = await client.call<Detail>("session", { id });
    expect(detail.history.filter((step) => step.status === "RUNNING").length, name).toBeLessThanOrEqual(1);
    const log = await client.call<{ text: string }>("session_log", { id, container: 0, from: 0, wait: false });
    expect(log.text.split(marker).length - 1, `${name} ran once at most: ${log.text}`).toBeLessThanOrEqual(1);
    expect(groups(id), name).toEqual([]);
  }
  // Nothing is held by nobody, and no process is left.
  const own = await client.call<{ using: { slots: Record<string, string> } }>("own_use", {});
  expect(Object.values(own.using.slots).filter((amount) => Number(amount) !== 0), JSON.stringify(own.using)).toEqual([]);
  await expect.poll(() => supervisors(server.data)).toEqual([]);
  expect(readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(marker))).toEqual([]);
  await server.end();
  rmSync(server.data, { recursive: true, force: true });
});

/** A list's question, all of it. */
function list(tab: string, subtab: string, page: number): Record<string, unknown> {
  return { query: { tab, subtab, conditions: [], sort: "created_at", descending: true, page, per: PER } };
}

test("a first start that fails makes no password that nobody sees", async () => {
  const data = mkdtempSync(join(tmpdir(), "yard-"));
  const { YARDMASTER_ADMIN_PASSWORD: _, ...env } = process.env;
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const serve = (listen: string) =>
    spawn(process.env.YARDMASTER_BIN!, ["serve", "--listen", listen, "--data", data, "--metrics", "off"], { env });
  const said = (child: ChildProcess) => {
    let text = "";
    child.stdout!.on("data", (piece) => (text += piece));
    return () => text;
  };
  try {
    const first = serve(`127.0.0.1:${(taken.address() as AddressInfo).port}`);
    const before = said(first);
    expect((await once(first, "exit"))[0]).not.toBe(0);
    expect(before()).not.toContain("Password");
    const second = serve("127.0.0.1:0");
    const after = said(second);
    await expect.poll(after).toContain("Password (shown only now): ");
    second.kill();
    await once(second, "exit");
  } finally {
    taken.close();
    rmSync(data, { recursive: true, force: true });
  }
});
