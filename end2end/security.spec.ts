// Ways into an account besides the password: one-time codes, recovery codes, and links for forgotten passwords.
import { Secret, TOTP } from "otpauth";
import { createServer } from "node:net";
import { rmSync } from "node:fs";
import type { Page } from "@playwright/test";
import { SMTPServer } from "smtp-server";
import { ADMIN, expect, PASSWORD, Server, test, unique, Yard } from "./yard";

/**
 * The code that an authenticator shows, `steps` half minutes from now. Codes are valid for a step before and after theirs, and only
 * once: two in a row are the current one and the next, and both stay valid when the half minute ends in between.
 */
function code(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
}

/** The first step of signing in. */
async function password(yard: Yard, page: Page, login: string): Promise<void> {
  await page.goto(`${yard.server.url}/sign-in?next=/account`);
  await page.getByLabel("Email or username").fill(login);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "One-time code" })).toBeVisible();
}

/** Turns two-factor on in the account page; returns the secret and the recovery codes. */
async function turnOn(page: Page): Promise<{ secret: string; codes: string[] }> {
  await page.getByRole("button", { name: "Turn on two-factor" }).click();
  const first = page.getByRole("dialog", { name: "Your password" });
  await first.getByLabel("Current password").fill("Wrong-Horse-1");
  await first.getByRole("button", { name: "Continue" }).click();
  await expect(first.getByText(/Wrong password/)).toBeVisible();
  await first.getByLabel("Current password").fill(PASSWORD);
  await first.getByRole("button", { name: "Continue" }).click();
  const dialog = page.getByRole("dialog", { name: "Turn on two-factor" });
  const picture = dialog.getByRole("img", { name: /^QR code/ });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth), "the picture is drawn").toBeGreaterThan(100);
  const secret = (await dialog.locator(".two-factor-secret").textContent())!;
  await dialog.getByLabel("Code").fill("000000");
  await dialog.getByRole("button", { name: "Turn on" }).click();
  await expect(dialog.getByText(/This code is wrong/)).toBeVisible();
  await dialog.getByLabel("Code").fill(code(secret));
  await dialog.getByRole("button", { name: "Turn on" }).click();
  const shown = page.getByRole("dialog", { name: "Recovery codes" });
  await expect(shown.getByRole("listitem")).toHaveCount(10);
  const codes = await shown.getByRole("listitem").allTextContents();
  const download = page.waitForEvent("download");
  await shown.getByRole("link", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("recovery-codes.txt");
  await shown.getByRole("button", { name: "I have saved them" }).click();
  return { secret, codes };
}

test("two-factor is turned on with a code and required at sign-in, and a recovery code works as well", async ({ yard }) => {
  const name = unique("totp");
  await yard.signIn();
  const email = await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  await yard.goto("/account", page);
  const { secret, codes } = await turnOn(page);
  await expect(page.getByText("10 recovery codes left.")).toBeVisible();

  const other = await yard.window();
  await password(yard, other, email);
  await other.getByLabel("Code").fill("123456");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other.getByRole("alert")).toHaveText(/This code is wrong/);
  await other.getByLabel("Code").fill(code(secret, 1));
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other).toHaveURL(/\/account$/);

  // Somebody else at the same browser is asked for their own name.
  const shared = await yard.window();
  await password(yard, shared, email);
  await shared.getByRole("link", { name: "Sign in as somebody else" }).click();
  await expect(shared.getByLabel("Email or username")).toHaveValue("");

  // Without scripts, and with one of the ten in place of a code.
  const plain = await yard.window({ javaScriptEnabled: false });
  await password(yard, plain, email);
  await plain.getByLabel("Code").fill(codes[2].toLowerCase());
  await plain.getByRole("button", { name: "Sign in" }).click();
  await expect(plain).toHaveURL(/\/account$/);
  await expect(plain.getByText("9 recovery codes left.")).toBeVisible();

  // An administrator sees it, and can turn it off but not on.
  await yard.goto(`/users?f=email.equals.${email}`);
  await yard.page.getByRole("button", { name: `Edit ${email}` }).click();
  const edit = yard.page.getByRole("dialog", { name: "Edit user" });
  await edit.getByRole("checkbox", { name: /^2FA enabled/ }).uncheck();
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(yard.page.getByText("User saved.")).toBeVisible();
  await yard.page.getByRole("button", { name: `Edit ${email}` }).click();
  await expect(edit.getByText("Only its owner can turn it on.")).toBeVisible();
  const again = await yard.window();
  await yard.signIn(name, PASSWORD, again);
});

test("the owner makes new recovery codes and turns two-factor off with the password", async ({ yard }) => {
  const name = unique("off");
  await yard.signIn();
  await yard.person(name);
  const page = await yard.window();
  await yard.signIn(name, PASSWORD, page);
  await yard.goto("/account", page);
  const { secret, codes } = await turnOn(page);
  await page.getByRole("button", { name: "New recovery codes" }).click();
  const renew = page.getByRole("dialog", { name: "New recovery codes" });
  await renew.getByLabel("Code").fill(code(secret, 1));
  await renew.getByRole("button", { name: "Make new codes" }).click();
  const shown = page.getByRole("dialog", { name: "Recovery codes", exact: true });
  await expect(shown.getByRole("listitem")).toHaveCount(10);
  expect(await shown.getByRole("listitem").allTextContents()).not.toEqual(codes);
  // They are shown only once, so that a slip does not close them.
  await page.keyboard.press("Escape");
  await shown.getByRole("group").getByRole("button").last().click();
  await page.getByRole("button", { name: "Turn off two-factor" }).click();
  const off = page.getByRole("dialog", { name: "Turn off two-factor" });
  await off.getByLabel("Current password").fill("Wrong-Horse-1");
  await off.getByRole("button", { name: "Turn off" }).click();
  await expect(off.getByText(/Wrong password/)).toBeVisible();
  await off.getByLabel("Current password").fill(PASSWORD);
  await off.getByRole("button", { name: "Turn off" }).click();
  await expect(page.getByRole("button", { name: "Turn on two-factor" })).toBeVisible();
});

