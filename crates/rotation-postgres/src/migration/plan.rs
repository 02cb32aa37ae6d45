//! A migration's plan: who runs what, where, in which order.

use std::fmt;

/// The statements of a migration, in order. `Display` is a script with comments; it holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationPlan {
    pub(super) steps: Vec<MigrationStep>,
    pub(super) notes: Vec<String>,
}

/// One statement of a migration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationStep {
    pub(super) user: Option<String>,
    pub(super) database: String,
    pub(super) statement: String,
    pub(super) phase: Phase,
}

/// Whether a right can be lost by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// The role is made, and given what the users have.
    Give,
    /// Sessions begin as the role, and the membership goes: only when all that has been given.
    Switch,
}

impl MigrationPlan {
    /// What will be run.
    #[must_use]
    pub fn steps(&self) -> &[MigrationStep] {
        &self.steps
    }

    /// What a person has to know or do; nothing of it is done by the migration.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl MigrationStep {
    /// Who runs it: one of the two users, or the superuser; `None` is an administrator, where the secret
    /// names no superuser.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The database that it is run in.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// Who runs it, for people.
    pub(super) fn who(&self) -> &str {
        self.user().unwrap_or("an administrator")
    }

    /// Whether both are run in one transaction.
    pub(super) fn joins(&self, other: &Self) -> bool {
        (&self.user, &self.database, self.phase) == (&other.user, &other.database, other.phase)
    }
}

impl fmt::Display for MigrationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.steps.chunk_by(MigrationStep::joins) {
            if let Some(first) = group.first() {
                writeln!(f, "-- as {}, in database {}", first.who(), first.database)?;
            }
            for step in group {
                writeln!(f, "{};", step.statement)?;
            }
        }
        if self.steps.is_empty() {
            writeln!(f, "-- nothing to do")?;
        }
        for note in &self.notes {
            writeln!(f, "-- note: {note}")?;
        }
        Ok(())
    }
}
