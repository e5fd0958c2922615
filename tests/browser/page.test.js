// The operator's page, as its user goes through it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, open } from "./browser.js";
import { Server, TOKEN } from "./server.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = ["Sale", "Holds", "Orders", "Payments", "Refunds", "Products", "Health"];

/** What a browser itself says of an answer that a test provokes. */
const REFUSED = /Failed to load resource.*(401|422|400)/;
const GONE = /Failed to load resource.*(ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED)/;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A server and a page of it; after the test nothing may have been complained of. */
function walk(name, options, steps) {
  test(name, async () => {
    const server = await Server.start(options.keys);
    const { page, context, complaints } = await open(browser, server.origin, options);
    try {
      await steps({ server, page, context });
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
      await server.close();
    }
  });
}

async function signIn(page, token = TOKEN) {
  await page.goto("/admin");
  await page.getByLabel("Operator token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function see(page, view) {
  await page.getByRole("navigation").getByRole("link", { name: view }).click();
  await page.getByRole("heading", { level: 1, name: view, exact: true }).waitFor();
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
}

const row = (page, text) => page.getByRole("row").filter({ hasText: text });
const dialog = (page) => page.getByRole("dialog");
const said = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const stock = (page, label) => page.getByRole("img", { name: label, exact: true }).waitFor();

walk("a wrong token is refused, the right one is kept for the tab alone", { expected: [REFUSED] }, async ({ page, context }) => {
  await signIn(page, "this-is-not-the-token");
  await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  await page.getByLabel("Operator token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Sale", exact: true }).waitFor();
  assert.ok(addresses.length > 0 && addresses.every((address) => !address.includes(TOKEN)));
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Sale", exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Operator token").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.equal(await page.getByLabel("Operator token").inputValue(), "");
});

walk("a product is created, and each refusal stands beside its field", { expected: [REFUSED] }, async ({ server, page }) => {
  await signIn(page);
  await see(page, "Products");
  await page.getByRole("button", { name: "Create product" }).click();
  await page.getByLabel("Price").fill("12,50");
  await page.getByRole("button", { name: "Save" }).click();
  const price = page.getByLabel("Price");
  await page.locator("input[aria-invalid=true]").first().waitFor();
  assert.equal(await price.getAttribute("aria-invalid"), "true");
  const told = await price.evaluate((field) => field.getAttribute("aria-describedby").split(" ")
    .map((id) => document.getElementById(id).textContent).join(" "));
  assert.match(told, /The price must be an amount/);
  await page.getByLabel("Name").fill("Tee <b>& more</b>");
  await price.fill("19.90");
  await page.getByLabel("Total stock").fill("50");
  await page.getByLabel("SKU").fill("tee");
  await page.getByLabel("Starts at").fill("2031-01-01T09:00:00");
  await page.getByLabel("Max per customer").fill("4");
  await page.getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "hidden" });
  await row(page, "Tee <b>& more</b>").waitFor();
  const { products: [product] } = await server.operate("GET", "/stats");
  assert.deepEqual(
    [product.price, product.total_stock, product.sku, product.starts_at, product.max_per_customer, product.max_per_hold],
    [19.9, 50, "tee", "2031-01-01T00:00:00.000000Z", 4, null],
    "nine in Tokyo is midnight in UTC",
  );
});

walk("two operators change the same product, and both see it", {}, async ({ server, page }) => {
  const tee = await server.create("Tee", 10);
  await signIn(page);
  await see(page, "Products");
  await row(page, "Tee").getByRole("button", { name: "Edit" }).click();
  await server.operate("PATCH", `/products/${tee.id}`, { price: 12, max_per_hold: 3 });
  await page.getByLabel("Price").fill("15.00");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Another operator has set this to 12.00").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await said(page, "Tee is saved");
  const { products: [product] } = await server.operate("GET", "/stats");
  assert.deepEqual([product.price, product.max_per_hold], [15, 3], "what was not edited is the other operator's");
});

