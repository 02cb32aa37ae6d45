//! What the function reads from its environment.

use crate::{Api, ForgeKeys, Https};

/// What is wrong with a variable of the environment, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{variable} {what}")]
pub struct ConfigError {
    variable: &'static str,
    what: &'static str,
}

/// The backend, as these variables say.
///
/// | variable | |
/// |---|---|
/// | `FORGE_URL` | `https://forge.internal`, without a path; plain http for 127.0.0.1 only |
/// | `FORGE_ACCOUNTS` | the service accounts whose keys may be rotated, with commas between them |
/// | `FORGE_ADMIN_SECRET_ARN` | the ARN of the secret whose value is the admin token, as plain text |
///
/// None of them stands in the rotated secret: whoever may write to that could send the admin token elsewhere,
/// or have a key made for an account of more rights.
///
/// # Errors
///
/// [`ConfigError`] when one is missing or cannot be right.
pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<ForgeKeys, ConfigError> {
    let read = |variable, what| {
        let set = lookup(variable).filter(|value| !value.is_empty());
        set.ok_or(ConfigError { variable, what })
    };
    let url = read("FORGE_URL", "is not set; give it the address of Forge")?;
    let accounts = read("FORGE_ACCOUNTS", "is not set; name the service accounts")?;
    let admin = read(
        "FORGE_ADMIN_SECRET_ARN",
        "is not set; give it the ARN of the secret with Forge's admin token",
    )?;
    let safe = url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
    if !safe || url.matches('/').count() != 2 || url.contains(['@', '?', '#']) {
        let what = "is not https://HOST or https://HOST:PORT";
        return Err(ConfigError {
            variable: "FORGE_URL",
            what,
        });
    }
    let accounts: Vec<_> = accounts.split(',').map(|name| name.trim().to_owned()).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !accounts
        .iter()
        .all(|name| !name.is_empty() && name.chars().all(plain))
    {
        let what = "has a name with something else in it than letters, digits and hyphens";
        return Err(ConfigError {
            variable: "FORGE_ACCOUNTS",
            what,
        });
    }
    Ok(ForgeKeys::new(Api::new(url, Https::default()), admin, accounts))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    const RIGHT: [(&str, &str); 3] = [
        ("FORGE_URL", "https://forge.internal:8443"),
        ("FORGE_ACCOUNTS", "deploy-bot, release-bot"),
        (
            "FORGE_ADMIN_SECRET_ARN",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:forge-AbCdEf",
        ),
    ];

    fn with(variable: &str, value: &str) -> Result<ForgeKeys, ConfigError> {
        from_variables(|name| {
            let (_, right) = RIGHT.iter().find(|(of, _)| *of == name)?;
            Some(if name == variable { value } else { right }.to_owned())
        })
    }

    #[test]
    fn a_variable_that_cannot_be_right_is_named() {
        with("", "").unwrap();
        with("FORGE_URL", "http://127.0.0.1:4000").unwrap();
        for (variable, wrong) in [
            ("FORGE_URL", ""),
            ("FORGE_URL", "http://forge.internal"),
            ("FORGE_URL", "https://forge.internal/path"),
            ("FORGE_URL", "https://forge.internal@evil.example"),
            ("FORGE_ACCOUNTS", ""),
            ("FORGE_ACCOUNTS", "deploy-bot,"),
            ("FORGE_ACCOUNTS", "../admin"),
            ("FORGE_ADMIN_SECRET_ARN", ""),
        ] {
            let error = with(variable, wrong).unwrap_err();
            assert!(error.to_string().starts_with(variable), "{wrong}: {error}");
        }
    }
}