test("somebody who forgot their password gets a link from an administrator", async ({ yard }) => {
  const name = unique("forgot");
  await yard.signIn();
  const email = await yard.person(name);
  await yard.goto("/sessions");

  const theirs = await yard.window({ javaScriptEnabled: false });
  await theirs.goto(`${yard.server.url}/sign-in`);
  await theirs.getByRole("link", { name: "Forgot your password?" }).click();
  await theirs.getByLabel("Email or username").fill(email);
  await theirs.getByRole("button", { name: "Ask for a link" }).click();
  await expect(theirs.getByRole("status")).toHaveText(/its administrators have been notified/);

  // The administrator is notified on any page, with a link to the account.
  await yard.page.getByRole("button", { name: /^Notifications, / }).click();
  await yard.page.getByRole("link", { name: new RegExp(`${email} requested a password link`) }).click();
  const drawer = yard.page.getByRole("dialog", { name: email });
  await expect(drawer.getByText(/Forgot their password and asked for a link/)).toBeVisible();
  await drawer.getByRole("button", { name: "Password link" }).click();
  const dialog = yard.page.getByRole("dialog", { name: "Password link" });
  await dialog.getByRole("button", { name: "Create link" }).click();
  const link = (await dialog.getByRole("region", { name: "Password link" }).textContent())!;
  await dialog.getByRole("button", { name: "Close" }).first().click();
  await expect(drawer.getByText(/asked for a link/)).toHaveCount(0);

  await theirs.goto(link);
  await theirs.getByLabel("New password", { exact: true }).fill("short");
  await theirs.getByLabel("New password again").fill("short");
  await theirs.getByRole("button", { name: "Change password" }).click();
  await expect(theirs.getByRole("alert")).toHaveText(/at least 8 characters/);
  await theirs.getByLabel("New password", { exact: true }).fill("Remembered-Horse-1");
  await theirs.getByLabel("New password again").fill("Remembered-Horse-1");
  await theirs.getByRole("button", { name: "Change password" }).click();
  await expect(theirs.getByRole("status")).toHaveText(/Your password has been changed/);
  await theirs.getByLabel("Email or username").fill(email);
  await theirs.getByLabel("Password").fill("Remembered-Horse-1");
  await theirs.getByRole("button", { name: "Sign in" }).click();
  await expect(theirs.getByRole("heading", { level: 1, name: "Sessions" })).toBeVisible();
  await theirs.goto(link);
  await expect(theirs.getByRole("heading", { name: "This link does not work" })).toBeVisible();
});

/** A free port of this machine. */
async function port(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

test("with a mail server, the link is sent to the person by mail", async ({ browser, page }) => {
  const letters: string[] = [];
  const mail = new SMTPServer({
    authOptional: true, disabledCommands: ["STARTTLS"],
    onData(stream, _session, done) {
      let letter = "";
      stream.on("data", (piece) => (letter += piece));
      stream.on("end", () => {
        letters.push(letter);
        done();
      });
    },
  });
  await new Promise<void>((ready) => mail.listen(0, "127.0.0.1", () => ready()));
  const { port: mailPort } = mail.server.address() as { port: number };
  const address = `127.0.0.1:${await port()}`;
  const server = await Server.start(undefined, address, undefined, [
    "--mail-server", `smtp://127.0.0.1:${mailPort}`, "--mail-from", "Yardmaster <yard@example.org>", "--public-url", `http://${address}`,
  ]);
  const yard = new Yard(server, browser, page);
  try {
    await page.goto(`${server.url}/forgotten-password`);
    await page.getByLabel("Email or username").fill(ADMIN.email);
    await page.getByRole("button", { name: "Ask for a link" }).click();
    await expect(page.getByRole("status")).toHaveText(/a link is on its way/);
    await expect.poll(() => letters.length).toBe(1);
    expect(letters[0]).toContain(`To: ${ADMIN.email}`);
    // The mail's encoding breaks long lines.
    const text = letters[0].replace(/=\r?\n/g, "").replaceAll("=3D", "=");
    const link = /http:\/\/\S+\/new-password\?token=[0-9a-f]{64}/.exec(text)![0];
    await page.goto(link);
    await expect(page.getByText(ADMIN.email)).toBeVisible();

    // If the mail server is gone, the administrators are notified instead, and nobody sees an error.
    await new Promise<void>((closed) => mail.close(() => closed()));
    await yard.byHand();
    const name = unique("letter");
    await yard.person(name);
    const other = await yard.window();
    await other.goto(`${server.url}/forgotten-password`);
    await other.getByLabel("Email or username").fill(name);
    await other.getByRole("button", { name: "Ask for a link" }).click();
    await expect(other.getByRole("status")).toHaveText(/a link is on its way/);
    await page.getByRole("button", { name: /^Notifications, / }).click({ timeout: 30_000 });
    await expect(page.getByRole("link", { name: /requested a password link/ })).toBeVisible();
    await yard.end();
  } finally {
    await server.end();
    rmSync(server.data, { recursive: true, force: true });
  }
});
