// The example storefront: a buyer's whole way.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";
import { launch, open } from "./browser.js";
import { Server } from "./server.js";

const SHOP = new URL("../../examples/storefront/shop.js", import.meta.url).pathname;
const SECRET = `whsec_${Buffer.alloc(32, "secret").toString("base64")}`;
const LOST = /Failed to load resource.*(ERR_FAILED|503)/;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The sale, the shop before it, and a buyer's browser at the shop. */
async function visit(options, steps) {
  const server = await Server.start({ webhook_secrets: [SECRET], require_tokens: true, ...options.keys });
  const env = { ...process.env, FLASHSALE: server.origin, WEBHOOK_SECRET: SECRET, PORT: "0" };
  const shop = spawn(process.execPath, [SHOP], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(shop.stdout), "line");
  const { page, context, complaints } = await open(browser, new URL(line.split(" at ")[1]).origin, options);
  try {
    await steps({ server, page });
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    shop.kill();
    await server.close();
  }
}

async function buy(page, quantity) {
  await page.getByLabel("Units").fill(String(quantity));
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByText(/^Hold \d+: \d+ reserved for you for 0[12]:\d\d\.$/).waitFor();
}

async function pay(page, order) {
  await page.getByRole("button", { name: "Order" }).click();
  await page.getByText(`Order ${order}: pending`).waitFor();
  await page.getByRole("button", { name: "Pay" }).click();
  await page.getByText(`Order ${order}: paid`).waitFor();
}

test("a buyer looks, holds, orders and pays", () => visit({}, async ({ server, page }) => {
  await server.create("Tee", 5);
  await page.goto("/");
  await page.getByText("5 of 5 available").waitFor();
  await buy(page, 2);
  await page.reload();
  await page.getByText(/^Hold 1: 2 reserved/).waitFor();
  await pay(page, 1);
  await page.getByText("3 of 5 available").waitFor();
  const { products: [tee] } = await server.operate("GET", "/stats");
  assert.deepEqual([tee.available_stock, tee.reserved_stock, tee.sold_stock], [3, 0, 2]);
}));

test("answers that are lost on their way make no second hold and no second order", () => visit({ expected: [LOST] }, async ({ server, page }) => {
  await server.create("Tee", 5);
  const lost = new Map();
  for (const path of ["/api/holds", "/api/orders"]) {
    await page.route(`**${path}`, async (route) => {
      if (lost.has(path)) return route.continue();
      const answer = await route.fetch();
      lost.set(path, await answer.json());
      await route.abort();
    });
  }
  await page.goto("/");
  await buy(page, 2);
  await page.getByText(`Hold ${lost.get("/api/holds").hold_id}: 2 reserved`).waitFor();
  await pay(page, 1);
  assert.equal(lost.get("/api/orders").order_id, 1);
  const [holds, orders] = [await server.operate("GET", "/holds"), await server.operate("GET", "/orders")];
  assert.deepEqual([holds.data.length, orders.data.length], [1, 1]);
  const { products: [tee] } = await server.operate("GET", "/stats");
  assert.equal(tee.sold_stock, 2);
}));

test("a shop that is busy is asked again, and a sale that is not open says when it is", () => visit({ expected: [LOST] }, async ({ server, page }) => {
  const starts = new Date(Date.now() + 3_600_000).toISOString();
  const tee = await server.create("Tee", 1, { starts_at: starts });
  let refusals = 2;
  await page.route("**/api/holds", (route) => {
    refusals -= 1;
    if (refusals < 0) return route.continue();
    return route.fulfill({ status: 503, headers: { "Retry-After": "0" }, json: { error: "Overloaded", code: "overloaded", outcome: "not_applied" } });
  });
  await page.goto("/");
  await page.getByText(/^Starts in (1:00:00|59:\d\d)$/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Buy" }).isDisabled(), true);
  await server.operate("PATCH", `/products/${tee.id}`, { starts_at: null });
  await buy(page, 1);
  await page.getByText("All are reserved; look again soon").waitFor();
}));

test("a hold that ends is said to have ended", () => visit({ keys: { hold_ttl_s: 2 } }, async ({ server, page }) => {
  await server.create("Tee", 1);
  await page.goto("/");
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByText("Your reservation has ended. Please buy again.").waitFor();
  await page.getByRole("button", { name: "Buy" }).waitFor();
}));
