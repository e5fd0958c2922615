//! What came of a rehearsal, as one page that carries all that it shows.

use super::chart::{Chart, Series, bars};
use super::settings::settings;
use crate::config::Config;
use crate::rehearsal::{Outcome, StockWindow, Window, counted, milliseconds};

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded, and no script runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub fn html(outcome: &Outcome, config: &Config, sentence: &str) -> String {
    let findings = outcome.findings.iter();
    let findings = findings.map(|it| format!(r#"<p class="finding">{}</p>"#, escaped(it)));
    let rows = outcome.rows().into_iter().map(|(name, value)| {
        format!(
            r#"<tr><th scope="row">{name}</th><td>{}</td></tr>"#,
            escaped(&value)
        )
    });
    let settings = settings(outcome, config).into_iter();
    let settings = settings.map(|it| format!("<li>{}</li>", escaped(&it)));
    let parts = [
        format!(r#"<p class="sentence">{}</p>"#, escaped(sentence)),
        findings.collect(),
        charts(outcome),
        format!(
            "<h2>What would change this result</h2><ul>{}</ul>",
            settings.collect::<String>()
        ),
        format!(
            r#"<h2>All figures</h2><div class="wide"><table>{}</table></div>"#,
            rows.collect::<String>()
        ),
        waits(outcome),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <title>Rehearsal of the sale</title><style>{STYLE}</style></head>\n\
         <body><h1>Rehearsal of the sale</h1>\n{}\n</body></html>\n",
        parts.join("\n")
    )
}

fn waits(outcome: &Outcome) -> String {
    let rows = outcome.waits();
    let row = |(index, row): (usize, &[String; 6])| {
        let cells = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match (index, column) {
                (0, _) => format!(r#"<th scope="col">{cell}</th>"#),
                (_, 0) => format!(r#"<th scope="row">{cell}</th>"#),
                _ => format!("<td>{cell}</td>"),
            });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    format!(
        "<h2>How long answers were waited for</h2>\
         <p class=\"dim\">p99: 99 of 100 waited no longer. A storm is of clients that only make trouble.</p>\
         <div class=\"wide\"><table class=\"figures\">{rows}</table></div>"
    )
}

fn charts(outcome: &Outcome) -> String {
    let all = [
        requests(outcome),
        waiting(outcome),
        stock(outcome),
        batches(outcome),
    ];
    all.concat()
}

fn requests(outcome: &Outcome) -> String {
    let course = &outcome.tally().course;
    let window_s = course.window_us as f64 / 1e6;
    let a_second = |count: fn(&Window) -> u64| -> Vec<f64> {
        let windows = course.windows.iter();
        windows
            .map(|window| count(window) as f64 / window_s)
            .collect()
    };
    let all = a_second(|window| window.requests);
    let peak = counted(all.iter().copied().fold(0.0, f64::max) as u64);
    let refused = a_second(|window| window.refused_holds);
    section(
        "How much was asked",
        &format!(
            "At most {peak} requests a second, in windows of {}.",
            milliseconds(window_s * 1e3)
        ),
        &[
            ("l1", "requests a second"),
            ("l2", "of them holds that were refused"),
        ],
        &Chart {
            label: format!("Requests a second over time, at most {peak}"),
            window_s,
            unit: "/s",
            series: vec![line("l1", all), line("l2", refused)],
        }
        .svg(),
    )
}

fn waiting(outcome: &Outcome) -> String {
    let course = &outcome.tally().course;
    let at = |quantile: f64| -> Vec<f64> {
        let windows = course.windows.iter();
        windows
            .map(|window| window.waits.value_at_quantile(quantile) as f64 / 1e3)
            .collect()
    };
    let (p50, p99) = (at(0.5), at(0.99));
    let worst = milliseconds(p99.iter().copied().fold(0.0, f64::max));
    section(
        "How long buyers waited",
        &format!(
            "Counted from when they wanted to act. In the worst window 99 of 100 waited no longer than {worst}."
        ),
        &[
            ("l1", "half waited no longer (p50)"),
            ("l2", "99 of 100 waited no longer (p99)"),
        ],
        &Chart {
            label: format!("Waits in milliseconds over time; p99 at most {worst}"),
            window_s: course.window_us as f64 / 1e6,
            unit: " ms",
            series: vec![line("l1", p50), line("l2", p99)],
        }
        .svg(),
    )
}

/// Each area hides what is not of it: from the whole stock down to what is sold.
fn stock(outcome: &Outcome) -> String {
    let windows = &outcome.ledger.windows;
    let missing = outcome
        .tally()
        .course
        .windows
        .len()
        .saturating_sub(windows.len());
    let last = windows.last().copied().unwrap_or_default();
    let upto = |units: fn(&StockWindow) -> i64| -> Vec<f64> {
        let after = std::iter::repeat_n(&last, missing);
        windows
            .iter()
            .chain(after)
            .map(|window| units(window) as f64)
            .collect()
    };
    let sold_out = outcome.sold_out_after_s().map_or_else(
        || "Something was left at the end.".into(),
        |after| format!("Nothing was left after {}.", milliseconds(after * 1e3)),
    );
    let area = |class, values| Series {
        class,
        is_area: true,
        values,
    };
    section(
        "Where the stock went",
        &format!("{sold_out} Reserved units are in baskets and unpaid orders."),
        &[
            ("a3", "units available"),
            ("a2", "reserved"),
            ("a1", "sold"),
        ],
        &Chart {
            label: format!("Units available, reserved and sold over time. {sold_out}"),
            window_s: outcome.tally().course.window_us as f64 / 1e6,
            unit: "",
            series: vec![
                area("a3", upto(|it| it.available + it.reserved + it.sold)),
                area("a2", upto(|it| it.reserved + it.sold)),
                area("a1", upto(|it| it.sold)),
            ],
        }
        .svg(),
    )
}

fn batches(outcome: &Outcome) -> String {
    let sizes = outcome.ledger.batch_sizes.iter().enumerate();
    let sizes = sizes.map(|(power, count)| {
        let (from, to) = (1_u64 << power, (2_u64 << power) - 1);
        let name = if from == to {
            from.to_string()
        } else {
            format!("{from}–{to}")
        };
        (name, *count)
    });
    section(
        "How many requests shared a commit",
        "Commits by the number of holds, orders and payments that each made durable. The fuller, the cheaper.",
        &[("a1", "commits")],
        &bars(
            "Commits by how many requests shared them",
            &sizes.collect::<Vec<_>>(),
        ),
    )
}

fn line(class: &'static str, values: Vec<f64>) -> Series {
    Series {
        class,
        is_area: false,
        values,
    }
}

fn section(heading: &str, told: &str, keys: &[(&str, &str)], chart: &str) -> String {
    let key = |(class, name): &(&str, &str)| {
        let mark = match class.starts_with('l') {
            true => format!(r#"<line class="{class}" x1="0" x2="24" y1="6" y2="6"/>"#),
            false => format!(r#"<rect class="{class}" width="24" height="12"/>"#),
        };
        format!(
            r#"<span class="key"><svg viewBox="0 0 24 12" aria-hidden="true">{mark}</svg>{name}</span>"#
        )
    };
    let keys: String = keys.iter().map(key).collect();
    format!("<h2>{heading}</h2><p class=\"dim\">{told}</p><p>{keys}</p>{chart}\n")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
