// The server is killed at random moments, twenty times and more: no session is lost, started twice, or reported wrongly.
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
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
