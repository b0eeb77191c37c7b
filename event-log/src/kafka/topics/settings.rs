//! The settings of a topic: what each has to be, and what happens otherwise. The same table makes
//! topics and judges them. Must not know how brokers are asked.

use super::TopicPlan;
use super::finding::Severity;
use crate::kafka::MESSAGE_BYTES_MAX;

pub(super) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// What one setting has to be.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// What a new topic gets.
    pub(super) value: String,
    /// Whether a larger number is as good.
    is_minimum: bool,
    /// How bad it is if it is otherwise.
    pub(super) severity: Severity,
    /// What happens then.
    pub(super) why: &'static str,
}

impl Rule {
    fn new(name: &'static str, value: impl Into<String>, why: &'static str) -> Self {
        Self { name, value: value.into(), is_minimum: false, severity: Severity::Fault, why }
    }

    fn at_least(self) -> Self {
        Self { is_minimum: true, ..self }
    }

    fn warns_if(self, is_mild: bool) -> Self {
        let severity = if is_mild { Severity::Warning } else { self.severity };
        Self { severity, ..self }
    }

    pub(super) fn holds_for(&self, found: &str) -> bool {
        if !self.is_minimum {
            return found == self.value;
        }
        let number = |text: &str| text.parse::<u64>().ok();
        number(found).is_some_and(|found| Some(found) >= number(&self.value))
    }
}

/// Every setting of a topic. Of one that is a copy only, limited retention is merely a pity.
pub(super) fn rules(plan: &TopicPlan, is_copy: bool) -> Vec<Rule> {
    let deleted = "its oldest records are deleted, and with them what they decided";
    let insync = plan.min_insync_replicas.to_string();
    let mut rules = vec![
        Rule::new("cleanup.policy", "delete", "compaction deletes records from the middle"),
        Rule::new("retention.ms", "-1", deleted).warns_if(is_copy),
        Rule::new("retention.bytes", "-1", deleted).warns_if(is_copy),
        Rule::new(
            "message.timestamp.type",
            "LogAppendTime",
            "the time of a record is what its sender claims",
        ),
        Rule::new(
            "max.message.bytes",
            MESSAGE_BYTES_MAX.to_string(),
            "the largest batches are refused",
        )
        .at_least(),
        Rule::new("compression.type", "producer", "the brokers compress every batch again")
            .warns_if(true),
        Rule::new(
            MIN_INSYNC_REPLICAS,
            insync,
            "a record counts as appended while too few brokers have it",
        )
        .at_least(),
    ];
    // With one replica there is nobody unclean who could be elected.
    if plan.replication_factor > 1 {
        rules.push(Rule::new(
            "unclean.leader.election.enable",
            "false",
            "a broker that missed records may become the leader, and they are lost",
        ));
    }
    rules
}
