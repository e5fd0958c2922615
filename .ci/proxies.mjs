// A sale through each proxy of deploy/, as browsers see it: TLS, HTTP/2 and HTTP/1.1, a page's own origin, bodies in chunks.
//
//     node .ci/proxies.mjs FLASHSALE FOLDER

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request as requestHttps } from "node:https";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const [, , FLASHSALE, FOLDER] = process.argv;
const REQUESTS = 1_000; // over each version of HTTP
const AT_ONCE = 50;
const CERTIFICATE = `${FOLDER}/cert.pem`, KEY = `${FOLDER}/key.pem`;

const PROXIES = {
  nginx(port, upstream) {
    const site = readFileSync("deploy/nginx.conf", "utf8")
      .replaceAll("127.0.0.1:8000;", `${upstream};`)
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replaceAll(/^ *listen (\[::\]|80).*\n/gm, "")
      .replace("server {\n    server_name shop.example;\n    return", `server {\n    listen unix:${FOLDER}/plain.sock;\n    return`)
      .replace(/ssl_certificate .*/, `ssl_certificate ${CERTIFICATE};`)
      .replace(/ssl_certificate_key .*/, `ssl_certificate_key ${KEY};`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${FOLDER}/${name};`);
    writeFileSync(`${FOLDER}/nginx.conf`, `daemon off; pid ${FOLDER}/nginx.pid; error_log stderr warn; events {}\n`
      + `http { access_log off; ${temporary.join(" ")}\n${site}}\n`);
    return ["nginx", ["-e", "stderr", "-c", `${FOLDER}/nginx.conf`]];
  },
  caddy(port, upstream) {
    const site = readFileSync("deploy/Caddyfile", "utf8")
      .replace("reverse_proxy 127.0.0.1:8000", `reverse_proxy ${upstream}`)
      .replace("\n{\n", "\n{\n\tadmin off\n\tauto_https disable_redirects\n")
      .replace("\nshop.example {\n", `\nshop.example:${port} {\n\tbind 127.0.0.1\n\ttls ${CERTIFICATE} ${KEY}\n`);
    writeFileSync(`${FOLDER}/Caddyfile`, site);
    return ["caddy", ["run", "--adapter", "caddyfile", "--config", `${FOLDER}/Caddyfile`]];
  },
};

const freePort = async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  await new Promise((closed) => listener.close(closed));
  return port;
};

/** Until it is listened at; a proxy that has ended never will be. */
async function listening(port, child) {
  for (;;) {
    assert.equal(child.exitCode, null, "the proxy has ended");
    const socket = connect(port, "127.0.0.1");
    const is = await new Promise((say) => socket.once("connect", () => say(true)).once("error", () => say(false)));
    socket.destroy();
    if (is) return;
    await new Promise((later) => setTimeout(later, 50));
  }
}

const stop = async (child) => {
  if (child.exitCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
};

/** `ask(method, path, headers, chunks)` is `{status, body}`. */
function overHttp2(origin, ca) {
  const session = connectHttp2(origin, { ca, servername: "shop.example", lookup });
  const ask = (method, path, headers, chunks) => new Promise((answered, failed) => {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    let status, body = "";
    stream.on("response", (head) => { status = head[":status"]; }).on("error", failed).setEncoding("utf8");
    stream.on("data", (text) => { body += text; }).on("end", () => answered({ status, body }));
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });
  return { ask, close: () => session.close() };
}

function overHttp1(origin, ca) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca, servername: "shop.example", lookup });
  const ask = (method, path, headers, chunks) => new Promise((answered, failed) => {
    const request = requestHttps(origin + path, { method, headers, agent }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text) => { body += text; }).on("error", failed);
      answer.on("end", () => answered({ status: answer.statusCode, body }));
    });
    request.on("error", failed);
    for (const chunk of chunks) request.write(chunk); // no Content-Length: in chunks
    request.end();
  });
  return { ask, close: () => agent.destroy() };
}

function lookup(_host, options, found) {
  options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4);
}

/** Every other request looks; the rest hold a unit each. */
async function sell(client, origin) {
  let next = 0, placed = 0;
  const buyer = async () => {
    while (next < REQUESTS) {
      const turn = next++;
      if (turn % 2) {
        const { status, body } = await client.ask("GET", "/api/products/1", {}, []);
        assert.equal(status, 200, body);
      } else {
        // A browser without Sec-Fetch-Site: whether the page is the shop's own is seen by Host.
        const headers = { origin, "content-type": "application/json", "idempotency-key": `${turn}-${Math.random()}-of-a-buyer` };
        const { status, body } = await client.ask("POST", "/api/holds", headers, ['{"product_id": 1,', ' "quantity": 1}']);
        assert.equal(status, 201, body);
        placed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, buyer));
  const foreign = { origin: "https://elsewhere.example", "content-type": "application/json" };
  const refused = await client.ask("POST", "/api/holds", foreign, ['{"product_id": 1, "quantity": 1}']);
  assert.equal(refused.status, 403, refused.body);
  assert.equal((await client.ask("GET", "/metrics", {}, [])).status, 404);
  return placed;
}

async function through(name) {
  mkdirSync(`${FOLDER}/${name}`);
  const cwd = `${FOLDER}/${name}`;
  execFileSync(FLASHSALE, ["seed", "-"], { cwd, input: `sku,name,price,total_stock\ntee,Tee,19.99,${REQUESTS}\n` });
  const env = {
    ...process.env, FLASHSALE_TRUSTED_PROXIES: "127.0.0.1", FLASHSALE_REQUIRE_TOKENS: "true",
    FLASHSALE_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, name).toString("base64")}`, RUST_LOG: "error",
  };
  const server = spawn(FLASHSALE, ["serve", "--listen", "127.0.0.1:0"], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  let proxy;
  try {
    const [line] = await once(createInterface(server.stdout), "line");
    const port = await freePort();
    const [program, words] = PROXIES[name](port, line.replace("listening on http://", ""));
    const home = { HOME: FOLDER, XDG_DATA_HOME: FOLDER, XDG_CONFIG_HOME: FOLDER };
    proxy = spawn(program, words, { env: { ...process.env, ...home }, stdio: ["ignore", "inherit", "pipe"] });
    let log = "";
    proxy.stderr.on("data", (text) => { log += text; });
    const origin = `https://shop.example:${port}`;
    try {
      await listening(port, proxy);
      const ca = readFileSync(CERTIFICATE);
      let placed = 0;
      for (const version of [overHttp2, overHttp1]) {
        const client = version(origin, ca);
        placed += await sell(client, origin);
        client.close();
      }
      assert.equal(placed, REQUESTS);
    } catch (error) {
      console.error(log);
      throw error;
    }
  } finally {
    if (proxy) await stop(proxy);
    await stop(server);
  }
  execFileSync(FLASHSALE, ["verify"], { cwd });
  console.log(`${name}: ${2 * REQUESTS} requests over HTTP/2 and HTTP/1.1, and the books are right`);
}

execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
  "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-keyout", KEY, "-out", CERTIFICATE], { stdio: "ignore" });
for (const name of Object.keys(PROXIES)) await through(name);
