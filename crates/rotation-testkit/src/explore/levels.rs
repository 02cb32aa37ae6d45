//! Which histories are tried, level by level: each level has one fault more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rotation_core::Step;
use rotation_simulator::Fault;

use super::plan::Plan;
use super::twist::Twist;

/// One effect of a history: what a fault may strike.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Effect {
    pub(super) step: Step,
    pub(super) name: Arc<str>,
    /// Which of this name it is in its invocation.
    pub(super) nth: usize,
}

/// The histories of one level.
pub(super) struct Level {
    plans: Vec<Plan>,
    /// Of each plan, by number: its kind. Histories of one kind are alike in the effects that their faults strike, in
    /// the faults and in the twist, but not in where the twist comes.
    strata: Vec<usize>,
    /// How many strata there are.
    kinds: usize,
    /// Of each plan, by number: the step and the fault alone.
    faults: Vec<usize>,
    /// How many histories the level has. More than there are plans if those were derived from a share.
    whole: usize,
    counted: bool,
}

/// The histories of a level that are carried out.
pub(super) struct Share {
    pub(super) plans: Vec<Plan>,
    /// How many the level has.
    pub(super) whole: usize,
    /// Whether that was counted, or extrapolated from a share of the level before.
    pub(super) counted: bool,
    /// How many kinds of history there are, each with its step, its effect, its fault and its twist, and how many of
    /// them are in the share.
    pub(super) kinds: usize,
    pub(super) met: usize,
}

impl Level {
    /// The histories without a fault.
    pub(super) fn first(twists: impl IntoIterator<Item = Twist>, step_of: impl Fn(usize) -> Step) -> Self {
        let mut numbers = Numbers::default();
        let (plans, strata): (Vec<_>, Vec<_>) = twists
            .into_iter()
            .map(|twist| {
                let step = twist.before().map(&step_of);
                (Plan::of(twist), numbers.of((twist.kind(), step)))
            })
            .unzip();
        Self {
            whole: plans.len(),
            counted: true,
            faults: vec![0; plans.len()],
            plans,
            strata,
            kinds: numbers.count(),
        }
    }

    /// The histories with one fault more than those of a share: at each effect after the last fault's, of each kind.
    pub(super) fn deeper(share: &Share, effects: &[Vec<Effect>], kinds: &[Fault]) -> Self {
        let (mut numbers, mut faults) = (Numbers::default(), Numbers::default());
        let (mut plans, mut strata, mut by_fault) = (Vec::new(), Vec::new(), Vec::new());
        for (plan, effects) in share.plans.iter().zip(effects) {
            let twist = plan.twist.kind();
            let before: Vec<Fault> = plan.faults.iter().map(|(_, fault)| *fault).collect();
            let done = plan.faults.last().map_or(0, |(number, _)| *number);
            for (number, effect) in (1..).zip(effects).skip(done) {
                let kinds = kinds.iter().copied();
                for fault in kinds.filter(|fault| fault.can_strike(&effect.name)) {
                    plans.push(plan.and(number, fault));
                    strata.push(numbers.of((twist.clone(), before.clone(), effect.clone(), fault)));
                    by_fault.push(faults.of((effect.step, fault)));
                }
            }
        }
        let whole = match share.plans.len() {
            0 => 0,
            explored => plans.len() * share.whole / explored,
        };
        Self {
            plans,
            strata,
            kinds: numbers.count(),
            faults: by_fault,
            whole,
            counted: share.counted && share.plans.len() == share.whole,
        }
    }

    /// At most so many of the level's histories: one with each fault in each step, one of each kind, and then others,
    /// evenly.
    pub(super) fn share(self, most: usize) -> Share {
        let Self {
            plans,
            strata,
            kinds,
            faults,
            whole,
            counted,
        } = self;
        let chosen = choose(&[&faults, &strata], most);
        let mut met = vec![false; kinds];
        for (chosen, stratum) in chosen.iter().zip(&strata) {
            if let Some(met) = met.get_mut(*stratum) {
                *met |= *chosen;
            }
        }
        let plans = plans.into_iter().zip(chosen);
        Share {
            plans: plans
                .filter_map(|(plan, chosen)| chosen.then_some(plan))
                .collect(),
            whole,
            counted,
            kinds,
            met: met.into_iter().filter(|met| *met).count(),
        }
    }
}

