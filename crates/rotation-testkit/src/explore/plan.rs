//! What a history consists of: which faults strike where, and what else happens.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rotation_core::{RandomSource, Step};
use rotation_simulator::model::AfterRelease;
use rotation_simulator::{Fault, SeededRandom};

use super::twist::{AFTER_RELEASE, Act, Can, Delivery, Twist};

/// One history, as it is planned. Its text is what [`replay`](super::Explorer::replay) takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Plan {
    pub(super) twist: Twist,
    /// Another that comes with it.
    pub(super) also: Option<Twist>,
    /// By the number of the effect, counted from 1 since the rotation began.
    pub(super) faults: Vec<(usize, Fault)>,
}

/// Numbers from a seed.
pub(super) struct Dice(SeededRandom);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    fn pick<T: Copy>(&self, among: &[T], otherwise: T) -> T {
        among.get(self.up_to(among.len())).copied().unwrap_or(otherwise)
    }

    /// Less than `end`; 0 if that is 0.
    fn up_to(&self, end: usize) -> usize {
        let mut bytes = [0; 4];
        // A seeded source is never out of randomness.
        _ = self.0.fill(&mut bytes);
        let number = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or_default();
        number.checked_rem(end).unwrap_or_default()
    }

    fn step(&self) -> Step {
        self.pick(&Step::ALL, Step::CreateSecret)
    }
}

impl Twist {
    fn random(random: &Dice, effects: usize, can: Can) -> Self {
        let before = random.up_to(effects) + 1;
        match random.up_to(if can.reject { 10 } else { 9 }) {
            0 => Self::ReplayLater,
            1 => Self::ReplayAtOnce,
            2 => Self::NewToken,
            3 | 4 => Self::Deliver {
                what: match random.up_to(3) {
                    0 => Delivery::Same,
                    1 => Delivery::Done(random.step()),
                    _ => Delivery::Late(random.step()),
                },
                before,
                effects: random.up_to(9) + 1,
            },
            5 => Self::Straggler {
                before,
                effects: random.up_to(effects),
            },
            8 => Self::DryRun,
            9 => Self::Rejecting(random.pick(&AFTER_RELEASE, AfterRelease::Drop)),
            _ => Self::Operator {
                act: random.pick(&can.acts(), Act::Write),
                before,
            },
        }
    }
}

impl Plan {
    /// A history with this twist alone.
    pub(super) fn of(twist: Twist) -> Self {
        Self {
            twist,
            also: None,
            faults: Vec::new(),
        }
    }

    /// The same with one fault more.
    pub(super) fn and(&self, number: usize, fault: Fault) -> Self {
        let mut more = self.clone();
        more.faults.push((number, fault));
        more
    }

    pub(super) fn twists(&self) -> impl Iterator<Item = Twist> + use<> {
        [Some(self.twist), self.also].into_iter().flatten()
    }

    /// Whether one of its twists is such.
    pub(super) fn has(&self, such: impl Fn(Twist) -> bool) -> bool {
        self.twists().any(such)
    }

    /// Beyond the stated depth: three to six faults, anywhere; any twist, and in every third history two.
    pub(super) fn random(seed: u64, effects: usize, kinds: &[Fault], can: Can) -> Self {
        let dice = Dice::new(seed);
        let twist = Twist::random(&dice, effects, can);
        let wants_two = dice.up_to(3) == 0 && twist != Twist::DryRun;
        let mut others = (0..100).map(|_| Twist::random(&dice, effects, can));
        let also = others.find(|other| wants_two && twist.goes_with(*other));
        let mut faults = BTreeMap::new();
        let most = (3 + dice.up_to(4)).min(effects * 2);
        while faults.len() < most {
            let number = dice.up_to(effects * 2) + 1;
            faults
                .entry(number)
                .or_insert_with(|| dice.pick(kinds, Fault::CrashAfter));
        }
        let faults = faults.into_iter().collect();
        Self { twist, also, faults }
    }

    /// The plans that are smaller by one thing.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut plans: Vec<_> = (0..self.faults.len())
            .map(|index| {
                let mut faults = self.faults.clone();
                faults.remove(index);
                Self {
                    faults,
                    ..self.clone()
                }
            })
            .collect();
        let with = |twist| Self {
            faults: self.faults.clone(),
            ..Self::of(twist)
        };
        if let Some(also) = self.also {
            plans.extend([with(self.twist), with(also)]);
        } else if self.twist != Twist::ReplayLater {
            plans.extend([with(Twist::ReplayLater), with(Twist::NewToken)]);
        }
        plans.retain(|plan| plan != self);
        plans
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.twist)?;
        if let Some(also) = self.also {
            write!(f, "+{also}")?;
        }
        for (number, fault) in &self.faults {
            write!(f, " {number}:{fault:?}")?;
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let mut twists = words.next().unwrap_or_default().splitn(2, '+');
        let twist = twists.next().unwrap_or_default().parse()?;
        let also = twists.next().map(str::parse).transpose()?;
        let faults = words.map(parse_fault).collect::<Result<_, _>>()?;
        Ok(Self { twist, also, faults })
    }
}

fn parse_fault(word: &str) -> Result<(usize, Fault), String> {
    let parse = |(number, name): (&str, &str)| {
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| format!("{fault:?}") == name)?;
        Some((number.parse().ok()?, fault))
    };
    word.split_once(':')
        .and_then(parse)
        .ok_or_else(|| format!("'{word}' is not a fault; one is written 7:CrashAfter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_reads_back_from_its_text() {
        let effects = vec![vec![String::new(); 3]; 4];
        let can = Can {
            reject: true,
            breaks: true,
        };
        for twist in Twist::all(&effects, can) {
            let plan = Plan::of(twist).and(1, Fault::CrashAfter).and(12, Fault::Hang);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
        for seed in 0..500 {
            let plan = Plan::random(seed, 20, &Fault::ALL, can);
            assert!((3..=6).contains(&plan.faults.len()), "{plan}");
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }

    #[test]
    fn what_is_no_plan_is_named() {
        for (text, word) in [
            ("", "''"),
            ("replay-never", "'replay-never'"),
            ("deliver@1/2/done-noStep", "'deliver@1/2/done-noStep'"),
            ("new-token+sometimes", "'sometimes'"),
            ("new-token 7:Explode", "'7:Explode'"),
            ("new-token x:Hang", "'x:Hang'"),
        ] {
            assert!(text.parse::<Plan>().unwrap_err().contains(word), "{text}");
        }
    }
}
