"""What a run has measured: looked up, and as text."""

import re
from statistics import median


def count(number):
    """With three digits that count, and blanks between thousands."""
    digits = len(str(int(number)))
    return f"{round(number, min(0, 3 - digits)):,.0f}".replace(",", " ")


def short(number):
    return count(number) if number >= 100 else f"{number:.3g}"


def of(figures, load, connections):
    return [cell for cell in figures["cells"] if (cell["load"], cell["connections"]) == (load, connections)]


def middle(figures, load, connections, field):
    """The median of all rounds; `None` where there was none."""
    values = [cell[field] for cell in of(figures, load, connections)]
    return median(values) if values else None


def bytes_a_unit(figures):
    return figures["books"]["bytes"] / max(figures["books"]["sold"], 1)


def read_divan(output):
    """Of each benchmark: how long it takes, in the median and at its fastest, in ns, and how often it allocates."""
    found, group, name, allocates = [], "", None, False
    for line in output.splitlines():
        columns = [column.strip() for column in line.split("│")]
        if begun := re.match(r"(│  )?[├╰]─ (\S+)\s*(.*)", line):
            nested, word, rest = begun.groups()
            columns = [column.strip() for column in rest.split("│")]
            if len(columns[0]) == 0:
                group = word
                continue
            name = f"{group} {word}" if nested else word
            times = [nanoseconds(columns[index]) for index in [0, 2]]
            found.append({"name": name, "fastest_ns": times[0], "median_ns": times[1], "allocations": 0})
        elif any(column == "alloc:" for column in columns):
            allocates = True
        elif allocates and found:
            numbers = [column for column in columns if re.fullmatch(r"[\d.]+", column)]
            found[-1]["allocations"] = float(numbers[2])
            allocates = False
    return found


def nanoseconds(text):
    number, unit = text.split()
    return float(number) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]


def of_micro(figures, name):
    return next(figure for figure in figures if figure["name"] == name)


def signature_us(figures):
    checked, unchecked = (of_micro(figures, f"refuse_{kind}_webhook") for kind in ["checked", "unchecked"])
    return (checked["median_ns"] - unchecked["median_ns"]) / 1000
