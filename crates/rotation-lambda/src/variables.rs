//! What is read from the function's environment, each variable by name.

use rotation_core::{PasswordPolicy, PolicyError};

use crate::Error;

/// Looks a variable up. One that is empty counts as not set, as consoles cannot tell the two apart.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// The password policy that the function's environment describes, by the variables of AWS's own
/// templates: `PASSWORD_LENGTH`, `EXCLUDE_CHARACTERS`, `EXCLUDE_NUMBERS`, `EXCLUDE_PUNCTUATION`,
/// `EXCLUDE_UPPERCASE`, `EXCLUDE_LOWERCASE`, `REQUIRE_EACH_INCLUDED_TYPE`. See
/// [`PasswordPolicy::from_variables`] for each, and for their defaults.
///
/// `default_exclusions` are the characters that are left out where `EXCLUDE_CHARACTERS` is not set.
///
/// # Errors
///
/// [`PolicyError`], which names the variable.
pub fn password_policy(default_exclusions: &str) -> Result<PasswordPolicy, PolicyError> {
    PasswordPolicy::from_variables(variable, default_exclusions)
}

/// The endpoint that is set for Secrets Manager where the SDK does not read it by itself:
/// `SECRETS_MANAGER_ENDPOINT`, which AWS's templates demand, where
/// `AWS_ENDPOINT_URL_SECRETS_MANAGER` is not set.
pub(crate) fn endpoint() -> Result<Option<String>, Error> {
    endpoint_from(variable)
}

fn endpoint_from(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<String>, Error> {
    if lookup("AWS_ENDPOINT_URL_SECRETS_MANAGER").is_some() {
        return Ok(None);
    }
    let Some(endpoint) = lookup("SECRETS_MANAGER_ENDPOINT") else {
        return Ok(None);
    };
    match endpoint.starts_with("https://") || endpoint.starts_with("http://") {
        true => Ok(Some(endpoint)),
        false => Err(Error::new(
            "SECRETS_MANAGER_ENDPOINT is not a URL; write it as https://secretsmanager.REGION.amazonaws.com, or unset it",
        )),
    }
}

/// What the runtime cannot go without.
pub(crate) fn check_lambda() -> Result<(), Error> {
    check_lambda_from(variable)
}

fn check_lambda_from(lookup: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let needed = [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    ];
    match needed.into_iter().find(|name| lookup(name).is_none()) {
        None => Ok(()),
        Some(missing) => Err(Error::new(format!(
            "{missing} is not set, so this is not AWS Lambda; on your machine, run the function with `cargo lambda watch`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_templates_endpoint_gives_way_to_the_sdks() {
        let templates = ("SECRETS_MANAGER_ENDPOINT", "https://templates.example");
        let sdks = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://sdk.example");
        let endpoint = |variables: &[(&str, &str)]| endpoint_from(lookup(variables)).unwrap();
        assert_eq!(endpoint(&[]), None);
        assert_eq!(
            endpoint(&[templates]).as_deref(),
            Some("https://templates.example")
        );
        assert_eq!(endpoint(&[templates, sdks]), None);
        let bad = endpoint_from(lookup(&[("SECRETS_MANAGER_ENDPOINT", "localhost:4566")]));
        assert!(
            bad.unwrap_err()
                .to_string()
                .contains("SECRETS_MANAGER_ENDPOINT is not a URL")
        );
    }

    #[test]
    fn outside_of_lambda_the_missing_variable_is_named() {
        let all = [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ];
        check_lambda_from(lookup(&all)).unwrap();
        for (name, _) in all {
            let rest: Vec<_> = all.into_iter().filter(|(other, _)| *other != name).collect();
            let error = check_lambda_from(lookup(&rest)).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
