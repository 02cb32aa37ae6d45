//! Names of users: the other one of a pair, and those that must not be touched.

use rotation_core::BackendError;

/// PostgreSQL keeps this many bytes of a name and cuts the rest off with no more than a notice.
pub(crate) const LONGEST: usize = 63;

const SUFFIX: &str = "_clone";

/// The other user of the pair: with `_clone` added, or taken off, as AWS's template names them.
pub(crate) fn alternate(user: &str) -> Result<String, BackendError> {
    let other = match user.strip_suffix(SUFFIX) {
        Some("") => {
            return Err(BackendError::misconfigured(format!(
                "the user {user:?} has no counterpart: without {SUFFIX} nothing is left of its name; rename it",
            )));
        }
        Some(base) if base.ends_with(SUFFIX) => {
            return Err(BackendError::misconfigured(format!(
                "the user {user:?} ends in {SUFFIX} twice, so that it and its counterpart would not name each other; rename it",
            )));
        }
        Some(base) => base.to_owned(),
        None => format!("{user}{SUFFIX}"),
    };
    if other.len() > LONGEST {
        return Err(BackendError::misconfigured(format!(
            "the second user's name would be {} bytes long, and PostgreSQL keeps {LONGEST}; a user that \
             alternates can have a name of {} bytes",
            other.len(),
            LONGEST - SUFFIX.len(),
        )));
    }
    Ok(other)
}

/// Whether the second name is made of the first, and not the other way round.
pub(crate) fn is_made_of(clone: &str, base: &str) -> bool {
    clone.strip_suffix(SUFFIX) == Some(base)
}

/// Whether the name is reserved for PostgreSQL's or Amazon's own roles.
pub(crate) fn is_reserved(user: &str) -> bool {
    user.starts_with("pg_") || user.starts_with("rds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_alternate_as_in_the_template() {
        for (one, other) in [
            ("app", "app_clone"),
            ("app_clone", "app"),
            ("App User", "App User_clone"),
            ("_clone_", "_clone__clone"),
            ("ä\"; DROP ROLE x; --", "ä\"; DROP ROLE x; --_clone"),
        ] {
            assert_eq!(alternate(one).unwrap(), other);
            assert_eq!(alternate(other).unwrap(), one);
        }
    }

    #[test]
    fn no_name_is_empty_ambiguous_or_cut_off() {
        assert_eq!(alternate(&"a".repeat(57)).unwrap().len(), 63);
        assert_eq!(alternate(&format!("{}a", "é".repeat(28))).unwrap().len(), 63);
        for bad in ["_clone", "app_clone_clone", &"a".repeat(58), &"é".repeat(29)] {
            assert!(alternate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_names() {
        for name in ["pg_monitor", "rdsadmin", "rds_superuser", "rdsproxyadmin"] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("app") && !is_reserved("pgapp"));
    }
}
