//! Figures in words that a shop owner understands.

use super::outcome::{LimitedBy, Outcome};

/// What the rehearsal has shown, in one sentence; in another one why the machine may be able to do more.
pub fn sentence(outcome: &Outcome) -> String {
    let holds = about(outcome.tally().holds_per_s());
    let limit = outcome.limited_by();
    let can_take = match limit {
        LimitedBy::Arrivals => {
            format!("it took the {holds} holds a second that were asked of it, and can take more")
        }
        LimitedBy::Buyers => format!("it can take at least {holds} holds a second"),
        LimitedBy::Server | LimitedBy::Stock | LimitedBy::Machine => {
            format!("it can take about {holds} holds a second")
        }
    };
    let mut sentence = format!(
        "This machine sold {} units to {} buyers in {}; {can_take}; the slowest buyer waited {}.",
        counted(outcome.comparison.units_sold.unsigned_abs()),
        counted(outcome.plan.buyers.into()),
        seconds(outcome.seconds()),
        milliseconds(outcome.slowest_ms()),
    );
    let why = match limit {
        LimitedBy::Server => String::new(),
        LimitedBy::Arrivals => " The server was never short of time: more buyers, or a shorter time to come in, would show its limit.".into(),
        LimitedBy::Stock => " Everything was gone so soon that the stock was the limit: with more of it the figure is more certain.".into(),
        LimitedBy::Buyers => " The simulated buyers, not the server, were the limit.".into(),
        LimitedBy::Machine => format!(
            " The simulated buyers took {} of the processor time: before real buyers, who bring their own machines, the server has that too.",
            percent(outcome.buyers.cpu_s / (outcome.buyers.cpu_s + outcome.server.cpu_s)),
        ),
    };
    sentence += &why;
    if !outcome.went_well() {
        sentence += " It did not go well: do not open the sale before this is understood.";
    }
    sentence
}

/// To two digits, as nobody can promise more.
fn about(figure: f64) -> String {
    let figure = figure.max(0.0);
    let magnitude = 10f64.powf((figure.max(1.0).log10().floor() - 1.0).max(0.0));
    counted(((figure / magnitude).round() * magnitude) as u64)
}

/// Thousands apart.
pub fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

pub fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} s", counted(seconds.round() as u64))
    }
}

pub fn milliseconds(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else {
        seconds(ms / 1e3)
    }
}

/// In the largest unit of 1024 that leaves a whole number.
pub fn bytes(bytes: f64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut figure = bytes;
    let mut unit = 0;
    while figure >= 1024.0 && unit + 1 < units.len() {
        figure /= 1024.0;
        unit += 1;
    }
    if unit == 0 || figure >= 100.0 {
        format!("{figure:.0} {}", units[unit])
    } else {
        format!("{figure:.1} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_at_a_glance() {
        assert_eq!(counted(1_234_567), "1 234 567");
        assert_eq!(counted(999), "999");
        for (figure, text) in [
            (31_234.0, "31 000"),
            (0.0, "0"),
            (7.2, "7"),
            (123.0, "120"),
            (999.9, "1 000"),
        ] {
            assert_eq!(about(figure), text);
        }
        assert_eq!(seconds(0.94), "0.9 s");
        assert_eq!(milliseconds(41.2), "41 ms");
        assert_eq!(milliseconds(4_100.0), "4.1 s");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(bytes(12.0), "12 bytes");
    }
}
