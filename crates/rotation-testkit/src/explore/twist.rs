//! What happens in a history beside the faults.

use std::fmt;
use std::str::FromStr;

use rotation_core::Step;
use rotation_simulator::model::AfterRelease;

/// What happens beside the faults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Twist {
    /// The service replays a failed rotation in an hour: whoever made an orphan is then out of time.
    ReplayLater,
    /// It replays in a second: the maker may still be at work.
    ReplayAtOnce,
    /// After the first failure an operator gives the rotation up and starts another.
    NewToken,
    /// Before this effect of the invocation under way another is delivered, which does so many effects
    /// before the first goes on, and the rest afterwards.
    Deliver {
        what: Delivery,
        before: usize,
        effects: usize,
    },
    /// The invocation under way stops before this effect. An operator gives the rotation up and starts
    /// another, and when that has had so many effects, the first goes on.
    Straggler { before: usize, effects: usize },
    /// Before this effect an operator does something.
    Operator { act: Act, before: usize },
    /// The target rejects each new credential for good until a step has failed.
    Rejecting(AfterRelease),
    /// What is disturbed is a dry run, which invokes testSecret alone; a rotation follows.
    DryRun,
}

/// Which event is delivered once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Delivery {
    /// The one of the invocation under way.
    Same,
    /// This step's of the same rotation, which was done before.
    Done(Step),
    /// This step's of the rotation before, late.
    Late(Step),
}

/// What an operator does while an invocation is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    /// Stores the current credential once more, with a note beside it: another version is current.
    Write,
    /// Turns rotation off.
    Cancel,
    /// Turns rotation off, takes `AWSPENDING` away, and rotates again.
    StartAnew,
    /// Goes back to the version before, if its credential works.
    GoBack,
    /// Asks for no grace.
    EndGrace,
    /// Stores a value that does not work, and goes back to the version before when the rotation has come to nothing.
    Break,
}

impl Act {
    pub(super) const ALL: [Self; 6] = [
        Self::Write,
        Self::Cancel,
        Self::StartAnew,
        Self::GoBack,
        Self::EndGrace,
        Self::Break,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Cancel => "cancel",
            Self::StartAnew => "start-anew",
            Self::GoBack => "go-back",
            Self::EndGrace => "end-grace",
            Self::Break => "break",
        }
    }
}

pub(super) const SIMPLE: [Twist; 4] = [
    Twist::ReplayLater,
    Twist::ReplayAtOnce,
    Twist::NewToken,
    Twist::DryRun,
];

pub(super) const AFTER_RELEASE: [AfterRelease; 3] = [
    AfterRelease::Drop,
    AfterRelease::InvokeAnyway,
    AfterRelease::StartAnew,
];

/// What a double can do beside the backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Can {
    /// Reject a credential for good.
    pub(crate) reject: bool,
    /// Make up one that does not work.
    pub(crate) breaks: bool,
}

impl Can {
    /// The acts of an operator that it allows.
    pub(super) fn acts(self) -> Vec<Act> {
        let allowed = |act: &Act| self.breaks || *act != Act::Break;
        Act::ALL.into_iter().filter(allowed).collect()
    }
}

impl Twist {
    /// Every twist that a rotation whose steps have these effects can take, with a double that can do this.
    pub(super) fn all(effects: &[Vec<String>], can: Can) -> Vec<Self> {
        let mut twists = SIMPLE.to_vec();
        let mut before = 0;
        let total: usize = effects.iter().map(Vec::len).sum();
        for (index, step) in effects.iter().enumerate() {
            for at in before + 1..=before + step.len() {
                twists.extend(deliveries(index).flat_map(|what| {
                    let most = effects.get(what.step_or(index)).map_or(0, Vec::len);
                    (1..=most).map(move |effects| Self::Deliver {
                        what,
                        before: at,
                        effects,
                    })
                }));
                let acts = can.acts().into_iter();
                twists.extend(acts.map(|act| Self::Operator { act, before: at }));
                twists.extend((0..=total).map(|effects| Self::Straggler { before: at, effects }));
            }
            before += step.len();
        }
        if can.reject {
            twists.extend(AFTER_RELEASE.map(Self::Rejecting));
        }
        twists
    }

    /// Whether it comes at some effect, so that there are many of its kind.
    pub(super) fn has_a_place(self) -> bool {
        !matches!(
            self,
            Self::ReplayLater | Self::ReplayAtOnce | Self::NewToken | Self::DryRun | Self::Rejecting(_)
        )
    }

