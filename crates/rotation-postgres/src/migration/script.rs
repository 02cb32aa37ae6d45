//! A plan: who runs what, where, in which order.

use std::fmt;

use crate::difference::Difference;
use crate::migration::Owned;
use crate::migration::survey::{Administrator, Survey};
use crate::owner::OwnerRole;
use crate::sql::identifier;

/// The statements of a migration, in order. `Display` is a script with comments; it holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationPlan {
    pub(super) steps: Vec<MigrationStep>,
    pub(super) notes: Vec<String>,
}

/// One statement of a migration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationStep {
    user: Option<String>,
    database: String,
    statement: String,
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

/// A plan under way.
pub(super) struct Script<'a> {
    home: &'a str,
    pub(super) superuser: Option<&'a Administrator>,
    /// How a role is lent, by the server's version.
    pub(super) lending: &'static str,
    pub(super) phase: Phase,
    pub(super) steps: Vec<MigrationStep>,
}

impl<'a> Script<'a> {
    pub(super) fn new(seen: &'a Survey) -> Self {
        Self {
            home: &seen.home,
            superuser: seen.superuser.as_ref(),
            lending: match seen.has_options {
                true => " WITH INHERIT TRUE, SET TRUE",
                false => "",
            },
            phase: Phase::Give,
            steps: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, user: Option<&str>, database: &str, statement: String) {
        self.steps.push(MigrationStep {
            user: user.map(str::to_owned),
            database: database.to_owned(),
            statement,
            phase: self.phase,
        });
    }

    pub(super) fn by_superuser(&mut self, database: &str, statement: String) {
        let superuser = self.superuser.map(|superuser| superuser.name.as_str());
        self.push(superuser, database, statement);
    }

    /// In the database of the secret.
    pub(super) fn home(&mut self, user: &str, difference: &Difference) {
        let home = self.home;
        self.push(Some(user), home, difference.statement());
    }

    /// The same, by the superuser.
    pub(super) fn at_home(&mut self, difference: &Difference) {
        let home = self.home;
        self.by_superuser(home, difference.statement());
    }

    /// Changes of owners: by who owns it where that one may, else by the superuser.
    pub(super) fn owners(&mut self, database: &str, owned: &[Owned], owner: &OwnerRole) {
        let (own, others): (Vec<&Owned>, Vec<&Owned>) = owned.iter().partition(|change| change.may);
        for change in own {
            self.push(Some(&change.by), database, change.statement.clone());
        }
        let of: Vec<&str> = others.iter().map(|change| change.by.as_str()).collect();
        let statements = others.iter().map(|change| change.statement.clone());
        self.lent(database, &of, owner, statements.collect());
    }

    /// By the superuser, who has the rights of these roles and of the owner role for as long as the
    /// transaction lasts.
    pub(super) fn lent(&mut self, database: &str, of: &[&str], owner: &OwnerRole, statements: Vec<String>) {
        if statements.is_empty() {
            return;
        }
        let mut needed: Vec<&str> = of.iter().copied().chain([owner.name()]).collect();
        needed.sort_unstable();
        needed.dedup();
        let lent: Vec<(String, String)> = match self.superuser {
            Some(superuser) => needed
                .into_iter()
                .filter(|&role| superuser.lacks.iter().any(|lacked| lacked == role))
                .map(|role| (identifier(role), identifier(&superuser.name)))
                .collect(),
            None => Vec::new(),
        };
        for (role, superuser) in &lent {
            self.by_superuser(database, format!("GRANT {role} TO {superuser}{}", self.lending));
        }
        for statement in statements {
            self.by_superuser(database, statement);
        }
        for (role, superuser) in &lent {
            self.by_superuser(database, format!("REVOKE {role} FROM {superuser}"));
        }
    }
}
