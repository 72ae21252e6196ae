// The launcher: typed values last, obstacles are shown beforehand, and started sessions can be started again.
import { PASSWORD, expect, live, slots, test, unique } from "./yard";

test("typed values survive a reload, except hidden values", async ({ yard }) => {
  const { page } = yard;
  const name = unique("kept");
  await yard.signIn();
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill(name);
  await main.getByLabel("Start-up command").fill("python train.py --epochs 3");
  await main.getByLabel("CPU cores").fill("0.5");
  await main.getByText("Advanced").click();
  for (const [index, variable, value] of [[0, "EPOCHS", "3"], [1, "DATABASE_URL", "postgres://u:hush-hush@db"]] as const) {
    await main.getByRole("button", { name: "Add variable" }).click();
    await main.getByLabel("Variable name").nth(index).fill(variable);
    await main.getByLabel(`Value of ${variable}`, { exact: true }).fill(value);
  }
  await main.getByLabel("Others may see the value of EPOCHS").check();
  await expect.poll(() => page.url()).toContain("DATABASE_URL");
  expect(page.url()).not.toContain("hush-hush");
  await page.reload();
  await live(page);
  await expect(main.getByLabel("CPU cores")).toHaveValue("0.5");
  // What is used stands open.
  await expect(main.getByLabel("Value of EPOCHS", { exact: true })).toHaveValue("3");
  await expect(main.getByLabel("Value of DATABASE_URL", { exact: true })).toHaveValue("");
  await expect(main.getByLabel("Name", { exact: true })).toHaveValue(name);
  await expect(main.getByLabel("Start-up command")).toHaveValue("python train.py --epochs 3");
  await main.getByRole("button", { name: "Reset" }).first().click();
  await main.getByRole("group", { name: "Clear the whole form?" }).getByRole("button", { name: "Reset" }).click();
  await expect(main.getByLabel("Name", { exact: true })).toHaveValue("");
});

test("a wrong field that is folded away is opened, explained and has the focus", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  const ports = main.getByLabel("Preopen ports");
  await expect(ports).toBeHidden();
  await main.getByText("Advanced").click();
  await ports.fill("80");
  await main.getByText("Advanced").click();
  await expect(ports).toBeHidden();
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(main.getByText("Ports from 1024 to 65535.", { exact: true })).toBeVisible();
  await expect(ports).toBeFocused();
  await ports.fill("8000-8002, 9000");
  await expect.poll(() => decodeURIComponent(page.url())).toContain("8000,8001,8002,9000");
});

test("a preset is offered while it fits, and fills the amounts in", async ({ yard }) => {
  const { page } = yard;
  const [small, huge] = [unique("small"), unique("huge")];
  await yard.signIn();
  const save = (name: string, cpu: string) =>
    yard.call("save_preset", { save: { preset: { name, slots: slots(cpu, 256), shared_memory: null, resource_group: null }, revision: null } });
  await save(small, "0.2");
  await save(huge, "400");
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("button", { name: new RegExp(`^${small}`) }).click();
  await expect(main.getByLabel("CPU cores")).toHaveValue("0.2");
  await expect(main.getByLabel("Memory", { exact: true })).toHaveValue("256 MiB");
  await expect(main.getByRole("button", { name: new RegExp(`^${huge}`) })).toHaveCount(0);
  for (const name of [small, huge]) await yard.call("delete_preset", { name });
});

test("a started session is offered again, and an amount below the environment's minimum is announced as raised", async ({ yard }) => {
  const { page } = yard;
  const name = unique("again");
  await yard.signIn();
  await yard.session({ name, command: "echo once more" });
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("button", { name: `Use again ${name}` }).click();
  await expect(main.getByLabel("Start-up command")).toHaveValue("echo once more");
  await main.getByLabel("CPU cores").fill("0.05");
  await expect(main.getByRole("region", { name: "Outlook" })).toContainText("Raised from 0.05 CPU cores to 0.1 CPU cores");
});

