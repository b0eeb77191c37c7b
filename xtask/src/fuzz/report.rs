//! What libFuzzer says of a run, read from its output. Must not know what was run.

/// Begins the line that names the file of an input that failed.
const KEPT: &str = "Test unit written to ";

/// Figures of one run; 0 is what was not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    executions: u64,
    /// Blocks of code that were reached.
    coverage: u64,
    /// Blocks by how often each was reached, and values that were compared.
    features: u64,
    /// Seconds that the slowest input took, rounded down.
    slowest_seconds: u64,
    memory_megabytes: u64,
}

impl Report {
    /// Stands above the rows.
    pub(super) const HEADING: &str =
        "target            executions  coverage  features  slowest unit    memory";

    /// Looks for the last of each figure.
    pub(super) fn read(output: &str) -> Self {
        let after = |text: &str| {
            let (_, rest) = output.rsplit_once(text)?;
            rest.split_whitespace().next()?.parse().ok()
        };
        let figure = |text| after(text).unwrap_or_default();
        Self {
            executions: figure("stat::number_of_executed_units:"),
            coverage: figure(" cov: "),
            features: figure(" ft: "),
            slowest_seconds: figure("stat::slowest_unit_time_sec:"),
            memory_megabytes: figure("stat::peak_rss_mb:"),
        }
    }

    /// A line below the heading.
    pub(super) fn row(self, target: &str) -> String {
        let Self { executions, coverage, features, slowest_seconds, memory_megabytes } = self;
        format!(
            "{target:<18}{executions:>10}{coverage:>10}{features:>10}\
             {slowest_seconds:>12} s{memory_megabytes:>7} MB"
        )
    }
}

/// The file with the input that failed, if there is one.
pub(super) fn kept_input(output: &str) -> Option<&str> {
    let (_, name) = output.lines().find_map(|line| line.split_once(KEPT))?;
    Some(name.trim().trim_start_matches("./"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a run, word for word.
    const DONE: &str = "\
#524288\tpulse  cov: 80 ft: 120 corp: 33/1Kb lim: 4096 exec/s: 262144 rss: 41Mb
#771200\tDONE   cov: 81 ft: 123 corp: 36/2Kb lim: 6500 exec/s: 257066 rss: 44Mb
Done 771200 runs in 3 second(s)
stat::number_of_executed_units: 771200
stat::average_exec_per_sec:     257066
stat::new_units_added:          35
stat::slowest_unit_time_sec:    1
stat::peak_rss_mb:              45
";

    #[test]
    fn the_last_figures_of_a_run_are_shown_in_a_row() {
        let row = Report::read(DONE).row("durations");
        let figures: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(figures, ["durations", "771200", "81", "123", "1", "s", "45", "MB"]);
        assert_eq!(row.len(), Report::HEADING.len());
        assert_eq!(Report::read("it never began"), Report::default());
    }

    #[test]
    fn the_input_of_a_finding_is_found_by_name() {
        let said = "panicked\nartifact_prefix='./'; Test unit written to ./crash-da39\nBase64: ";
        assert_eq!(kept_input(said), Some("crash-da39"));
        assert_eq!(kept_input(DONE), None);
    }
}
