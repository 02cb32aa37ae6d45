//! A plan under way.

use super::plan::{MigrationStep, Phase};
use super::seen::{Administrator, OwnerChange, Survey};
use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::sql::identifier;

pub(super) struct Script<'a> {
    home: &'a str,
    owner: &'a OwnerRole,
    pub(super) superuser: Option<&'a Administrator>,
    /// How a role is lent, by the server's version.
    pub(super) lending: &'static str,
    pub(super) phase: Phase,
    pub(super) steps: Vec<MigrationStep>,
}

impl<'a> Script<'a> {
    pub(super) fn new(seen: &'a Survey, owner: &'a OwnerRole) -> Self {
        Self {
            home: &seen.home,
            owner,
            superuser: seen.superuser.as_ref(),
            lending: match seen.has_options {
                true => " WITH INHERIT TRUE, SET TRUE",
                false => "",
            },
            phase: Phase::Give,
            steps: Vec::new(),
        }
    }

    fn push(&mut self, user: Option<&str>, database: &str, statement: String) {
        self.steps.push(MigrationStep {
            user: user.map(str::to_owned),
            database: database.to_owned(),
            statement,
            phase: self.phase,
        });
    }

    pub(super) fn by_user(&mut self, user: &str, database: &str, statement: String) {
        self.push(Some(user), database, statement);
    }

    pub(super) fn by_superuser(&mut self, database: &str, statement: String) {
        let superuser = self.superuser.map(|superuser| superuser.name.as_str());
        self.push(superuser, database, statement);
    }

    /// In the database of the secret.
    pub(super) fn at_home_by_user(&mut self, user: &str, difference: &Difference) {
        let home = self.home;
        self.by_user(user, home, difference.statement());
    }

    /// The same, by the superuser.
    pub(super) fn at_home_by_superuser(&mut self, difference: &Difference) {
        let home = self.home;
        self.by_superuser(home, difference.statement());
    }

    /// Changes of owners: by who owns it where that one may, else by the superuser.
    pub(super) fn change_owners(&mut self, database: &str, changes: &[OwnerChange]) {
        let (own, others): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.may);
        for change in own {
            self.by_user(&change.by, database, change.statement.clone());
        }
        let of: Vec<&str> = others.iter().map(|change| change.by.as_str()).collect();
        let statements = others.iter().map(|change| change.statement.clone());
        self.by_superuser_lent(database, &of, statements.collect());
    }

    /// By the superuser, who has the rights of these roles and of the owner role for as long as the
    /// transaction lasts.
    pub(super) fn by_superuser_lent(&mut self, database: &str, of: &[&str], statements: Vec<String>) {
        if statements.is_empty() {
            return;
        }
        let lent = self.lent(of);
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

    /// Those of these roles and the owner role whose rights the superuser lacks, each with the superuser: quoted.
    fn lent(&self, of: &[&str]) -> Vec<(String, String)> {
        let Some(superuser) = self.superuser else {
            return Vec::new();
        };
        let mut needed: Vec<&str> = of.iter().copied().chain([self.owner.name()]).collect();
        needed.sort_unstable();
        needed.dedup();
        needed
            .into_iter()
            .filter(|&role| superuser.lacks.iter().any(|lacked| lacked == role))
            .map(|role| (identifier(role), identifier(&superuser.name)))
            .collect()
    }
}
