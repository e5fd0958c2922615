// The real program on a folder of its own, and what a shop, its buyers and its payment provider do to it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.FLASHSALE_BINARY ?? new URL("../../target/debug/flashsale", import.meta.url).pathname;

export const TOKEN = "a-token-for-the-tests-of-the-page";

export class Server {
  #folder = mkdtempSync(join(tmpdir(), "flashsale-browser-"));
  #child = null;
  origin = null;
  token = TOKEN;

  static async start(keys = {}) {
    const server = new Server();
    await server.restart({ keys });
    return server;
  }

  /** On the address that it had, if it had one. */
  async restart({ token = this.token, keys = this.keys } = {}) {
    this.token = token;
    this.keys = keys;
    const listen = this.origin ? new URL(this.origin).host : "127.0.0.1:0";
    const all = { db: join(this.#folder, "shop.db"), listen, admin_token: token, ...keys };
    const config = join(this.#folder, "flash_sale.toml");
    writeFileSync(config, Object.entries(all).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join(""));
    chmodSync(config, 0o600);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FLASHSALE_")));
    this.#child = spawn(BINARY, ["--config", config, "serve"], { env, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(this.#child.stdout), "line");
    this.origin = line.replace("listening on ", "");
  }

  get pid() {
    return this.#child.pid;
  }

  async stop(signal = "SIGTERM") {
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  async close() {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** An answer's body; anything but a 2xx is an error. */
  async call(method, path, body, headers = {}) {
    const response = await fetch(this.origin + path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${answer.error}`), answer);
    return answer;
  }

  operate(method, path, body) {
    return this.call(method, `/admin/api${path}`, body, { Authorization: `Bearer ${this.token}` });
  }

  create(name, stock, more = {}) {
    return this.operate("POST", "/products", { name, price: 99.99, total_stock: stock, ...more });
  }

  hold(product, quantity = 1, customer) {
    return this.call("POST", "/api/holds", { product_id: product.id, quantity, customer });
  }

  async order(product, quantity = 1, customer) {
    const { hold_id } = await this.hold(product, quantity, customer);
    return this.call("POST", "/api/orders", { hold_id });
  }

  /** What a payment provider reports. */
  pay(order, transaction, { amount = order.total_price, status = "success" } = {}) {
    return this.call("POST", "/api/payments/webhook", {
      idempotency_key: `event-${transaction}`,
      order_id: order.order_id,
      status,
      payload: { transaction_id: transaction, amount },
    });
  }

  /** What it reports of money that came before: that it went back, or is disputed. */
  report(transaction, status, amount = null) {
    return this.call("POST", "/api/payments/webhook", {
      idempotency_key: `${status}-${transaction}`,
      status,
      payload: { transaction_id: transaction, amount },
    });
  }

  /** Holds, orders and pays one unit; whether there was one. */
  async sell(product, customer, transaction) {
    try {
      await this.pay(await this.order(product, 1, customer), transaction);
      return true;
    } catch (refusal) {
      if (refusal.code !== "insufficient_stock") throw refusal;
      return false;
    }
  }
}
