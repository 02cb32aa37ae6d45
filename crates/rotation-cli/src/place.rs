//! Where the secret is looked for: the options that a command in an advice must repeat.

use crate::args::Common;

/// The options of the command line that say where: a command that is copied without them may reach another
/// secret of the same name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    region: Option<String>,
    profile: Option<String>,
    endpoint_url: Option<String>,
}

impl Place {
    pub(crate) fn of(common: &Common) -> Self {
        Self {
            region: common.region.clone(),
            profile: common.profile.clone(),
            endpoint_url: common.endpoint_url.clone(),
        }
    }

    /// For `rotation` and `aws secretsmanager`, which have the same names for them; a space before each.
    pub(crate) fn options(&self) -> String {
        option("endpoint-url", self.endpoint_url.as_deref()) + &self.elsewhere()
    }

    /// For another service of the same account and Region.
    pub(crate) fn elsewhere(&self) -> String {
        option("region", self.region.as_deref()) + &self.account()
    }

    /// For another Region of the same account.
    pub(crate) fn account(&self) -> String {
        option("profile", self.profile.as_deref())
    }
}

fn option(name: &str, value: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:%".contains(c);
    match value {
        Some(value) if !value.is_empty() && value.chars().all(plain) => format!(" --{name} {value}"),
        Some(value) => format!(" --{name} '{}'", value.replace('\'', r"'\''")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_repeated_so_that_a_shell_reads_it_as_it_was() {
        let place = Place {
            region: Some("us-east-1".to_owned()),
            profile: Some("the team's".to_owned()),
            endpoint_url: Some("http://localhost:4566".to_owned()),
        };
        assert_eq!(
            place.options(),
            r" --endpoint-url http://localhost:4566 --region us-east-1 --profile 'the team'\''s'"
        );
        assert_eq!(place.account(), r" --profile 'the team'\''s'");
        assert_eq!(Place::default().options(), "");
    }
}
