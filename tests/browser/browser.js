// Debian's Chromium, and what every page of a test is watched for: no error on its console, no request to another host.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** CI's machine is slow and busy: nothing depends on how fast something is. */
export const PATIENCE_MS = 30_000;

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page of a context of its own. `complaints` are what a careful page never causes; an answer that a test provokes is
    named in `expected`. */
export async function open(browser, origin, { expected = [], ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Asia/Tokyo", baseURL: origin, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints = [];
  const complain = (what) => expected.some((one) => one.test(what)) || complaints.push(what);
  page.on("pageerror", (error) => complain(`error: ${error.stack}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(`console: ${message.text()}`));
  page.on("request", (request) => new URL(request.url()).origin === origin || complain(`asked elsewhere: ${request.url()}`));
  return { page, context, complaints };
}
