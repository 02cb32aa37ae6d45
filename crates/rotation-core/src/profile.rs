//! How a backend works, as far as the framework has to know it.

use std::time::Duration;

/// How a backend works, as far as the framework has to know it before it calls it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Profile {
    pub(crate) name: &'static str,
    pub(crate) mints: bool,
    pub(crate) sets: bool,
    pub(crate) reads_previous: bool,
    pub(crate) retires_previous: bool,
    pub(crate) create_budget: Duration,
}

impl Profile {
    /// The value is chosen here: `create` makes it up and has no effect outside, `set` gives it to
    /// the target. Passwords, and keys that the client uploads. The previous version is not read, but
    /// with [`Grace::None`](crate::Grace::None), where createSecret retires what finishSecret may not
    /// have.
    ///
    /// `name` says what kind of credential it is, in logs and metrics: `postgres-single-user`.
    #[must_use]
    pub const fn chosen(name: &'static str) -> Self {
        Self {
            name,
            mints: false,
            sets: true,
            reads_previous: false,
            retires_previous: false,
            create_budget: Duration::ZERO,
        }
    }

    /// The target makes the value: after `create` a new credential lives there. API keys of most
    /// vendors. It works at once, so setSecret has nothing to set and `set` is not called. The
    /// previous version is read in createSecret, with every other labelled version, and its
    /// credential retired before it loses its last label ([`Retire::FallingOff`](crate::Retire::FallingOff)).
    #[must_use]
    pub const fn minted(name: &'static str) -> Self {
        Self {
            name,
            mints: true,
            sets: false,
            reads_previous: false,
            retires_previous: true,
            create_budget: Duration::from_secs(10),
        }
    }

    /// A minted credential needs a further request before it works: call `set`.
    #[must_use]
    pub const fn activated_in_set(mut self) -> Self {
        self.sets = true;
        self
    }

    /// Reads the previous version in setSecret, for [`Live::previous`](crate::Live::previous): two users that alternate.
    #[must_use]
    pub const fn reads_previous(mut self) -> Self {
        self.reads_previous = true;
        self
    }

    /// In createSecret, reads every labelled version and retires the previous credential before its
    /// version loses its last label. What [`minted`](Self::minted) does, for a chosen credential
    /// that goes on working beside the next: a key that the client uploads.
    #[must_use]
    pub const fn retires_previous(mut self) -> Self {
        self.retires_previous = true;
        self
    }

    /// The time that must be left for the framework to start what cannot be undone in createSecret:
    /// ending the previous credential, minting the next. 10 seconds for a minted credential unless
    /// set here, none for a chosen one.
    #[must_use]
    pub const fn with_create_budget(mut self, budget: Duration) -> Self {
        self.create_budget = budget;
        self
    }

    /// Whether the target makes the value, in `create`.
    #[must_use]
    pub const fn is_minted(&self) -> bool {
        self.mints
    }

    /// Whether `set` is called.
    #[must_use]
    pub const fn calls_set(&self) -> bool {
        self.sets
    }

    /// The backend's name in logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
