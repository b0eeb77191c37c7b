//! The report as people read it.

use std::collections::BTreeMap;
use std::fmt;

use crate::gateways::GatewayReport;

use super::{Flow, Latency, RushReport};

/// So many violations are shown; the JSON form has all.
const VIOLATIONS_SHOWN: usize = 20;

impl fmt::Display for RushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} buyers for {} units (limit {}), {}, seed {}, {} connections",
            self.buyers,
            self.stock,
            self.limit_per_customer,
            self.arrivals,
            self.seed,
            self.connections
        )?;
        writeln!(f, "deal {}", self.deal_id)?;
        writeln!(f)?;
        write_flow(f, "answered", &self.answered)?;
        write_flow(f, "admitted", &self.admitted)?;
        if self.turned_away.count > 0 {
            write_flow(f, "sent away", &self.turned_away)?;
        }
        write_flow(f, "decided", &self.decided)?;
        writeln!(f, "requests  {:>8}, of them sent again {}", self.requests, self.retries)?;
        let left = self.stock_left.map_or("?".to_owned(), |left| left.to_string());
        writeln!(f, "units     {:>8} bought, {left} left", self.units)?;
        writeln!(f)?;
        writeln!(f, "{:<22}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "p50", "p90", "p99", "p99.9", "max")?;
        write_latency(f, "purchase to answer", &self.to_answer)?;
        write_latency(f, "purchase to outcome", &self.to_outcome)?;
        if self.turned_away.count > 0 {
            write_latency(f, "purchase to 202", &self.to_admission)?;
            write_latency(f, "purchase to refusal", &self.to_refusal)?;
        }
        writeln!(f)?;
        write_outcomes(f, "first purchases", &self.outcomes)?;
        write_outcomes(f, "second purchases", &self.second_outcomes)?;
        if self.gateways.len() > 1 {
            writeln!(f, "gateways")?;
            self.gateways.iter().try_for_each(|gateway| write_gateway(f, gateway))?;
        }
        writeln!(f)?;
        self.write_checks(f)
    }
}

impl RushReport {
    fn write_checks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let verdict = match check.violations {
                0 => "holds".to_owned(),
                count => format!("BROKEN {count} times"),
            };
            let (promise, title) = (check.promise, check.promise.title());
            write!(f, "{promise:<3}{title:<26}{:>8} looked at  {verdict}", check.looked_at)?;
            if let Some(left_out) = check.left_out {
                write!(f, " ({left_out})")?;
            }
            writeln!(f)?;
        }
        for violation in self.violations.iter().take(VIOLATIONS_SHOWN) {
            let buyer = violation.buyer.map_or(String::new(), |buyer| format!(" buyer {buyer}:"));
            writeln!(f, "violation of {}:{buyer} {}", violation.promise, violation.what)?;
        }
        match self.violations.len().saturating_sub(VIOLATIONS_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}

fn write_flow(f: &mut fmt::Formatter<'_>, name: &str, flow: &Flow) -> fmt::Result {
    let Flow { count, window_ms, per_second } = flow;
    let (seconds, milliseconds) = (window_ms / 1_000, window_ms % 1_000);
    writeln!(f, "{name:<10}{count:>8} in {seconds}.{milliseconds:03} s = {per_second:.0}/s")
}

fn write_latency(f: &mut fmt::Formatter<'_>, name: &str, latency: &Latency) -> fmt::Result {
    let Latency { p50_us, p90_us, p99_us, p999_us, max_us, .. } = latency;
    write!(f, "{name:<22}")?;
    for micros in [p50_us, p90_us, p99_us, p999_us, max_us] {
        let tenths = micros.div_ceil(100);
        write!(f, "{:>9}", format!("{}.{}", tenths / 10, tenths % 10))?;
    }
    writeln!(f)
}

fn write_gateway(f: &mut fmt::Formatter<'_>, gateway: &GatewayReport) -> fmt::Result {
    let answers: Vec<String> =
        gateway.answers.iter().map(|(code, count)| format!("{code}: {count}")).collect();
    let (name, requests) = (&gateway.gateway, gateway.requests);
    writeln!(f, "  {name:<36}{requests:>8} requests ({})", answers.join(", "))
}

fn write_outcomes(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    outcomes: &BTreeMap<String, u64>,
) -> fmt::Result {
    writeln!(f, "{name}")?;
    for (outcome, count) in outcomes {
        writeln!(f, "  {outcome:<36}{count:>8}")?;
    }
    Ok(())
}
