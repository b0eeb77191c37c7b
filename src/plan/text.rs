//! A plan as people read it. Must not know how it was made.

use std::fmt;

use super::Plan;
use super::model::Limit;

/// A line of a plan: what, how much, and what that rests on.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) value: String,
    pub(super) why: &'static str,
}

/// In place of what cannot be had at all.
const NONE: &str = "–";

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peak = &self.peak;
        let (rate, lasts) = (number(peak.purchases), duration(peak.seconds));
        let (admitted, busy) = (percent(peak.admitted), percent(peak.busy));
        writeln!(f, "{rate} purchases/s for {lasts}, of {} products", peak.products)?;
        writeln!(f, "{admitted} are let in, each comes with {} polls", peak.polls)?;
        writeln!(f, "planned with {busy} of the rates that were measured")?;
        writeln!(f)?;
        for Row { what, value, why } in rows(self) {
            writeln!(f, "{what:<26}{value:>14}  {why}")?;
        }
        writeln!(f)?;
        writeln!(f, "of what there is one, in purchases/s")?;
        for Limit { what, bears, why } in &self.limits {
            let word = if *bears < peak.purchases { "BREAKS" } else { "holds" };
            writeln!(f, "{what:<26}{:>14}  {word}: {why}", number(*bears))?;
        }
        if let Some(cost) = &self.cost {
            writeln!(f)?;
            writeln!(f, "by the prices that were given, in {}", cost.currency)?;
            let amount = |f: &mut fmt::Formatter<'_>, what: &str, amount: f64| {
                writeln!(f, "{what:<26}{amount:>14.2}")
            };
            amount(f, &format!("machines for {} h", cost.hours), cost.machines)?;
            amount(f, "for a million orders", cost.machines_per_million)?;
            amount(f, "to keep them for a month", cost.stored_per_million_month)?;
        }
        writeln!(f)?;
        writeln!(f, "{}", verdict(self))
    }
}

/// Whether it can be done, in a few words.
pub(super) fn verdict(plan: &Plan) -> String {
    match plan.limits.first() {
        Some(Limit { what, bears, .. }) if !plan.fits => {
            format!("does not fit: {what} bears {}/s", number(*bears))
        }
        Some(_) | None => "fits".to_owned(),
    }
}

/// The lines of a plan, the same for every one.
pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let needs = &plan.needs;
    let row = |what, value, why| Row { what, value, why };
    let optional = |value: Option<f64>, show: fn(f64) -> String| value.map_or(NONE.into(), show);
    let megabytes: fn(f64) -> String = |value| format!("{} MB/s", number(value));
    let cores: fn(f64) -> String = |value| format!("{value:.1}");
    let each = plan.peak.gateway_cores;
    let gateways = needs.gateways.map(|count| format!("{} of {each} cores", number(count)));
    let gateways = gateways.unwrap_or(NONE.into());
    vec![
        row("orders a second", number(needs.orders_per_second), "what is let in"),
        row("partitions", number(needs.partitions as f64), "some for each product, for ever"),
        row("products in the fullest", number(needs.products_in_one as f64), "they share a line"),
        row("worker cores", number(needs.worker_cores), "to decide"),
        row("gateways", gateways, "to admit, to refuse, to answer, and for connections"),
        row("cores for the view", cores(needs.following_cores), "in each of them"),
        row("memory of a gateway", optional(needs.gateway_gib, gib), "view, keys, connections"),
        row("memory of all workers", gib(needs.worker_gib), "orders, until deals are retired"),
        row("brokers", optional(needs.brokers, number), "by disk, or by network"),
        row("into the log", megabytes(needs.log_mb_per_second), "compressed, to be copied"),
        row("out of the log", optional(needs.read_mb_per_second, megabytes), "to all readers"),
        row("orders without a row", number(needs.waiting_rows), "when the peak ends"),
        row("until all have one", duration(needs.drain_seconds), "if nobody buys any more"),
        row("log of a million orders", gib(needs.log_gib_per_million), "with its copies"),
        row("database of a million", gib(needs.database_gib_per_million), "with its indexes"),
    ]
}

/// Whole, in groups of three: nothing here is known to a fraction.
pub(super) fn number(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 10_000.0).round() / 100.0)
}

fn gib(value: f64) -> String {
    format!("{value:.1} GiB")
}

fn duration(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}
