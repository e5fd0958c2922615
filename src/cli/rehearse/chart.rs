//! Charts of the rehearsal's page, as SVG that stands in the page and needs no script.

use std::fmt::Write;

use crate::rehearsal::counted;

/// Values over the time of the sale: each holds for its window.
pub struct Chart<'a> {
    /// For those who cannot see it.
    pub label: String,
    pub window_s: f64,
    /// What follows a value on the axis.
    pub unit: &'a str,
    /// An area hides those before it.
    pub series: Vec<Series>,
}

pub struct Series {
    /// The class that gives the colour.
    pub class: &'static str,
    pub is_area: bool,
    pub values: Vec<f64>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 708.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 190.0;
const TICKS: u32 = 2;

impl Chart<'_> {
    pub fn svg(&self) -> String {
        let count = self.series.iter().map(|series| series.values.len());
        let count = count.max().unwrap_or(0).max(1);
        let values = self.series.iter().flat_map(|series| &series.values);
        let top = rounded_up(values.copied().fold(0.0, f64::max));
        let mut svg = begin(&self.label);
        grid(&mut svg, top, self.unit);
        for series in &self.series {
            let path = steps(series, count, top);
            add(
                &mut svg,
                format_args!(r#"<path class="{}" d="{path}"/>"#, series.class),
            );
        }
        let end_s = self.window_s * count as f64;
        for tick in 0..=TICKS {
            let share = f64::from(tick) / f64::from(TICKS);
            let (x, at) = (LEFT + share * (RIGHT - LEFT), share * end_s);
            let anchor = ["start", "middle", "end"][tick as usize];
            let y = BOTTOM + 20.0;
            let text =
                format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="{anchor}">{at:.1} s</text>"#);
            add(&mut svg, text);
        }
        svg + "</svg>"
    }
}

/// A bar for each name.
pub fn bars(label: &str, bars: &[(String, u64)]) -> String {
    let top = rounded_up(
        bars.iter()
            .map(|(_, value)| *value as f64)
            .fold(0.0, f64::max),
    );
    let mut svg = begin(label);
    grid(&mut svg, top, "");
    let slot = (RIGHT - LEFT) / bars.len().max(1) as f64;
    for (index, (name, value)) in bars.iter().enumerate() {
        let x = LEFT + slot * index as f64;
        let y = y_of(*value as f64, top);
        let (middle, width, height) = (x + slot / 2.0, slot * 0.7, BOTTOM - y);
        let left = middle - width / 2.0;
        let bar = format_args!(
            r#"<rect class="a1" x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        );
        add(&mut svg, bar);
        let below = BOTTOM + 20.0;
        let text =
            format_args!(r#"<text x="{middle:.1}" y="{below}" text-anchor="middle">{name}</text>"#);
        add(&mut svg, text);
    }
    svg + "</svg>"
}

fn begin(label: &str) -> String {
    format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">"#)
}

fn grid(svg: &mut String, top: f64, unit: &str) {
    for tick in 0..=TICKS {
        let value = top * f64::from(tick) / f64::from(TICKS);
        let y = y_of(value, top);
        let line = format_args!(
            r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/>"#
        );
        add(svg, line);
        let figure = if value.fract() == 0.0 {
            counted(value as u64)
        } else {
            value.to_string()
        };
        let (x, y) = (LEFT - 8.0, y + 4.0);
        let text =
            format_args!(r#"<text x="{x}" y="{y:.1}" text-anchor="end">{figure}{unit}</text>"#);
        add(svg, text);
    }
}

fn steps(series: &Series, count: usize, top: f64) -> String {
    let mut path = String::new();
    let x = |index: usize| LEFT + (RIGHT - LEFT) * index as f64 / count as f64;
    if series.is_area {
        add(&mut path, format_args!("M{LEFT:.1} {BOTTOM:.1}"));
    }
    for (index, value) in series.values.iter().enumerate() {
        let y = y_of(*value, top);
        let begins = index == 0 && !series.is_area;
        let to = match begins {
            true => format!("M{LEFT:.1} {y:.1}"),
            false => format!("V{y:.1}"),
        };
        add(&mut path, format_args!("{to}H{:.1}", x(index + 1)));
    }
    if series.is_area {
        add(&mut path, format_args!("V{BOTTOM:.1}Z"));
    }
    path
}

fn y_of(value: f64, top: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * value / top
}

/// The next of 1, 2, 5, 10, 20, 50 …
fn rounded_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(power)
}

fn add(to: &mut String, what: std::fmt::Arguments<'_>) {
    to.write_fmt(what).expect("a text takes what is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_figure() {
        for (value, top) in [(0.0, 1.0), (1.0, 1.0), (7.0, 10.0), (1_100.0, 2_000.0)] {
            assert_eq!(rounded_up(value), top);
        }
    }

    #[test]
    fn a_value_holds_for_its_window() {
        let series = Series {
            class: "l1",
            is_area: false,
            values: vec![1.0, 0.0],
        };
        assert_eq!(steps(&series, 2, 1.0), "M84.0 14.0H396.0V190.0H708.0");
    }
}
