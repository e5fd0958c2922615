// How the server is.

import { get } from "./api.js";
import { el, fill, show } from "./dom.js";
import { bytes, count, few, span } from "./format.js";

export const title = "Health";

/** What the server says of itself: each figure's name, the figure, and what it is of. */
function figures(stats) {
  const { requests, holds, queue, batches, commits, connections, database } = stats;
  const over = `over the last ${span(requests.over_s)}`;
  return [
    ["Requests per second", few(requests.per_s), over],
    ["Refusals per second", few(requests.refused_per_s), over],
    ["Holds, p50", milliseconds(holds, "p50_ms"), "from the first byte of a request to its answer"],
    ["Holds, p99", milliseconds(holds, "p99_ms"), `of ${count(holds.count)} over the last ${span(holds.over_s)}`],
    ["Queue", count(queue.waiting), `commands that wait for the writer; ${count(queue.max)} may`],
    ["Batch size", few(batches.commands_mean), `commands in a transaction; ${few(batches.per_s)} transactions a second`],
    ["Commit time, p99", milliseconds(commits, "p99_ms"), `half of them within ${milliseconds(commits, "p50_ms")}`],
    ["Connections", ...states(connections)],
    ["Log size", size(database.log_bytes), `beside a database of ${size(database.bytes)}`],
    ["Disk free", size(database.disk_free_bytes), "where the database is"],
    ["Last backup", stats.last_backup_at ? { utc: stats.last_backup_at } : "none yet", ago(stats)],
    ...reading(stats),
    ["Version", stats.version, "of flashsale"],
  ];
}

/** Whether the program that reads the feed keeps up; nothing where there is no feed. */
function reading({ feed, server_time: now }) {
  if (!feed) return [];
  const asked = feed.asked_at ? `asked for ${span(seconds(feed.asked_at, now))} ago` : "nobody has asked this server yet";
  const unread = feed.unread_since ? `for ${span(seconds(feed.unread_since, now))}` : "none";
  return [["Events unread", unread, `${asked}; read up to event ${count(feed.read_to)} of ${count(feed.newest)}`]];
}

function seconds(from, to) {
  return (new Date(to) - new Date(from)) / 1_000;
}

function milliseconds(latency, name) {
  return latency.count === 0 ? "–" : `${few(latency[name])} ms`;
}

function states(connections) {
  if (!connections) return ["–", ""];
  const some = Object.entries(connections).filter(([, number]) => number > 0);
  const all = some.reduce((sum, [, number]) => sum + number, 0);
  return [count(all), some.map(([state, number]) => `${count(number)} ${state}`).join(", ")];
}

function size(number) {
  return number === null ? "–" : bytes(number);
}

function ago({ last_backup_at: last, server_time: now }) {
  return last ? `${span(seconds(last, now))} ago` : "flashsale backup makes one";
}

function card() {
  return el("div", { class: "card" }, el("dt"), el("dd"), el("dd", { class: "hint" }));
}

export function open() {
  const list = el("dl", { class: "health" });

  async function refresh(signal) {
    const stats = await get("/admin/api/stats?limit=1", signal);
    show(list, figures(stats), ([name]) => name, card, fill);
  }

  return { element: list, refresh };
}