    /// The effect before which it comes, if it has a place.
    pub(super) fn before(self) -> Option<usize> {
        match self {
            Self::Deliver { before, .. } | Self::Straggler { before, .. } | Self::Operator { before, .. } => {
                Some(before)
            }
            _ => None,
        }
    }

    /// What it is, wherever it comes: `deliver/same`.
    pub(super) fn kind(self) -> String {
        match self {
            Self::Deliver { what, .. } => format!("deliver/{what}"),
            Self::Straggler { .. } => "straggler".to_owned(),
            Self::Operator { act, .. } => format!("operator/{}", act.as_str()),
            simple => simple.to_string(),
        }
    }

    /// Whether both can be in one history: there is one invocation that stands still, one rejecting target, one manner
    /// in which failures are answered, and one broken value from which there is a way back.
    pub(super) fn goes_with(self, other: Self) -> bool {
        let alone = |twist| matches!(twist, Self::DryRun);
        let same = match (self, other) {
            (Self::Straggler { .. }, Self::Straggler { .. })
            | (Self::Operator { act: Act::Break, .. }, Self::Operator { act: Act::Break, .. }) => true,
            (one, other) => !one.has_a_place() && !other.has_a_place(),
        };
        !same && !alone(self) && !alone(other)
    }
}

/// What may be delivered while this step is under way: the same, a step of this rotation that is done, each step
/// of the rotation before.
fn deliveries(under_way: usize) -> impl Iterator<Item = Delivery> {
    let done = Step::ALL.into_iter().take(under_way).map(Delivery::Done);
    let late = Step::ALL.map(Delivery::Late);
    [Delivery::Same].into_iter().chain(done).chain(late)
}

impl Delivery {
    fn step_or(self, under_way: usize) -> usize {
        match self {
            Self::Same => under_way,
            Self::Done(step) | Self::Late(step) => step as usize,
        }
    }
}

impl fmt::Display for Twist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReplayLater => f.write_str("replay-later"),
            Self::ReplayAtOnce => f.write_str("replay-at-once"),
            Self::NewToken => f.write_str("new-token"),
            Self::Deliver {
                what,
                before,
                effects,
            } => write!(f, "deliver@{before}/{effects}/{what}"),
            Self::Straggler { before, effects } => write!(f, "straggler@{before}/{effects}"),
            Self::Operator { act, before } => write!(f, "operator@{before}/{}", act.as_str()),
            Self::Rejecting(after) => write!(f, "rejecting/{after:?}"),
            Self::DryRun => f.write_str("dry-run"),
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Done(step) => write!(f, "done-{}", step.as_str()),
            Self::Late(step) => write!(f, "late-{}", step.as_str()),
        }
    }
}

impl FromStr for Twist {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        parse(word).ok_or_else(|| format!("'{word}' is not a twist of a history"))
    }
}

fn parse(word: &str) -> Option<Twist> {
    if let Some(simple) = SIMPLE.into_iter().find(|simple| simple.to_string() == word) {
        return Some(simple);
    }
    let rejecting = AFTER_RELEASE.map(Twist::Rejecting);
    if let Some(twist) = rejecting.into_iter().find(|twist| twist.to_string() == word) {
        return Some(twist);
    }
    let (name, place) = word.split_once('@')?;
    let mut parts = place.split('/');
    let before = parts.next()?.parse().ok()?;
    let second = parts.next()?;
    match name {
        "straggler" => Some(Twist::Straggler {
            before,
            effects: second.parse().ok()?,
        }),
        "operator" => Some(Twist::Operator {
            act: Act::ALL.into_iter().find(|act| act.as_str() == second)?,
            before,
        }),
        "deliver" => Some(Twist::Deliver {
            what: parse_delivery(parts.next()?)?,
            before,
            effects: second.parse().ok()?,
        }),
        _ => None,
    }
}

fn parse_delivery(word: &str) -> Option<Delivery> {
    let step = |name: &str| Step::ALL.into_iter().find(|step| step.as_str() == name);
    if word == "same" {
        return Some(Delivery::Same);
    }
    match word.split_once('-')? {
        ("done", name) => step(name).map(Delivery::Done),
        ("late", name) => step(name).map(Delivery::Late),
        _ => None,
    }
}
