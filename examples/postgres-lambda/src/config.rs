//! The backend that the function's environment describes.

use rotation_lambda::Error;
use rotation_lambda::rotation_core::PasswordPolicy;
use rotation_postgres::{AlternatingUsers, DEFAULT_EXCLUSIONS, OwnerRole, SingleUser};

use crate::connections::{connections, flag, superuser_hosts, variable};

/// One of the two ways to rotate.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "main has to run each")]
pub enum Strategy {
    /// `ROTATION_STRATEGY=single-user`.
    SingleUser(SingleUser),
    /// `ROTATION_STRATEGY=alternating-users`.
    AlternatingUsers(AlternatingUsers),
}

/// The strategy, from the variables that `lookup` finds. One that is empty counts as not set.
///
/// # Errors
///
/// [`Error`], which names the variable.
pub fn strategy(lookup: impl Fn(&str) -> Option<String>) -> Result<Strategy, Error> {
    let name = variable(&lookup, "ROTATION_STRATEGY");
    let owner = variable(&lookup, "OWNER_ROLE");
    let assisted = flag(&lookup, "ASSISTED_BY_SUPERUSER")?;
    let superuser_at = superuser_hosts(&lookup)?;
    let policy = PasswordPolicy::from_variables(|name| variable(&lookup, name), DEFAULT_EXCLUSIONS)?;
    let connections = connections(&lookup)?;
    match name.as_deref().map(str::trim) {
        Some("single-user") => {
            if owner.is_some() {
                return Err(Error::new(
                    "OWNER_ROLE is for alternating users; remove it, or set ROTATION_STRATEGY to alternating-users",
                ));
            }
            let backend = SingleUser::new(connections).with_password_policy(policy);
            Ok(Strategy::SingleUser(match assisted {
                true => backend.assisted_by_superuser_at(superuser_at),
                false => backend,
            }))
        }
        Some("alternating-users") => {
            let backend = AlternatingUsers::new(connections)
                .with_password_policy(policy)
                .with_superuser_at(superuser_at);
            Ok(Strategy::AlternatingUsers(match owner {
                Some(owner) => backend.with_owner_role(OwnerRole::created(owner)),
                None => backend,
            }))
        }
        _ => Err(Error::new(
            "ROTATION_STRATEGY must be single-user or alternating-users; set it to the one that this function is for",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLE: (&str, &str) = ("ROTATION_STRATEGY", "single-user");
    const PAIR: (&str, &str) = ("ROTATION_STRATEGY", "alternating-users");

    fn built(variables: &[(&str, &str)]) -> Result<String, String> {
        let strategy = strategy(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        strategy
            .map(|strategy| format!("{strategy:?}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_set_is_used() {
        for (variables, parts, not) in [
            (
                &[SINGLE][..],
                &["SingleUser(", "superuser: None", "plaintext: false", "length: 32"][..],
                "owner",
            ),
            (
                &[SINGLE, ("OWNER_ROLE", ""), ("PASSWORD_LENGTH", "40")],
                &["length: 40"],
                "owner",
            ),
            (
                &[SINGLE, ("ASSISTED_BY_SUPERUSER", "yes")],
                &["superuser: Some"],
                "owner",
            ),
            (
                &[PAIR, ("ALLOW_PLAINTEXT", "True")],
                &["AlternatingUsers(", "owner: None", "plaintext: true"],
                "Single",
            ),
            (
                &[PAIR, ("OWNER_ROLE", "app_owner")],
                &["app_owner"],
                "owner: None",
            ),
        ] {
            let text = built(variables).unwrap();
            assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
            assert!(!text.contains(not), "{not}: {text}");
        }
    }

    #[test]
    fn errors_name_the_variable_and_what_to_do() {
        for (variables, parts) in [
            (
                &[][..],
                &["ROTATION_STRATEGY", "single-user", "alternating-users"][..],
            ),
            (
                &[("ROTATION_STRATEGY", "multi-user")],
                &["ROTATION_STRATEGY", "alternating-users"],
            ),
            (&[SINGLE, ("OWNER_ROLE", "own")], &["OWNER_ROLE", "remove it"]),
            (
                &[PAIR, ("ALLOW_PLAINTEXT", "ture")],
                &["ALLOW_PLAINTEXT", "true or false"],
            ),
            (
                &[PAIR, ("ASSISTED_BY_SUPERUSER", "maybe")],
                &["ASSISTED_BY_SUPERUSER"],
            ),
            (&[PAIR, ("PASSWORD_LENGTH", "0")], &["PASSWORD_LENGTH"]),
            (
                &[PAIR, ("POSTGRES_CA_BUNDLE", "no/such.pem")],
                &["POSTGRES_CA_BUNDLE", "no/such.pem", "global-bundle.pem"],
            ),
        ] {
            let error = built(variables).unwrap_err();
            assert!(
                parts.iter().all(|part| error.contains(part)),
                "{parts:?}: {error}"
            );
        }
    }
}
