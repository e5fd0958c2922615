"""What the project aims at, and whether a run has it: two cores that the load client shares, `durability = full`."""

from figures import bytes_a_unit, count, middle, of, short


def rows(figures):
    aims = [*rates(figures), *processor_times(figures), *ratios(figures), *tails(figures), *sizes(figures), *old_holds(figures)]
    return [row(*aim) for aim in aims if aim[-1] is not None]


def row(what, relation, aim, unit, measured):
    is_met = measured >= aim if relation == "≥" else measured <= aim
    shown = [f"{short(number)} {unit}".strip() for number in (aim, measured)]
    return [what, f"{relation} {shown[0]}", shown[1], "met" if is_met else "**missed**"]


def rates(figures):
    """Twice the best of six other stacks, whatever their durability, that were measured on such a machine in November 2026."""
    twice = [("product", 79_400), ("hold", 50_500), ("refusal", 67_900), ("funnel", 15_300)]
    for load, aim in twice:
        yield f"`{load}` a second at 64", "≥", aim, "", middle(figures, load, 64, "rate")
    yield "`hold` a second at 1", "≥", 2_500, "", middle(figures, "hold", 1, "rate")


def processor_times(figures):
    for load, aim in [("healthz", 7), ("product", 8.5), ("refusal", 9), ("hold", 19)]:
        yield f"server's CPU of a `{load}` at 64", "≤", aim, "µs", middle(figures, load, 64, "server_us")


def ratios(figures):
    def ratio(of, to):
        first, second = (middle(figures, *cell, "rate") for cell in (of, to))
        return first and second and first / second

    yield "`healthz` to `bare` at 64", "≥", 0.9, "", ratio(("healthz", 64), ("bare", 64))
    yield "`random` to `hold` at 64", "≥", 0.8, "", ratio(("random", 64), ("hold", 64))
    for load in ["healthz", "product", "refusal", "hold", "keyed", "random", "limited", "funnel"]:
        for connections in [256, 1024]:
            yield f"`{load}` at {connections} to 64", "≥", 0.85, "", ratio((load, connections), (load, 64))


def tails(figures):
    for load, connections, aim in [("hold", 64, 3), ("hold", 1024, 20), ("product", 64, 3)]:
        p99 = middle(figures, load, connections, "p99_ms")
        yield f"p99 of a `{load}` at {connections}", "≤", aim, "ms", p99


def sizes(figures):
    funnel = of(figures, "funnel", 64)
    yield "resident in the `funnel` at 64", "≤", 40, "MiB", funnel[0]["resident_mib"] if funnel else None
    crowds = figures["crowds"]
    idle = f"resident with {count(crowds['idle'])} idle connections"
    yield idle, "≤", 100, "MiB", crowds["resident_with_idle_mib"]
    yield "on the disk for each sold unit", "≤", 550, "bytes", bytes_a_unit(figures)


def old_holds(figures):
    empty, *grown = figures["growth"]
    for old in grown:
        def ratio(load, field):
            first, second = (middle(figures, load.format(it["holds"]), 64, field) for it in (old, empty))
            return first / second

        number = count(old["holds"])
        yield f"`hold` with {number} old ones to an empty database", "≥", 0.85, "", ratio("hold beside {} old ones", "rate")
        yield f"p99 of a `hold` while {number} are swept, to without", "≤", 2, "", ratio("hold while {} are swept", "p99_ms")
        later = (old["ready_s"] - empty["ready_s"]) * 1000
        yield f"start later by, with {number} lapsed keys", "≤", 100, "ms", later
        yield f"`verify --quick` of {number} holds", "≤", 60, "s", old["verify_s"]
