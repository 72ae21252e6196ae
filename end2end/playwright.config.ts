// `cargo xtask test` builds the server, passes its path and starts this; each worker starts its own server.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    viewport: { width: 1440, height: 900 },
    // A trace costs every test a seventh of its time: `YARDMASTER_TRACE=1` where one is wanted.
    trace: process.env.YARDMASTER_TRACE ? "retain-on-failure" : "off",
    launchOptions: {
      executablePath: process.env.YARDMASTER_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
      ],
    },
  },
});
