// Shared by all browser tests: a real server with its own database, people, and a page that fails on any console error.
import { test as base, expect, type APIRequestContext, type Browser, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ADMIN = { email: "admin@example.org", password: "Correct-Horse-9" };
export const PASSWORD = "Battery-Staple-7";
/** How the browser itself reports that the server could not be reached. */
export const UNREACHED = /net::ERR_|EventSource|Failed to load resource|Failed to fetch/;

/** A running server. */
export class Server {
  /** The server's standard error so far. */
  log = "";

  private constructor(readonly data: string, readonly url: string, private child: ChildProcess) {}

  static async start(
    data = mkdtempSync(join(tmpdir(), "yard-")), listen = "127.0.0.1:0", binary = process.env.YARDMASTER_BIN, more: string[] = [],
  ): Promise<Server> {
    if (!binary) throw new Error("YARDMASTER_BIN is not set: run these tests with `cargo xtask test --only browser`");
    const metrics = more.includes("--metrics") ? [] : ["--metrics", "off"];
    const child = spawn(binary, ["serve", "--listen", listen, "--data", data, ...metrics, ...more], {
      env: { ...process.env, YARDMASTER_ADMIN_EMAIL: ADMIN.email, YARDMASTER_ADMIN_PASSWORD: ADMIN.password },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    child.stderr!.on("data", (piece) => (log += piece));
    const url = await new Promise<string>((found, failed) => {
      let said = "";
      child.stdout!.on("data", (piece) => {
        said += piece;
        const match = /Yardmaster is at (http:\S+)/.exec(said);
        if (match) found(match[1]);
      });
      child.on("exit", (code) => failed(new Error(`the server ended with ${code}:\n${log}`)));
    });
    const server = new Server(data, url, child);
    server.log = log;
    child.stderr!.on("data", (piece) => (server.log += piece));
    return server;
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await gone;
  }

  /** Starts again on the same data and the same address, perhaps as another build. */
  async restart(binary?: string): Promise<Server> {
    return Server.start(this.data, this.url.replace("http://", ""), binary);
  }

  async end(): Promise<void> {
    const gone = new Promise((done) => this.child.once("exit", done));
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGTERM");
    await gone;
  }
}

type WorkerThings = { server: Server };
type Things = { yard: Yard };

/** One test's view of the console. */
export class Yard {
  private contexts: BrowserContext[] = [];
  private complaints: string[] = [];
  private expected?: RegExp;

  constructor(readonly server: Server, private browser: Browser, readonly page: Page) {
    this.watch(page);
  }

  /** Fails the test on any error or warning of the browser that is not expected. */
  watch(page: Page): void {
    const complain = (text: string) => {
      if (!this.expected?.test(text)) this.complaints.push(`${page.url()}: ${text}`);
    };
    page.on("console", (message) => {
      const text = message.text();
      const refused = /the server responded with a status of (401|403|404|409|422|429)/.test(text);
      if ((message.type() === "error" && !refused) || /hydration|Content Security Policy/i.test(text)) complain(text);
    });
    page.on("pageerror", (error) => complain(error.message));
  }

  /** From now on the browser may complain in these words, until the test ends: they can arrive late. */
  expects(complaint: RegExp): void {
    this.expected = complaint;
  }

  /** A second person's window. */
  async window(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    this.contexts.push(context);
    const page = await context.newPage();
    this.watch(page);
    return page;
  }

  async goto(path: string, page = this.page): Promise<void> {
    // A dialog that was just closed takes its entry in the history back, which would cancel the way to another page.
    const settled = () => document.querySelector("dialog.dialog[open]") || typeof history.state !== "number";
    await page.waitForFunction(settled, undefined, { timeout: 500 }).catch(() => {});
    await page.goto(this.server.url + path);
    await live(page);
  }

  /** Signs in the page's window without opening a page; `byHand` is for tests of signing in. */
  async signIn(email = ADMIN.email, password = ADMIN.password, page = this.page): Promise<void> {
    const answer = await page.request.post(`${this.server.url}/sign-in`, {
      form: { next: "/account", login: email, password },
      maxRedirects: 0,
    });
    expect(answer.headers().location, `${email} signs in`).toBe("/account");
  }

  async byHand(email = ADMIN.email, password = ADMIN.password, page = this.page): Promise<void> {
    await page.goto(`${this.server.url}/sign-in`);
    await page.getByLabel("Email or username").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
    await live(page);
  }

  /** Calls a server function as the page's person. */
  async call<T>(name: string, body: unknown, page = this.page): Promise<T> {
    return call<T>(page.request, this.server.url, name, body);
  }

  /** The domain that exists from the start, among those that other tests create. */
  async defaultDomain(): Promise<{ id: string; projects: { id: string }[] }> {
    const all = await this.call<{ id: string; name: string; projects: { id: string }[] }[]>("domain_choices", {});
    return all.find((domain) => domain.name === "default")!;
  }

  /** Creates a person with PASSWORD, through the console's own call; the page must be an administrator's. */
  async person(name: string, role = "user"): Promise<string> {
    const email = `${name}@example.org`;
    const domain = await this.defaultDomain();
    await this.call("create_user", {
      user: {
        email, username: name, full_name: "", password: PASSWORD, role, status: "active", domain: domain.id,
        projects: domain.projects.map((project) => project.id), description: "",
      },
    });
    return email;
  }

  /** Creates a keypair policy without limits of its own; the page must be a superadmin's. */
  async keypairPolicy(name: string): Promise<void> {
    const policy = {
      name, total: {}, others_unlimited: true, max_sessions: null, max_pending: null, max_cluster: 1, lifetime: null, idle_timeout: null,
      max_transfers: null, hosts: {},
    };
    await this.call("save_keypair_policy", { save: { policy, revision: null } });
  }

  /** Starts a session as the page's person; returns its id. */
  async session(fields: Record<string, unknown>, page = this.page): Promise<string> {
    return (await this.sessions(fields, page))[0].id;
  }

  /** The same, with the server's whole answer. */
  async sessions(fields: Record<string, unknown>, page = this.page): Promise<{ id: string; name: string; raised: string[] }[]> {
    const options = await this.call<{ projects: { id: string }[] }>("start_options", { owner: "" }, page);
    return this.call("start_session", {
      session: {
        name: "", project: options.projects[0].id, resource_group: "default", kind: "batch", image: "host", command: "true",
        slots: slots("0.1", 256), ...fields,
      },
    }, page);
  }

  async end(): Promise<void> {
    for (const context of this.contexts) await context.close();
    expect(this.complaints, "the browser's console").toEqual([]);
  }
}

/** Cores and MiB in the form of a request. */
export function slots(cpu: string, mebibytes: number): Record<string, string> {
  return { cpu, mem: String(mebibytes * 1024 * 1024) };
}

export async function call<T>(request: APIRequestContext, url: string, name: string, body: unknown): Promise<T> {
  const answer = await request.post(`${url}/call/${name}`, { data: body as object });
  if (!answer.ok()) throw new Error(`${name}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

/** Closes a form and gives up what was typed in it. */
export async function discard(dialog: Locator): Promise<void> {
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByRole("button", { name: "Discard" }).click();
}

/** Waits until buttons work. */
export async function live(page: Page): Promise<void> {
  await page.locator("html[data-hydrated]").waitFor();
}

export const test = base.extend<Things, WorkerThings>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.end();
      rmSync(server.data, { recursive: true, force: true });
    },
    { scope: "worker" },
  ],
  yard: async ({ server, browser, page }, use) => {
    const yard = new Yard(server, browser, page);
    const before = server.log.length;
    await use(yard);
    expect(server.log.slice(before), "the server's log").not.toMatch(/panicked| ERROR /);
    await yard.end();
  },
});

export { expect };

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${Math.random().toString(36).slice(2, 8)}`;
}