walk("a sale is paused, resumed and restocked, after it was said what will happen", {}, async ({ server, page }) => {
  const tee = await server.create("Tee", 10);
  await server.order(tee, 2);
  await signIn(page);
  await see(page, "Products");
  await row(page, "Tee").getByRole("button", { name: "Pause" }).click();
  await dialog(page).getByText("The 8 units that are available cannot be held").waitFor();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await dialog(page).waitFor({ state: "hidden" });
  await row(page, "Tee").getByRole("button", { name: "Pause" }).click();
  await dialog(page).getByRole("button", { name: "Pause" }).click();
  await row(page, "Tee").getByRole("cell", { name: "paused" }).waitFor();
  await row(page, "Tee").getByRole("button", { name: "Resume" }).click();
  await row(page, "Tee").getByRole("cell", { name: "live" }).waitFor();
  await row(page, "Tee").getByRole("button", { name: "Restock" }).click();
  await page.getByLabel("Quantity").fill("5");
  await dialog(page).getByText("In all 10 become 15, and of them 8 available become 13").waitFor();
  await page.getByLabel("Reason").fill("a second pallet came");
  await dialog(page).getByRole("button", { name: "Restock" }).click();
  await said(page, "Tee has 15 units now");
  const { data: [movement] } = await server.operate("GET", `/products/${tee.id}/movements?limit=1`);
  assert.equal(movement.reason, "a second pallet came");
});

walk("a restock below what is sold is refused beside its field", { expected: [REFUSED] }, async ({ server, page }) => {
  await server.order(await server.create("Tee", 3), 2);
  await signIn(page);
  await see(page, "Products");
  await page.getByRole("button", { name: "Restock" }).click();
  await page.getByLabel("Quantity").fill("-2");
  await dialog(page).getByRole("button", { name: "Restock" }).click();
  await page.locator("input[aria-invalid=true]").waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "hidden" });
});

walk("a sale is watched live until it is sold out", {}, async ({ server, page }) => {
  const tee = await server.create("Tee", 4);
  await signIn(page);
  await stock(page, "Tee: 4 available, 0 reserved, 0 sold of 4");
  await page.getByText("The books are right: total = available + reserved + sold for every product.").waitFor();
  const hold = await server.hold(tee);
  await stock(page, "Tee: 3 available, 1 reserved, 0 sold of 4");
  await server.call("DELETE", `/api/holds/${hold.hold_id}`);
  for (let buyer = 0; await server.sell(tee, `buyer-${buyer}`, `t${buyer}`); buyer += 1);
  await stock(page, "Tee: 0 available, 0 reserved, 4 sold of 4");
  await page.getByText("sold out", { exact: true }).waitFor();
});

walk("wrong books are said in words", {}, async ({ server, page }) => {
  await server.create("Tee", 4);
  await page.route("**/admin/api/stats*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace('"sold_stock":0', '"sold_stock":1') });
  });
  await signIn(page);
  await page.getByText("The books are wrong: Tee has 4 in all, but 4 available, 0 reserved and 1 sold make 5").waitFor();
});

walk("lists are filtered and paged, and an order opens to all that belongs to it", { expected: [REFUSED] }, async ({ server, page }) => {
  const [tee, cap] = [await server.create("Tee", 200), await server.create("Cap", 200)];
  for (let number = 1; number <= 55; number += 1) await server.order(tee, 1, `buyer-${number}`);
  await server.pay({ order_id: 55, total_price: 99.99 }, "transaction-55");
  await server.order(cap, 2, "<i>someone</i>");
  await signIn(page);
  await see(page, "Orders");
  const rows = page.getByRole("row");
  await row(page, "<i>someone</i>").waitFor();
  assert.equal(await page.getByRole("button", { name: "Newer" }).isDisabled(), true);
  await page.getByRole("button", { name: "Older" }).click();
  await row(page, "buyer-1").first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 6);
  await page.getByRole("button", { name: "Newer" }).click();
  await row(page, "<i>someone</i>").waitFor();
  await page.getByLabel("Product").selectOption("Tee");
  await row(page, "<i>someone</i>").waitFor({ state: "detached" });
  await page.getByLabel("Status").selectOption("paid");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  const utc = await row(page, "buyer-55").locator("time").first().getAttribute("title");
  const shown = await row(page, "buyer-55").locator("time").first().textContent();
  const there = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Tokyo", timeStyle: "medium" });
  assert.equal(shown, there.format(new Date(utc.replace("UTC ", ""))));
  await page.getByRole("button", { name: "Order 55" }).click();
  for (const part of ["Hold", "Payments", "Movements"]) await page.getByRole("heading", { level: 2, name: part }).waitFor();
  await page.getByRole("cell", { name: "transaction-55" }).waitFor();
  await page.getByRole("cell", { name: "hold placed" }).waitFor();
  await page.getByLabel("Status").selectOption("");
  await page.getByLabel("Customer").fill("buyer-7");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  assert.match(await rows.nth(1).textContent(), /buyer-7/);
  await page.getByLabel("Customer").fill("c".repeat(200));
  await page.locator("input[aria-invalid=true]").waitFor();
  await see(page, "Payments");
  await page.getByLabel("Verdict").selectOption("applied");
  await row(page, "transaction-55").waitFor();
  await see(page, "Holds");
  await page.getByLabel("Status").selectOption("ordered");
  await page.getByLabel("Product").selectOption("Cap");
  await row(page, "<i>someone</i>").waitFor();
});