/// Which are taken, at most so many: one of each group, in one way of grouping after another, and others evenly. It is
/// not always the first of its group.
fn choose(groupings: &[&[usize]], most: usize) -> Vec<bool> {
    let count = groupings.first().map_or(0, |groups| groups.len());
    let mut chosen = vec![false; count];
    let mut left = most;
    for groups in groupings {
        let taken = evenly(one_of_each(groups, &chosen), left);
        left -= taken.len();
        take(&mut chosen, taken);
    }
    let others = (0..count).filter(|index| chosen.get(*index) == Some(&false));
    let others = evenly(others.collect(), left);
    take(&mut chosen, others);
    chosen
}

/// One of each group of which none is chosen yet.
fn one_of_each(groups: &[usize], chosen: &[bool]) -> Vec<usize> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut met = BTreeSet::new();
    for (index, (group, chosen)) in groups.iter().zip(chosen).enumerate() {
        members.entry(*group).or_default().push(index);
        if *chosen {
            met.insert(*group);
        }
    }
    let open = members.into_iter().filter(|(group, _)| !met.contains(group));
    let one = open.filter_map(|(group, members)| {
        // A number without a rhythm of its own, so that places differ from group to group.
        members
            .get((group * 7919 + 1).checked_rem(members.len())?)
            .copied()
    });
    one.collect()
}

fn take(chosen: &mut [bool], indices: Vec<usize>) {
    for index in indices {
        if let Some(chosen) = chosen.get_mut(index) {
            *chosen = true;
        }
    }
}

/// So many of these, evenly.
fn evenly(mut all: Vec<usize>, most: usize) -> Vec<usize> {
    let count = all.len();
    if most >= count {
        return all;
    }
    let (mut taken, mut index) = (0, 0);
    all.retain(|_| {
        let takes = taken < most && index * most >= taken * count;
        taken += usize::from(takes);
        index += 1;
        takes
    });
    all
}

/// Numbers for keys, in the order in which they come.
struct Numbers<K>(HashMap<K, usize>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + std::hash::Hash> Numbers<K> {
    fn of(&mut self, key: K) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_even_and_full() {
        for (most, numbers) in [
            (1, vec![0]),
            (4, vec![0, 3, 5, 8]),
            (9, vec![0, 2, 3, 4, 5, 6, 7, 8, 9]),
            (20, (0..10).collect()),
        ] {
            assert_eq!(evenly((0..10).collect(), most), numbers);
        }
    }

    #[test]
    fn a_share_has_each_kind_of_history_first() {
        // Three kinds: seven, two, one.
        let strata = [0, 0, 0, 0, 1, 0, 0, 1, 2, 0];
        for most in 1..=12 {
            let chosen = choose(&[&[0; 10], &strata], most);
            let taken: Vec<_> = (0..10).filter(|index| chosen[*index]).collect();
            assert_eq!(taken.len(), most.min(10), "{most}: {taken:?}");
            let met = (0..3).filter(|kind| taken.iter().any(|index| strata[*index] == *kind));
            assert_eq!(met.count(), most.min(3), "{most}: {taken:?}");
        }
    }

    #[test]
    fn the_whole_level_is_counted_or_extrapolated() {
        let twists = [
            Twist::ReplayLater,
            Twist::NewToken,
            Twist::ReplayAtOnce,
            Twist::DryRun,
        ];
        let effect = |name: &str| Effect {
            step: Step::CreateSecret,
            name: name.into(),
            nth: 1,
        };
        let effects = vec![vec![effect("GetSecretValue"), effect("POST /keys")]; 4];
        let kinds = [Fault::CrashAfter, Fault::Stale];
        for (most, whole, counted) in [(4, 12, true), (2, 12, false)] {
            let share = Level::first(twists, |_| Step::CreateSecret).share(most);
            assert_eq!(
                (share.whole, share.counted, share.kinds, share.met),
                (4, true, 4, most)
            );
            // A write cannot be stale: three faults for each twist.
            let share = Level::deeper(&share, &effects, &kinds).share(100);
            assert_eq!(
                (share.whole, share.counted, share.plans.len()),
                (whole, counted, 3 * most)
            );
        }
    }
}
