//! How a JSON document says how the admin credential is carried.

use serde::{Deserialize, Deserializer};

use super::auth::AdminAuth;
#[cfg(feature = "oauth2")]
use super::oauth::{Client, OAuth2};
use crate::error::ProviderError;
use crate::texts::Texts;

/// The forms by their names in JSON. The first three are one form of [`AdminAuth`]: headers.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "an object")]
enum AdminDescription {
    Bearer {
        token_at: Option<String>,
    },
    Header {
        name: String,
        prefix: Option<String>,
        token_at: Option<String>,
    },
    Headers(Texts),
    Basic {
        user_at: String,
        password_at: String,
    },
    #[cfg(feature = "oauth2")]
    Oauth2(Client),
    #[cfg(not(feature = "oauth2"))]
    Oauth2(serde::de::IgnoredAny),
}

/// Reads a form that may be absent. If it can be read and is wrong, the error stands in its place: it names a
/// part of the description, and an error of the reader cannot do that.
pub(crate) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Result<AdminAuth, ProviderError>>, D::Error> {
    let described = Option::<AdminDescription>::deserialize(deserializer)?;
    Ok(described.map(AdminDescription::auth))
}

impl AdminDescription {
    fn auth(self) -> Result<AdminAuth, ProviderError> {
        let with_token = |auth: AdminAuth, at: Option<String>| match at {
            Some(at) => auth.token_at(at),
            None => auth,
        };
        Ok(match self {
            Self::Bearer { token_at } => with_token(AdminAuth::bearer(), token_at),
            Self::Header {
                name,
                prefix,
                token_at,
            } => with_token(AdminAuth::prefixed(name, prefix.unwrap_or_default()), token_at),
            Self::Headers(headers) => {
                headers.check_unique("admin headers", str::eq_ignore_ascii_case)?;
                AdminAuth::headers(headers.0)
            }
            Self::Basic { user_at, password_at } => AdminAuth::basic(user_at, password_at),
            #[cfg(feature = "oauth2")]
            Self::Oauth2(client) => OAuth2(client).into(),
            #[cfg(not(feature = "oauth2"))]
            Self::Oauth2(_) => {
                return Err(ProviderError::new(
                    "admin.oauth2",
                    "this build cannot do it; turn on the feature oauth2 of rotation-http",
                ));
            }
        })
    }
}
