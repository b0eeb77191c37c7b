//! `timedeal plan`: what a peak needs and what of it breaks first, from figures of single parts.
//! Asks no server and measures nothing.

mod figures;
mod model;
mod prices;
mod text;

#[cfg(test)]
mod document;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::PlanFlags;
use crate::fail_as;
use figures::{Figure, MEASURED};
use model::{Limit, Needs, Peak, Reckoning};
use prices::{Cost, Prices};

/// Exit code if a limit breaks.
const DOES_NOT_FIT: u8 = 1;
/// Exit code if there is nothing to reckon with.
const COULD_NOT_RECKON: u8 = 2;

/// What a peak takes.
#[derive(Clone, Debug, Serialize)]
struct Plan {
    peak: Peak,
    fits: bool,
    needs: Needs,
    /// The first to break first.
    limits: Vec<Limit>,
    cost: Option<Cost>,
    /// What all of it rests on.
    figures: Vec<Figure>,
}

impl Plan {
    fn of(flags: &PlanFlags, prices: Option<&Prices>) -> Self {
        let peak = Peak {
            purchases: flags.peak,
            seconds: f64::from(flags.minutes) * 60.0,
            admitted: flags.admitted,
            products: flags.products,
            polls: flags.polls,
            watchers: flags.watchers,
            gateway_cores: flags.gateway_cores,
            busy: flags.busy,
        };
        let kept_orders_max = model::kept_orders_max();
        let reckoning = Reckoning { peak: &peak, figures: &MEASURED, kept_orders_max };
        let (needs, limits) = (reckoning.needs(), reckoning.limits());
        let cost = prices.and_then(|prices| prices.cost(&peak, &needs, flags.hours));
        let fits = limits.iter().all(|limit| limit.bears >= peak.purchases);
        Self { peak, fits, needs, limits, cost, figures: MEASURED.all().to_vec() }
    }
}

pub(crate) fn run(flags: &PlanFlags) -> ExitCode {
    show(flags).unwrap_or_else(|fault| fail_as(COULD_NOT_RECKON, &fault))
}

fn show(flags: &PlanFlags) -> anyhow::Result<ExitCode> {
    let prices = flags.prices.as_deref().map(Prices::load).transpose()?;
    let plan = Plan::of(flags, prices.as_ref());
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer_pretty(&mut out, &plan)?;
        writeln!(out)?;
    } else {
        write!(out, "{plan}")?;
    }
    Ok(if plan.fits { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_FIT) })
}
