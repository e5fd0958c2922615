// What open pages cost a sale: the server's CPU time for a hold while nobody watches, and while 100 pages do, in turns.
//
//     cargo build --release --example load --bin flashsale
//     FLASHSALE_BINARY=target/release/flashsale node tests/browser/cost.js [PAGES] [ROUNDS] [SECONDS]
//
// A page is what it asks: the figures of the Sale view, once a second, each page at a moment of its own. On a quiet machine
// alone do the figures mean something.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Server, TOKEN } from "./server.js";

const LOAD = new URL("../../target/release/examples/load", import.meta.url).pathname;
const [pages, rounds, seconds] = [100, 5, 5].map((usual, index) => Number(process.argv[2 + index] ?? usual));
const CONNECTIONS = 64;

/** User and system, in seconds, by /proc: a hundred ticks are a second. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function watch(server) {
  let isOver = false;
  const watcher = async (number) => {
    await new Promise((done) => setTimeout(done, (1_000 * number) / pages));
    while (!isOver) {
      const next = new Promise((done) => setTimeout(done, 1_000));
      const answer = await fetch(`${server.origin}/admin/api/stats?limit=50`, { headers: { Authorization: `Bearer ${TOKEN}` } });
      await answer.text();
      await next;
    }
  };
  const watchers = Array.from({ length: pages }, (_, number) => watcher(number));
  return async () => {
    isOver = true;
    await Promise.all(watchers);
  };
}

async function round(server) {
  const before = cpu(server.pid);
  const { stdout } = await promisify(execFile)(LOAD, ["hold", new URL(server.origin).host, String(CONNECTIONS), String(seconds)]);
  const { done, unexpected, seconds: took } = JSON.parse(stdout);
  if (unexpected > 0) throw new Error(`${unexpected} answers were no holds`);
  return { perSecond: done / took, cpu: (cpu(server.pid) - before) / done };
}

const server = await Server.start({ hold_ttl_s: 86_400, log_requests_per_s: 0 });
for (const name of ["Tee", "Mug", "Cap", "Poster"]) await server.create(name, 2_147_483_647);
const found = { alone: [], watched: [] };
for (let turn = 0; turn < rounds; turn += 1) {
  found.alone.push(await round(server));
  const end = watch(server);
  found.watched.push(await round(server));
  await end();
}
await server.close();
const middle = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const [alone, watched] = ["alone", "watched"].map((kind) => ({
  "holds/s": Math.round(middle(found[kind].map((it) => it.perSecond))),
  "CPU µs a hold": middle(found[kind].map((it) => 1e6 * it.cpu)).toFixed(1),
}));
console.table({ alone, [`${pages} pages`]: watched });
console.log(`CPU a hold: ${(100 * (watched["CPU µs a hold"] / alone["CPU µs a hold"] - 1)).toFixed(1)} % more with ${pages} pages open`);