test("several sessions are started at once, each with a number after its name", async ({ yard }) => {
  const { page } = yard;
  const name = unique("row");
  await yard.signIn();
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill(name);
  await main.getByLabel("Start-up command").fill("sleep 300");
  await main.getByText("Advanced").click();
  await main.getByLabel("Number of sessions").fill("2");
  await main.getByLabel("CPU cores").fill("0.1");
  await main.getByLabel("Memory", { exact: true }).fill("128m");
  await expect(main.getByRole("region", { name: "Outlook" })).toContainText("0.2 CPU cores");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByText("2 sessions were added to the queue.")).toBeVisible();
  await expect(page).toHaveURL(/\/sessions$/);
  await yard.goto(`/sessions?f=name.contains.${name}`);
  for (const number of [1, 2]) await expect(page.getByRole("link", { name: `${name}-${number}` })).toBeVisible();
  await page.getByRole("checkbox", { name: "Select every row of this page" }).check();
  await page.locator(".bulk").getByRole("button", { name: "Terminate" }).click();
  const ask = page.getByRole("dialog", { name: "Terminate 2 sessions?" });
  await ask.getByRole("checkbox", { name: "Force terminate" }).check();
  await ask.getByRole("button", { name: "Force terminate" }).click();
  await expect(ask).toBeHidden();
});

test("a superadmin starts a session on somebody's behalf, and nobody else does", async ({ yard }) => {
  const { page } = yard;
  const [person, name] = [unique("boss"), unique("gift")];
  await yard.signIn();
  const email = await yard.person(person);
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByText("Advanced").click();
  await main.getByLabel("On behalf of").fill("nobody-at-all@example.org");
  await expect(main.getByText("No account has the email, username or access key nobody-at-all@example.org.")).toBeVisible();
  await main.getByLabel("On behalf of").fill(email);
  await expect(main.getByText("No account has the email, username or access key")).toBeHidden();
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill(name);
  await main.getByLabel("Start-up command").fill("true");
  await main.getByLabel("CPU cores").fill("0.1");
  await main.getByLabel("Memory", { exact: true }).fill("128m");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await expect(drawer).toContainText(email);

  const theirs = await yard.window();
  await yard.signIn(email, PASSWORD, theirs);
  await yard.goto("/session/start", theirs);
  await expect(theirs.getByRole("main").getByLabel("Name", { exact: true })).toBeVisible();
  await theirs.getByText("Advanced").click();
  await expect(theirs.getByLabel("Number of sessions")).toBeVisible();
  await expect(theirs.getByLabel("On behalf of")).toHaveCount(0);
});

test("a batch session starts in the future or at once, and its start time survives a reload", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const impossible = encodeURIComponent(JSON.stringify({ kind: "batch", command: "true", starts_at: 9_000_000_000_000_000, timeout: 1800 }));
  await yard.goto(`/session/start?form=${impossible}`);
  const main = page.getByRole("main");
  await expect(main.getByLabel("Start time")).toHaveValue("");
  await expect(main.getByLabel("Batch job timeout", { exact: true })).toHaveValue("30");
  await expect(main.getByLabel("Unit of the timeout")).toHaveValue("min");
  await main.getByLabel("Start time").fill("2020-01-01T09:30");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(main.getByText("The start time must be in the future.").first()).toBeVisible();
  await main.getByLabel("Start time").fill("2099-01-01T09:30");
  await main.getByLabel("Memory", { exact: true }).fill("1280 MiB");
  await expect(main.getByRole("region", { name: "Outlook" })).toContainText("It does not start before its start time.");
  await expect.poll(() => decodeURIComponent(page.url())).toMatch(/command.*1342177280/);
  await page.reload();
  await live(page);
  await expect(main.getByLabel("Start time")).toHaveValue("2099-01-01T09:30");
  await expect(main.getByLabel("Memory", { exact: true })).toHaveValue("1280 MiB");
});

test("a resource group that is no longer offered is kept with an error, and a group that refuses a type says so", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  const gone = encodeURIComponent(JSON.stringify({ resource_group: "was-here" }));
  await yard.goto(`/session/start?form=${gone}`);
  const main = page.getByRole("main");
  await expect(main.getByText("was-here is no longer offered; choose another.")).toBeVisible();
  await expect(main.getByRole("radio", { name: /^was-here/ })).toBeChecked();
  await main.getByRole("radio", { name: /^default/ }).check();
  await expect(main.getByText("was-here is no longer offered; choose another.")).toHaveCount(0);

  const name = unique("batchless");
  const group = {
    name, description: "", active: true, public: true, scheduler: "fifo", placement: "dispersed", session_types: ["interactive"],
    pending_timeout: null, retries_to_skip: null, app_proxy: "", domains: [(await yard.defaultDomain()).id], projects: [],
  };
  await yard.call("save_resource_group", { save: { group, revision: null } });
  await yard.goto(`/session/start?form=${encodeURIComponent(JSON.stringify({ resource_group: name }))}`);
  await expect(main.getByRole("radio", { name: `resource group ${name} does not accept batch sessions` })).toBeDisabled();
  await expect(main.getByRole("radio", { name: /Interactive/ })).toBeEnabled();
  await yard.call("delete_resource_group", { name });
});
