//! Tables and charts of how cost grows.

use std::time::Duration;

use super::{Cost, Family, Size};

/// A table for each family, and a chart of what an order costs.
pub(super) fn tables(families: &[Family]) -> String {
    families.iter().map(|family| table(family) + &chart(family)).collect()
}

fn table(Family { title, costs, .. }: &Family) -> String {
    let mut text = format!(
        "### {title}\n\n| purchases | deals | partitions | decided, s | projected, s \
         | CPU each, µs | memory, MiB | log, B each | rows, B each | snapshots, MiB \
         | start, s (taking over, s) | without snapshot |\n{}\n",
        "| ---: ".repeat(12) + "|"
    );
    for (size, cost) in costs {
        let Size { purchases, deals, partitions } = size;
        let start = |it: super::Start| {
            format!("{:.2} ({:.3})", it.ready.as_secs_f64(), it.takeover_seconds)
        };
        let row = [
            purchases.to_string(),
            deals.to_string(),
            partitions.to_string(),
            seconds(cost.decided),
            seconds(cost.projected),
            format!("{:.1}", cost.cpu_seconds * 1e6 / float(*purchases)),
            format!("{:.0}", (cost.memory_kib - cost.memory_empty_kib) / 1_024.0),
            format!("{:.0}", float(cost.log_bytes) / float(*purchases)),
            format!("{:.0}", float(cost.rows_bytes) / float(*purchases)),
            format!("{:.1}", float(cost.snapshot_bytes) / f64::from(1 << 20)),
            start(cost.start),
            start(cost.start_without_snapshot),
        ];
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text.push('\n');
    text
}

fn chart(Family { title, grows, costs }: &Family) -> String {
    let of = |value: fn(&Size, &Cost) -> f64| {
        let values = costs.iter().map(|(size, cost)| format!("{:.1}", value(size, cost)));
        values.collect::<Vec<_>>().join(", ")
    };
    let names: Vec<String> = costs.iter().map(|(size, _)| grows(size).to_string()).collect();
    format!(
        "```mermaid\nxychart-beta\n  \
         title \"{title}: µs of processor, and of time, for each order\"\n  \
         x-axis [{}]\n  y-axis \"µs\"\n  line [{}]\n  line [{}]\n```\n\n",
        names.join(", "),
        of(|size, cost| cost.cpu_seconds * 1e6 / float(size.purchases)),
        of(|size, cost| cost.projected.as_secs_f64() * 1e6 / float(size.purchases)),
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_for_each_order() {
        let size = Size { purchases: 1_000, deals: 1, partitions: 1 };
        let cost = Cost { cpu_seconds: 0.02, log_bytes: 700_000, ..Cost::default() };
        let title = "Orders of one deal";
        let family = Family { title, grows: |size| size.purchases, costs: vec![(size, cost)] };
        let text = tables(&[family]);
        assert!(text.contains("| 1000 | 1 | 1 | 0.00 | 0.00 | 20.0 | 0 | 700 | 0 |"), "{text}");
        assert!(text.contains("x-axis [1000]\n  y-axis \"µs\"\n  line [20.0]"), "{text}");
    }
}
