//! What an exploration has found so far, in the order of its histories.

use std::collections::{BTreeMap, HashSet};

use super::gap::Gap;
use super::levels::Effect;
use super::plan::Plan;
use super::report::Report;
use super::run::Ended;
use super::summary::Summary;

/// What a run has found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) report: Report,
    pub(super) traces: HashSet<u64>,
    /// The first, with its number among the histories.
    pub(super) violation: Option<(usize, Plan, Ended)>,
    /// How many of the last plans count.
    carried_out: usize,
}

/// Histories that are carried out together, on several threads, in no order.
pub(super) struct Batch {
    /// The number of histories before this batch.
    before: usize,
    summaries: Vec<Option<Summary>>,
    effects: Option<Vec<Vec<Effect>>>,
    done: usize,
    violation: Option<(usize, Plan, Ended)>,
    /// The first history with each gap, in words.
    gaps: BTreeMap<Gap, (usize, String)>,
}

impl Batch {
    /// Takes what became of a plan. Says how many are done.
    pub(super) fn add(&mut self, index: usize, plan: &Plan, ended: Ended) -> usize {
        if let Some(effects) = self.effects.as_mut().and_then(|effects| effects.get_mut(index)) {
            *effects = ended.trace.effects();
        }
        for gap in &ended.gaps {
            if self.gaps.get(gap).is_none_or(|(first, _)| index < *first) {
                let history = format!("{}replay: \"{plan}\"", ended.trace);
                self.gaps.insert(*gap, (index, history));
            }
        }
        if let Some(summary) = self.summaries.get_mut(index) {
            *summary = Some(Summary {
                digest: ended.trace.digest(),
                struck: ended.trace.struck().collect(),
                gaps: ended.gaps.iter().copied().collect(),
                logs: ended.logs,
            });
        }
        let first = self.violation.as_ref().is_none_or(|(first, ..)| index < *first);
        if ended.broken.is_some() && first {
            self.violation = Some((index, plan.clone(), ended));
        }
        self.done += 1;
        self.before + self.done
    }
}

impl Found {
    pub(super) fn batch(&self, plans: usize, effects: bool) -> Batch {
        Batch {
            before: self.report.histories(),
            summaries: (0..plans).map(|_| None).collect(),
            effects: effects.then(|| vec![Vec::new(); plans]),
            done: 0,
            violation: None,
            gaps: BTreeMap::new(),
        }
    }

    /// How many of the last plans count: all, or those up to the violation.
    pub(super) fn carried_out(&self) -> usize {
        self.carried_out
    }

    /// Adds the histories in their order, up to the first violation. What the other threads did beyond it is left
    /// out, so that the same plans give the same report.
    pub(super) fn take(&mut self, batch: Batch) -> Vec<Vec<Effect>> {
        let before = self.report.histories();
        let end = batch.violation.as_ref().map_or(usize::MAX, |(index, ..)| *index);
        for summary in batch.summaries.iter().take(end.saturating_add(1)).flatten() {
            self.traces.insert(summary.digest);
            self.report.add(summary);
        }
        for (gap, (index, history)) in batch.gaps {
            if index <= end {
                self.report.show(gap, history);
            }
        }
        self.carried_out = self.report.histories() - before;
        self.violation = batch.violation;
        batch.effects.unwrap_or_default()
    }
}
