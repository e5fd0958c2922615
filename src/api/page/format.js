// How figures, money and times are read and written. Money is text from end to end: no float takes part.

const MONEY = /"(price|unit_price|total_price|refunded_amount|amount)"\s*:\s*(-?\d[\d.eE+-]*)/g;

/** JSON as the server prints it, with amounts of money as text, digit by digit. Inside a string a quote has its backslash,
    so that no text is taken for an amount. */
export function parse(text) {
  return JSON.parse(text.replace(MONEY, '"$1":"$2"'));
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** A body of fields. What looks like a number in a field of numbers is sent digit by digit; anything else as text, for the
    server to refuse. */
export function print(fields, numbers = []) {
  const printed = Object.entries(fields).map(([name, value]) => {
    const isNumber = numbers.includes(name) && typeof value === "string" && NUMBER.test(value);
    return `${JSON.stringify(name)}:${isNumber ? value : JSON.stringify(value)}`;
  });
  return `{${printed.join(",")}}`;
}

/** "1234567.50" as "1,234,567.50". */
export function money(amount) {
  if (amount === null || amount === undefined) return "–";
  const text = typeof amount === "string" ? amount : JSON.stringify(amount);
  const parts = /^(-?\d+)(\.\d+)?$/.exec(text);
  return parts ? grouped(parts[1]) + (parts[2] ?? "") : text;
}

export function count(number) {
  return grouped(String(number));
}

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

export function units(number) {
  return `${count(number)} ${number === 1 ? "unit" : "units"}`;
}

/** A rate or a figure with few digits: 0, 0.03, 4.2, 137, 12,500. */
export function few(number) {
  const digits = number >= 100 ? 0 : number >= 1 ? 1 : 2;
  const [whole, fraction] = String(Number(number.toFixed(digits))).split(".");
  return grouped(whole) + (fraction ? `.${fraction}` : "");
}

export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = number;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${few(value)} ${units[unit]}`;
}

/** A time span in its two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([number]) => number > 0);
  return shown.map(([number, unit]) => `${number} ${unit}`).join(" ");
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** HH:MM:SS in the viewer's zone. */
export function clock(date) {
  return CLOCK.format(date);
}

/** In the viewer's zone; today by the clock alone. */
export function moment(date) {
  const isToday = DAY.format(date) === DAY.format(new Date());
  return isToday ? CLOCK.format(date) : `${DAY.format(date)}, ${CLOCK.format(date)}`;
}

/** What a field of date and time holds for a time of the server; empty for none. */
export function toField(utc) {
  if (!utc) return "";
  const date = new Date(utc);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The time that such a field means, for the server; null for none. */
export function fromField(text) {
  if (text === "") return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}

/** "all_reserved" as "all reserved". */
export function words(name) {
  return name.replaceAll("_", " ");
}
