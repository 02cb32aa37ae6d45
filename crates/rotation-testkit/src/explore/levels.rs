//! Which histories are tried, level by level: each level has one fault more.

use rotation_simulator::Fault;

use super::plan::Plan;

/// If the plans are too many: those whose twist has no place, and every so manieth of the others. And how
/// many there were.
pub(super) fn share(plans: Vec<Plan>, most: usize) -> (usize, Vec<Plan>) {
    let planned = plans.len();
    if planned <= most {
        return (planned, plans);
    }
    let (mut simple, placed): (Vec<_>, Vec<_>) =
        plans.into_iter().partition(|plan| !plan.twist.has_a_place());
    if simple.len() >= most {
        return (planned, every(simple, most));
    }
    simple.extend(every(placed, most - simple.len()));
    (planned, simple)
}

/// The plans with one fault more: at each effect after the last fault's, of each kind.
pub(super) fn deeper(plans: &[Plan], effects: &[Vec<bool>], kinds: &[Fault]) -> Vec<Plan> {
    let mut deeper = Vec::new();
    for (plan, effects) in plans.iter().zip(effects) {
        let done = plan.faults.last().map_or(0, |(number, _)| *number);
        for (number, reads) in (1..).zip(effects).skip(done) {
            let kinds = kinds.iter().copied();
            for fault in kinds.filter(|fault| *reads || *fault != Fault::Stale) {
                let mut faults = plan.faults.clone();
                faults.push((number, fault));
                deeper.push(Plan {
                    twist: plan.twist,
                    faults,
                });
            }
        }
    }
    deeper
}

/// So many of the plans, evenly.
fn every(plans: Vec<Plan>, most: usize) -> Vec<Plan> {
    let (all, mut taken) = (plans.len(), 0);
    let mut index = 0;
    let mut plans = plans;
    plans.retain(|_| {
        let takes = taken < most && index * most >= taken * all;
        taken += usize::from(takes);
        index += 1;
        takes
    });
    plans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::twist::Twist;

    #[test]
    fn a_share_is_even_and_full() {
        let plans: Vec<_> = (1..=10)
            .map(|number| Plan {
                twist: Twist::ReplayLater,
                faults: vec![(number, Fault::Hang)],
            })
            .collect();
        for (most, numbers) in [
            (1, vec![1]),
            (4, vec![1, 4, 6, 9]),
            (9, vec![1, 3, 4, 5, 6, 7, 8, 9, 10]),
        ] {
            let share = every(plans.clone(), most);
            let share: Vec<_> = share.iter().map(|plan| plan.faults[0].0).collect();
            assert_eq!(share, numbers);
        }
    }
}