walk("a refund is marked as paid back, and another one's money accepted", {}, async ({ server, page }) => {
  const tee = await server.create("Tee", 10);
  const [first, second] = [await server.order(tee), await server.order(tee)];
  await server.pay(first, "right");
  await server.pay(first, "twice");
  await server.pay(second, "too-little", { amount: 5 });
  await signIn(page);
  await see(page, "Refunds");
  await row(page, "twice").getByText("The order was paid already").waitFor();
  await row(page, "twice").getByRole("button", { name: "Mark as paid back" }).click();
  await dialog(page).getByText("99.99").waitFor();
  await page.getByLabel("Note").fill("by bank transfer");
  await dialog(page).getByRole("button", { name: "Mark as paid back" }).click();
  await row(page, "by bank transfer").waitFor();
  assert.match(await page.locator("tbody tr").first().textContent(), /too-little/, "what is due stands first");
  await row(page, "too-little").getByRole("button", { name: "Accept the money" }).click();
  await dialog(page).getByRole("button", { name: "Accept the money" }).click();
  await page.getByText("Nothing is due.").waitFor();
  const orders = await server.operate("GET", "/orders?status=paid");
  assert.deepEqual(orders.data.map((order) => order.transaction_id), ["too-little", "right"]);
});

walk("money that went back is seen beside the units that did not, and a dispute while it is open", {}, async ({ server, page }) => {
  const tee = await server.create("Tee", 10);
  const order = await server.order(tee, 2, "Ada");
  await server.pay(order, "txn-back");
  await server.pay(await server.order(tee), "txn-disputed");
  await signIn(page);
  await see(page, "Refunds");
  await page.getByText("No payment is disputed.").waitFor();
  await page.getByText("No money went back whose units were not given back.").waitFor();
  await server.report("txn-back", "refunded", 199.98);
  await server.report("txn-disputed", "dispute_opened");
  await row(page, "txn-disputed").waitFor();
  const back = row(page, "Ada");
  assert.deepEqual(await back.getByRole("cell").allTextContents(), [
    "Tee", "2 units", "199.98", "199.98", "Ada", "Back in stockOut of the sale",
  ]);
  await back.getByRole("button", { name: "Back in stock" }).click();
  await dialog(page).getByText("2 units are available again").waitFor();
  await dialog(page).getByRole("button", { name: "Back in stock" }).click();
  await page.getByText("No money went back whose units were not given back.").waitFor();
  await said(page, `Order ${order.order_id} is refunded`);
  await server.report("txn-disputed", "dispute_won");
  await page.getByText("No payment is disputed.").waitFor();
  assert.equal((await server.operate("GET", "/orders?status=refunded")).data[0].refunded_amount, 199.98);
  await see(page, "Orders");
  await page.getByRole("button", { name: `Order ${order.order_id}` }).click();
  await page.getByText("2 of 2").waitFor();
});

walk("it is seen whether anybody reads what is told", { keys: { feed_token: "tells-what-was-paid" } }, async ({ server, page }) => {
  await server.sell(await server.create("Tee", 1), "ann", "tx-1");
  await signIn(page);
  await see(page, "Health");
  const card = page.locator(".card").filter({ hasText: "Events unread" });
  await card.filter({ hasText: "nobody has asked this server yet; read up to event 0 of 3" }).waitFor();
  const read = (after) => server.call("GET", `/api/events?after=${after}`, null, { Authorization: "Bearer tells-what-was-paid" });
  await read((await read(0)).next_after);
  await card.filter({ hasText: "read up to event 3 of 3" }).filter({ hasText: "none" }).waitFor();
});

