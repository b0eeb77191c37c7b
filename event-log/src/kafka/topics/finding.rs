//! What is wrong with the topics, from what the brokers said of them. A function of its arguments;
//! must not know how brokers are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::TopicPlan;
use super::settings;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A promise of the log does not hold: do not start.
    Fault,
    /// It works, but somebody should look at it.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, with the name of the topic.
    pub sentence: String,
}

impl Finding {
    pub(super) fn fault(sentence: String) -> Self {
        Self { severity: Severity::Fault, sentence }
    }

    pub(super) fn warning(sentence: String) -> Self {
        Self { severity: Severity::Warning, sentence }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.sentence)
    }
}

/// How a topic lies on the brokers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) partitions: usize,
    /// Of the partition that has fewest.
    pub(super) replicas: usize,
    pub(super) without_leader: usize,
}

/// A topic as the brokers describe it.
#[derive(Clone, Debug)]
pub(super) struct TopicState {
    pub(super) topic: String,
    /// Nothing if there is no such topic.
    pub(super) layout: Option<Layout>,
    /// By name, or why they are not known.
    pub(super) settings: Result<BTreeMap<String, String>, String>,
    /// Whether what it says can be made again from another topic.
    pub(super) is_copy: bool,
}

/// Everything that is wrong, in the order of the topics.
pub(super) fn findings(plan: &TopicPlan, states: &[TopicState]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for state in states {
        match &state.layout {
            None => {
                let topic = &state.topic;
                findings.push(Finding::fault(format!("there is no topic {topic}")));
            }
            Some(layout) => {
                check_layout(plan, state, layout, &mut findings);
                check_settings(plan, state, layout, &mut findings);
            }
        }
    }
    let counted = || states.iter().filter_map(|state| Some((&state.topic, state.layout?)));
    let counts: BTreeSet<usize> = counted().map(|(_, layout)| layout.partitions).collect();
    if counts.len() > 1 {
        let told: Vec<_> =
            counted().map(|(topic, layout)| format!("{topic} {}", layout.partitions)).collect();
        findings.push(Finding::fault(format!(
            "the topics have different numbers of partitions: {}",
            told.join(", ")
        )));
    }
    findings
}

fn check_layout(plan: &TopicPlan, state: &TopicState, layout: &Layout, into: &mut Vec<Finding>) {
    let topic = &state.topic;
    let Layout { partitions, replicas, without_leader } = *layout;
    if partitions != usize::from(plan.partitions) {
        let planned = plan.partitions;
        into.push(Finding::warning(format!(
            "{topic} has {partitions} partitions instead of {planned}; they stay as they are, for \
             another number would break the order of every product"
        )));
    }
    let planned = plan.replication_factor;
    if replicas < usize::from(planned) {
        into.push(Finding::fault(format!(
            "{topic} has partitions with {replicas} of {planned} replicas: losing a broker could \
             lose records"
        )));
    }
    if without_leader > 0 {
        into.push(Finding::warning(format!(
            "{topic} has {without_leader} partitions without a leader at present"
        )));
    }
}

fn check_settings(plan: &TopicPlan, state: &TopicState, layout: &Layout, into: &mut Vec<Finding>) {
    let topic = &state.topic;
    let found = match &state.settings {
        Ok(found) => found,
        Err(reason) => {
            into.push(Finding::warning(format!("the settings of {topic} are unknown: {reason}")));
            return;
        }
    };
    for rule in settings::rules(plan, state.is_copy) {
        let value = found.get(rule.name).map_or("", String::as_str);
        if !rule.holds_for(value) {
            let (name, planned, why) = (rule.name, &rule.value, rule.why);
            let sentence = format!("{topic} has {name}={value} instead of {planned}: {why}");
            into.push(Finding { severity: rule.severity, sentence });
        }
    }
    let insync =
        found.get(settings::MIN_INSYNC_REPLICAS).and_then(|value| value.parse::<usize>().ok());
    if let Some(insync) = insync
        && insync > layout.replicas
    {
        let replicas = layout.replicas;
        into.push(Finding::fault(format!(
            "{topic} wants {insync} in-sync replicas and has {replicas}: nothing can be appended"
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::super::TopicPlan;
    use super::super::settings;
    use super::{Layout, Severity, TopicState, findings};

    fn as_planned(plan: &TopicPlan, topic: &str) -> TopicState {
        let settings = settings::rules(plan, false).into_iter();
        TopicState {
            topic: topic.to_owned(),
            layout: Some(Layout {
                partitions: usize::from(plan.partitions),
                replicas: usize::from(plan.replication_factor),
                without_leader: 0,
            }),
            settings: Ok(settings.map(|rule| (rule.name.to_owned(), rule.value)).collect()),
            is_copy: false,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut TopicState), expected: &[(Severity, &str)]) {
        let plan = TopicPlan::production();
        let mut states = [as_planned(&plan, "a"), as_planned(&plan, "b")];
        change(&mut states[0]);
        let found = findings(&plan, &states);
        let found: Vec<_> =
            found.iter().map(|finding| (finding.severity, finding.sentence.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn topics_that_are_as_planned_are_not_complained_of() {
        check(|_| {}, &[]);
    }

    #[test]
    fn how_a_topic_lies_on_the_brokers_is_judged() {
        check(|topic| topic.layout = None, &[(Severity::Fault, "there is no topic a")]);
        let layout = |partitions, replicas, without_leader| {
            move |topic: &mut TopicState| {
                topic.layout = Some(Layout { partitions, replicas, without_leader });
            }
        };
        check(
            layout(8, 3, 0),
            &[
                (
                    Severity::Warning,
                    "a has 8 partitions instead of 64; they stay as they are, for another number \
                     would break the order of every product",
                ),
                (Severity::Fault, "the topics have different numbers of partitions: a 8, b 64"),
            ],
        );
        check(
            layout(64, 1, 2),
            &[
                (
                    Severity::Fault,
                    "a has partitions with 1 of 3 replicas: losing a broker could lose records",
                ),
                (Severity::Warning, "a has 2 partitions without a leader at present"),
                (Severity::Fault, "a wants 2 in-sync replicas and has 1: nothing can be appended"),
            ],
        );
    }

    #[test]
    fn settings_that_nobody_may_read_are_said_to_be_unknown() {
        check(
            |topic| topic.settings = Err("not allowed".to_owned()),
            &[(Severity::Warning, "the settings of a are unknown: not allowed")],
        );
    }
}
