"""The figures of a run as tables, and their places in the documents: what stands between two marks is replaced."""

import re
from statistics import median

import aims
from figures import bytes_a_unit, count, middle, of, short, signature_us

DOCUMENTS = ["docs/performance.md", "README.md"]
PLACE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)

NAMES = {
    "bare": "the least that can answer: the bare loop of `examples/bare_loop.rs`",
    "healthz": "`GET /healthz`",
    "product": "`GET /api/products/{id}`",
    "overdue": "the same with 500 holds past their deadlines that no sweep has ended yet",
    "refusal": "a sold-out refusal",
    "hold": "a durable hold",
    "keyed": "the same, each with an `Idempotency-Key`; keys in order (UUIDv7)",
    "random": "the same with random keys (UUIDv4)",
    "limited": "the same with random keys, of a product that is limited per customer, for random customers",
    "funnel": "a funnel: hold, order, signed webhook that pays it",
    "beside": "`GET /healthz` beside idle connections",
    "wrk": "`GET /healthz` by `wrk`",
}


def write(project, figures):
    places = {
        "run": run(figures["about"]),
        "loads": loads(figures),
        "crowds": crowds(figures),
        "growth": growth(figures),
        "micro": micro(figures["micro"]),
        "batches": batches(figures["micro"]),
        "aims": table("aim", "", "measured", "", rows=aims.rows(figures)),
        "at_64": at_64(figures),
    }
    for name in DOCUMENTS:
        document = project / name
        text = PLACE.sub(lambda place: place[1] + places[place[2]] + place[3], document.read_text())
        document.write_text(text)


def table(*head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def run(about):
    return (
        f"Measured on {about['date']} at commit {about['commit']}: {about['machine']}, {about['memory_gib']:.0f} GiB of memory, "
        f"Linux {about['kernel']}, {about['filesystem']}, rustc {about['rustc']}. {about['rounds']} rounds of "
        f"{about['seconds_each']} s for each load; the whole run took {about['took_s']:.0f} s. The disk alone makes "
        f"{count(about['syncs_per_s'])} appends of 4 KiB a second durable, one after the other.\n"
    )


def loads(figures):
    rows = []
    known = {(cell["load"], cell["connections"]) for cell in figures["cells"]}
    for name in NAMES:
        for connections in sorted(number for load, number in known if load == name):
            rows.append([NAMES[name], str(connections), *cell_columns(figures, name, connections)])
    unexpected = sum(cell.get("unexpected", 0) for cell in figures["cells"])
    head = ["load", "connections", "a second", "lowest – highest", "p50 ms", "p99 ms", "server's CPU µs", "client's CPU µs"]
    return table(*head, "MiB", rows=rows) + f"\nAnswers of another status than the load is for: {unexpected}.\n"


def cell_columns(figures, load, connections):
    cells = of(figures, load, connections)
    rates = [cell["rate"] for cell in cells]
    columns = [count(median(rates)), f"{count(min(rates))} – {count(max(rates))}"]
    if "p50_ms" not in cells[0]:
        return [*columns, "", "", "", "", ""]
    medians = [median(cell[field] for cell in cells) for field in ["p50_ms", "p99_ms", "server_us", "client_us"]]
    return [*columns, *map(short, medians), f"{cells[0]['resident_mib']:.0f}"]


def at_64(figures):
    """What the README shows."""
    about, crowds_, rows = figures["about"], figures["crowds"], []
    healthz = middle(figures, "healthz", 64, "rate")
    for name in NAMES:
        if name != "wrk" and (rate := middle(figures, name, 64, "rate")):
            p99, server = (middle(figures, name, 64, field) for field in ["p99_ms", "server_us"])
            rows.append([NAMES[name], count(rate), f"{rate / healthz:.2f}", short(p99), short(server)])
    old = figures["growth"][-1]
    small = [
        ["resident memory before any request", f"{crowds_['resident_before_mib']:.0f} MiB"],
        [
            f"with {count(crowds_['idle'])} idle connections, after all of the above",
            f"{crowds_['resident_with_idle_mib']:.0f} MiB, {crowds_['resident_without_idle_mib']:.0f} without them",
        ],
        ["500 connections opened at once: the slowest answer", f"{crowds_['slowest_of_500_ms']:.0f} ms"],
        ["checking a webhook's signature", f"{signature_us(figures['micro']):.2g} µs"],
        ["on the disk for each sold unit", f"{count(bytes_a_unit(figures))} bytes"],
        [f"`verify --quick` of {count(old['holds'])} old holds", f"{old['verify_s']:.1f} s"],
    ]
    return (
        f"One run on {about['date']}, commit {about['commit']}, {about['machine']}, 64 connections:\n\n"
        + table("what", "a second", "of healthz", "p99 ms", "server's CPU µs", rows=rows)
        + "\n"
        + table("what", "figure", rows=small)
    )


def crowds(figures):
    found, books = figures["crowds"], figures["books"]
    rows = [
        ["resident before any request", f"{found['resident_before_mib']:.1f} MiB"],
        ["500 connections opened at once: the slowest answer", f"{found['slowest_of_500_ms']:.0f} ms"],
        ["resident after all loads", f"{found['resident_without_idle_mib']:.0f} MiB"],
        [f"with {count(found['idle'])} idle connections more", f"{found['resident_with_idle_mib']:.0f} MiB"],
        [
            f"the database in which {count(books['sold'])} units were sold, by its size, for each unit",
            f"{count(bytes_a_unit(figures))} bytes",
        ],
    ]
    return table("what", "figure", rows=rows)


def growth(figures):
    rows = []
    for old in figures["growth"]:
        beside, swept = f"hold beside {old['holds']} old ones", f"hold while {old['holds']} are swept"
        rows.append([
            count(old["holds"]),
            f"{old['seeded_s']:.1f}",
            f"{old['ready_s'] * 1000:.0f}",
            *(short(middle(figures, swept, 64, field)) for field in ["rate", "p99_ms"]),
            f"{old['swept_s']:.1f}",
            *cell_columns(figures, beside, 64)[:2],
            f"{old['verify_s']:.1f}",
            f"{old['verify_peak_mib']:.0f}",
            count(old["bytes"] / 2**20),
        ])
    head = [
        "old holds", "made in s", "start ms", "holds a second while they are swept", "p99 ms", "at rest after s",
        "then holds a second", "lowest – highest", "`verify --quick` s", "its MiB", "file MiB",
    ]
    return table(*head, rows=rows)


def micro(figures):
    rows = []
    for figure in figures:
        times = [short(figure[field] / 1000) for field in ["median_ns", "fastest_ns"]]
        rows.append([f"`{figure['name']}`", *times, short(figure["allocations"])])
    note = f"\nA signature's check is the difference of two of them: {signature_us(figures):.2g} µs.\n"
    return table("benchmark", "median µs", "fastest µs", "allocations", rows=rows) + note


def batches(figures):
    sizes = [figure for figure in figures if figure["name"].startswith("durable_holds ")]
    commands = [int(figure["name"].split()[1]) for figure in sizes]
    rates = [count(number * 1e9 / figure["median_ns"]) for number, figure in zip(commands, sizes)]
    return table("commands a transaction, the store alone", *map(str, commands), rows=[["durable holds/s", *rates]])
