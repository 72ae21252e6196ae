// The launcher: what was typed lasts, what stands against it is said first, and what was started can be started again.
import { PASSWORD, expect, live, slots, test, unique } from "./yard";

test("what was typed survives a reload, except the values of secrets", async ({ yard }) => {
  const { page } = yard;
  const name = unique("kept");
  await yard.signIn();
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill(name);
  await main.getByLabel("Start-up command").fill("python train.py --epochs 3");
  await main.getByRole("button", { name: "Next" }).click();
  await main.getByLabel("CPU cores").fill("0.5");
  for (const [index, variable, value] of [[0, "EPOCHS", "3"], [1, "HF_TOKEN", "hush-hush"]] as const) {
    await main.getByRole("button", { name: "Add variable" }).click();
    await main.getByLabel("Variable name").nth(index).fill(variable);
    await main.getByLabel(`Value of ${variable}`).fill(value);
  }
  await expect.poll(() => page.url()).toContain("HF_TOKEN");
  expect(page.url()).not.toContain("hush-hush");
  await page.reload();
  await live(page);
  await expect(main.getByRole("heading", { level: 2, name: "Environment and resources" })).toBeVisible();
  await expect(main.getByLabel("CPU cores")).toHaveValue("0.5");
  await expect(main.getByLabel("Value of EPOCHS")).toHaveValue("3");
  await expect(main.getByLabel("Value of HF_TOKEN")).toHaveValue("");
  await main.getByRole("link", { name: /^Session type/ }).click();
  await expect(main.getByLabel("Name", { exact: true })).toHaveValue(name);
  await expect(main.getByLabel("Start-up command")).toHaveValue("python train.py --epochs 3");
  await main.getByRole("button", { name: "Reset" }).first().click();
  await main.getByRole("group", { name: "Empty the whole form?" }).getByRole("button", { name: "Reset" }).click();
  await expect(main.getByLabel("Name", { exact: true })).toHaveValue("");
});

test("a wrong field is led to from the review, whichever step it is in", async ({ yard }) => {
  const { page } = yard;
  await yard.signIn();
  await yard.goto("/session/start?step=network");
  const main = page.getByRole("main");
  await main.getByLabel("Preopen ports").fill("80");
  await main.getByRole("link", { name: "Skip to review" }).click();
  await expect(main.getByRole("region", { name: "Network" })).toContainText("Ports from 1024 to 65535.");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(main.getByRole("heading", { level: 2, name: "Network" })).toBeVisible();
  await expect(main.getByText("Ports from 1024 to 65535.", { exact: true })).toBeVisible();
  await main.getByLabel("Preopen ports").fill("8000-8002, 9000");
  await main.getByRole("button", { name: "Next" }).click();
  await expect(main.getByRole("region", { name: "Network" })).toContainText("8000, 8001, 8002, 9000");
});

test("a preset is offered while it fits, and fills the amounts in", async ({ yard }) => {
  const { page } = yard;
  const [small, huge] = [unique("small"), unique("huge")];
  await yard.signIn();
  const save = (name: string, cpu: string) =>
    yard.call("save_preset", { save: { preset: { name, slots: slots(cpu, 256), shared_memory: null, resource_group: null }, revision: null } });
  await save(small, "0.2");
  await save(huge, "400");
  await yard.goto("/session/start?step=resources");
  const main = page.getByRole("main");
  await main.getByRole("button", { name: new RegExp(`^${small}`) }).click();
  await expect(main.getByLabel("CPU cores")).toHaveValue("0.2");
  await expect(main.getByLabel("Memory", { exact: true })).toHaveValue("256 MiB");
  await expect(main.getByRole("button", { name: new RegExp(`^${huge}`) })).toHaveCount(0);
  for (const name of [small, huge]) await yard.call("delete_preset", { name });
});

test("what was started is offered again, and less than an environment needs is said to be raised", async ({ yard }) => {
  const { page } = yard;
  const name = unique("again");
  await yard.signIn();
  await yard.session({ name, command: "echo once more" });
  await yard.goto("/session/start");
  const main = page.getByRole("main");
  await main.getByRole("button", { name: `Use again ${name}` }).click();
  await expect(main.getByRole("heading", { level: 2, name: "Review and start" })).toBeVisible();
  await expect(main.getByRole("region", { name: "Session type" })).toContainText("echo once more");
  await main.getByRole("link", { name: "Edit environment and resources" }).click();
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
  await main.getByLabel("Number of sessions").fill("2");
  await main.getByRole("button", { name: "Next" }).click();
  await main.getByLabel("CPU cores").fill("0.1");
  await main.getByLabel("Memory", { exact: true }).fill("128m");
  await main.getByRole("link", { name: "Skip to review" }).click();
  await expect(main.getByRole("region", { name: "Outlook" })).toContainText("0.2 CPU cores");
  await main.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByText("2 sessions were put into the queue.")).toBeVisible();
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
  await main.getByLabel("On behalf of").fill("nobody-at-all@example.org");
  await expect(main.getByText("Nobody has the email or access key nobody-at-all@example.org.")).toBeVisible();
  await main.getByLabel("On behalf of").fill(email);
  await expect(main.getByText("Nobody has the email or access key")).toBeHidden();
  await main.getByRole("radio", { name: /Batch/ }).check();
  await main.getByLabel("Name", { exact: true }).fill(name);
  await main.getByLabel("Start-up command").fill("true");
  await main.getByRole("button", { name: "Next" }).click();
  await main.getByLabel("CPU cores").fill("0.1");
  await main.getByLabel("Memory", { exact: true }).fill("128m");
  await main.getByRole("link", { name: "Skip to review" }).click();
  await expect(main.getByRole("region", { name: "Session type" })).toContainText(email);
  await main.getByRole("button", { name: "Start", exact: true }).click();
  const drawer = page.getByRole("dialog", { name: `Session ${name}` });
  await expect(drawer).toContainText(email);

  const theirs = await yard.window();
  await yard.signIn(email, PASSWORD, theirs);
  await yard.goto("/session/start", theirs);
  await expect(theirs.getByRole("main").getByLabel("Name", { exact: true })).toBeVisible();
  await expect(theirs.getByLabel("On behalf of")).toHaveCount(0);
});
