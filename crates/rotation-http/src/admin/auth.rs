//! How a request carries the admin credential.

use http::HeaderName;
use http::header::AUTHORIZATION;
use rotation_core::BackendError;
use url::Url;

#[cfg(feature = "oauth2")]
use super::oauth::{Client, OAuth2};
use crate::error::ProviderError;
use crate::header::{header_value, is_transports};
use crate::pointer;

/// How a request carries the admin credential. Part of a provider's description.
///
/// Pointers lead into the admin secret's value, a JSON document (RFC 6901).
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct AdminAuth(Form);

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Headers(Vec<TokenHeader>),
    Basic {
        user: String,
        password: String,
    },
    #[cfg(feature = "oauth2")]
    OAuth2(Client),
}

/// One header with a token in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TokenHeader {
    name: String,
    pub(super) prefix: String,
    /// Where the token is. If this is `None`, [`Admin`](crate::Admin) says where.
    pub(super) at: Option<String>,
}

impl AdminAuth {
    /// `authorization: Bearer TOKEN`.
    pub fn bearer() -> Self {
        Self::prefixed("authorization", "Bearer ")
    }

    /// The token is this header's value, with nothing before it.
    pub fn header(name: impl Into<String>) -> Self {
        Self::prefixed(name, "")
    }

    /// The token is this header's value, behind this text: `SSWS `, `Token token=`.
    pub fn prefixed(name: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self(Form::Headers(vec![TokenHeader {
            name: name.into(),
            prefix: prefix.into(),
            at: None,
        }]))
    }

    /// Several headers, by their names. The pointer beside each name leads to its value.
    pub fn headers<N: Into<String>, P: Into<String>>(headers: impl IntoIterator<Item = (N, P)>) -> Self {
        let header = |(name, at): (N, P)| TokenHeader {
            name: name.into(),
            prefix: String::new(),
            at: Some(at.into()),
        };
        Self(Form::Headers(headers.into_iter().map(header).collect()))
    }

    /// `authorization: Basic`, with the user name and the password that these pointers lead to.
    pub fn basic(user_at: impl Into<String>, password_at: impl Into<String>) -> Self {
        Self(Form::Basic {
            user: user_at.into(),
            password: password_at.into(),
        })
    }

    /// The same with the token at this pointer, where one header holds it and [`Admin`](crate::Admin)
    /// does not say where it is. No effect on the other forms.
    pub fn token_at(mut self, pointer: impl Into<String>) -> Self {
        if let Form::Headers(headers) = &mut self.0
            && let [header] = headers.as_mut_slice()
        {
            header.at = Some(pointer.into());
        }
        self
    }

    pub(super) fn form(&self) -> &Form {
        &self.0
    }

    pub(crate) fn check(&self) -> Result<(), ProviderError> {
        match &self.0 {
            Form::Headers(headers) if headers.is_empty() => {
                Err(ProviderError::new("admin headers", "there is none; name one"))
            }
            Form::Headers(headers) => headers.iter().try_for_each(TokenHeader::check),
            Form::Basic { user, password } => {
                pointer::check("admin basic user_at", user)?;
                pointer::check("admin basic password_at", password)
            }
            #[cfg(feature = "oauth2")]
            Form::OAuth2(client) => client.check(),
        }
    }

    /// Where a token is asked for, if one is.
    pub(crate) fn token_url(&self) -> Result<Option<Url>, ProviderError> {
        match &self.0 {
            Form::Headers(_) | Form::Basic { .. } => Ok(None),
            #[cfg(feature = "oauth2")]
            Form::OAuth2(client) => client.url().map(Some),
        }
    }

    /// The headers that it sets.
    pub(crate) fn header_names(&self) -> Vec<HeaderName> {
        match &self.0 {
            Form::Headers(headers) => headers
                .iter()
                .filter_map(|header| header.name.parse().ok())
                .collect(),
            Form::Basic { .. } => vec![AUTHORIZATION],
            #[cfg(feature = "oauth2")]
            Form::OAuth2(_) => vec![AUTHORIZATION],
        }
    }
}

#[cfg(feature = "oauth2")]
impl From<OAuth2> for AdminAuth {
    fn from(oauth2: OAuth2) -> Self {
        Self(Form::OAuth2(oauth2.0))
    }
}

impl TokenHeader {
    fn check(&self) -> Result<(), ProviderError> {
        let wrong = |why: &str| ProviderError::new("admin header", format!("{:?} {why}", self.name));
        let name: HeaderName = self
            .name
            .parse()
            .map_err(|_| wrong("is no header name; correct it"))?;
        if is_transports(&name) {
            return Err(wrong("belongs to the transport; name another"));
        }
        if header_value(&self.prefix).is_none() {
            return Err(wrong("has a prefix that is not printable ASCII; correct it"));
        }
        match &self.at {
            Some(at) => pointer::check("admin token_at", at),
            None => Ok(()),
        }
    }

    /// The header's name, which has been checked.
    pub(super) fn name(&self) -> Result<HeaderName, BackendError> {
        self.name.parse().map_err(|_| {
            BackendError::misconfigured(format!(
                "admin header: {:?} is no header name; correct it",
                self.name
            ))
        })
    }
}