walk("everything is done by the keyboard, and the focus is where it should be", {}, async ({ server, page }) => {
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.labels?.[0]?.textContent);
  await page.goto("/admin");
  await page.getByLabel("Operator token").waitFor();
  assert.equal(await focused(), "Operator token");
  await page.keyboard.type(TOKEN);
  await press("Enter");
  await page.getByRole("heading", { level: 1, name: "Sale", exact: true }).waitFor();
  const link = page.getByRole("link", { name: "Products" });
  for (let steps = 0; steps < 20 && !(await link.evaluate((it) => it === document.activeElement)); steps += 1) await press("Shift+Tab");
  await press("Enter");
  await page.getByRole("heading", { level: 1, name: "Products", exact: true }).waitFor();
  assert.equal(await focused(), "Products", "a new view begins at its heading");
  await press("Tab", "Enter");
  await dialog(page).waitFor();
  assert.equal(await focused(), "Name");
  await page.keyboard.type("Cap");
  await press("Tab");
  await page.keyboard.type("5");
  await press("Tab");
  await page.keyboard.type("7");
  await press("Enter");
  await said(page, "Cap is created, with 7 units");
  assert.equal(await focused(), "Create product", "the focus is given back");
  await row(page, "Cap").waitFor();
  await press("Tab", "Tab");
  assert.equal(await focused(), "Pause");
  await press("Enter");
  await dialog(page).waitFor();
  assert.equal(await focused(), "Cancel", "a slip does no harm");
  await press("Escape");
  await dialog(page).waitFor({ state: "hidden" });
  assert.equal(await focused(), "Pause");
  const { products: [cap] } = await server.operate("GET", "/stats");
  assert.equal(cap.status, "live");
});

walk("a server that is gone leaves stale figures, and is seen when it is back", { expected: [GONE] }, async ({ server, page }) => {
  const tee = await server.create("Tee", 4);
  await signIn(page);
  await stock(page, "Tee: 4 available, 0 reserved, 0 sold of 4");
  await server.stop("SIGKILL");
  await page.getByRole("status").getByText(/stale since \d\d:\d\d:\d\d/).waitFor();
  await stock(page, "Tee: 4 available, 0 reserved, 0 sold of 4");
  await server.restart();
  await server.hold(tee);
  await stock(page, "Tee: 3 available, 1 reserved, 0 sold of 4");
  await page.getByRole("status").getByText(/stale since/).waitFor({ state: "hidden" });
});

walk("a token that is revoked in the middle leads back to the form", { expected: [GONE, REFUSED] }, async ({ server, page }) => {
  await server.create("Tee", 4);
  await signIn(page);
  await see(page, "Products");
  await page.getByRole("button", { name: "Edit" }).click();
  await dialog(page).waitFor();
  await server.stop();
  await server.restart({ token: "another-token-for-the-operator" });
  await page.getByRole("alert").filter({ hasText: "signed out" }).waitFor();
  assert.equal(await dialog(page).count(), 0);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.getByLabel("Operator token").fill(server.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Products", exact: true }).waitFor();
});

walk("a view asks once a second, and a hidden page asks nothing", {}, async ({ server, page }) => {
  await server.create("Tee", 4);
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/") && asked.push(new URL(request.url()).pathname));
  await page.clock.install();
  await signIn(page);
  while (asked.length < 4) await page.waitForEvent("request");
  assert.deepEqual(new Set(asked), new Set(["/admin/api/stats"]), "a view asks for what it shows");
  const turn = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await turn(true);
  const before = asked.length;
  await page.clock.runFor(60_000);
  assert.equal(asked.length, before, "a minute went by");
  await turn(false);
  while (asked.length === before) await page.waitForEvent("request");
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [{ width: 1280, height: 860 }, { width: 360, height: 740 }]) {
    walk(`every view is accessible and fits: ${colorScheme}, ${viewport.width} px`, { colorScheme, viewport }, async ({ server, page }) => {
      const tee = await server.create("A product with a long name, as such products have, unbrokenlongwordunbrokenlongword", 60, { sku: "s".repeat(60) });
      const order = await server.order(tee, 2, "c".repeat(128));
      await server.pay(order, "first");
      await server.pay(order, "t".repeat(100));
      await server.report("first", "refunded", 199.98);
      await server.report("first", "dispute_opened");
      await server.hold(tee);
      await page.goto("/admin");
      await check(page, "the form");
      await signIn(page);
      for (const view of VIEWS) {
        await see(page, view);
        await page.locator("#fresh:not(:empty)").waitFor();
        await page.locator("#view tbody tr, #view .card").first().waitFor();
        if (view === "Orders") {
          await page.getByRole("button", { name: "Order 1" }).click();
          await page.getByRole("heading", { name: "Movements" }).waitFor();
        }
        await check(page, view);
        const button = { Products: "Edit", Refunds: "Mark as paid back" }[view];
        if (button) {
          await page.getByRole("button", { name: button }).click();
          await dialog(page).waitFor();
          await check(page, button);
          await page.keyboard.press("Escape");
        }
      }
    });
  }
}

async function check(page, where) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(beyond, 0, `${where} scrolls sideways`);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter((it) => ["serious", "critical"].includes(it.impact));
  assert.deepEqual(serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`), [], where);
}
