//! What a request says, put together in Rust or read from JSON, and what is wrong with it.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderName, Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use crate::call::{Body, Call};
use crate::error::ProviderError;
use crate::header::{header_value, is_transports};
use crate::json_template::JsonTemplate;
use crate::placeholder::Allowed;
use crate::template::Template;
use crate::texts::Texts;

/// The parts of a request, by their names in JSON.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct RequestDescription {
    #[serde(deserialize_with = "method")]
    method: Method,
    path: String,
    pub(super) headers: Option<Texts>,
    pub(super) basic: Option<Basic>,
    /// The body, unless it is `form`. A document that has both is refused.
    pub(super) json: Option<Value>,
    pub(super) form: Option<Texts>,
    #[serde(default)]
    pub(super) expect: Vec<u16>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Basic {
    pub(super) user: String,
    pub(super) password: String,
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum Name {
        Get,
        Post,
        Put,
        Patch,
        Delete,
    }
    Ok(match Name::deserialize(deserializer)? {
        Name::Get => Method::GET,
        Name::Post => Method::POST,
        Name::Put => Method::PUT,
        Name::Patch => Method::PATCH,
        Name::Delete => Method::DELETE,
    })
}

impl RequestDescription {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            headers: None,
            basic: None,
            json: None,
            form: None,
            expect: Vec::new(),
        }
    }

    /// Refuses what only JSON can say: two bodies, and a name that is there twice, of which one would be lost.
    pub(crate) fn check_json(&self) -> Result<(), ProviderError> {
        if let Some(headers) = &self.headers {
            headers.check_unique("headers", str::eq_ignore_ascii_case)?;
        }
        self.check_body()?;
        match &self.form {
            Some(form) => form.check_unique("form", |one, other| one == other),
            None => Ok(()),
        }
    }

    fn headers(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().flat_map(|headers| &headers.0)
    }

    fn check_body(&self) -> Result<(), ProviderError> {
        if self.json.is_some() && self.form.is_some() {
            return Err(ProviderError::new(
                "json, form",
                "are both there, and a request has one body; take one out",
            ));
        }
        Ok(())
    }

    /// The request, checked; `allowed` are the placeholders that have a value in it.
    pub(crate) fn compile(&self, allowed: Allowed<'_>) -> Result<Call, ProviderError> {
        let path = Template::parse(&self.path, allowed).map_err(|why| ProviderError::new("path", why))?;
        check_path(&path.sample()).map_err(|why| ProviderError::new("path", why))?;
        let headers = self
            .headers()
            .map(|(name, value)| {
                compile_header(name, value, allowed)
                    .map_err(|why| ProviderError::new(format!("header {name:?}"), why))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.check_headers(&headers)?;
        let body = self.compile_body(allowed)?;
        let basic = self.basic.as_ref().map(|basic| {
            Ok((
                Template::parse(&basic.user, allowed)?,
                Template::parse(&basic.password, allowed)?,
            ))
        });
        let expected = self.expect.iter().map(|status| success(*status));
        let shown = self.path.split('?').next().unwrap_or_default();
        Ok(Call {
            shown: format!("{} {shown}", self.method),
            method: self.method.clone(),
            path,
            headers,
            basic: basic
                .transpose()
                .map_err(|why: String| ProviderError::new("basic", why))?,
            body,
            expected: expected.collect::<Result<_, _>>()?,
        })
    }

    /// Refuses a header that would be set twice, of which one would be lost.
    fn check_headers(&self, headers: &[(HeaderName, Template)]) -> Result<(), ProviderError> {
        for (place, (name, _)) in headers.iter().enumerate() {
            if headers.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(ProviderError::new(
                    format!("header {:?}", name.as_str()),
                    "is there twice, in whatever case; take one out",
                ));
            }
            if self.basic.is_some() && name == AUTHORIZATION {
                return Err(ProviderError::new(
                    "basic",
                    "is there beside the header \"authorization\", which it sets; take one out",
                ));
            }
        }
        Ok(())
    }

    fn compile_body(&self, allowed: Allowed<'_>) -> Result<Body, ProviderError> {
        self.check_body()?;
        if let Some(value) = &self.json {
            return JsonTemplate::parse(value, allowed)
                .map(Body::Json)
                .map_err(|why| ProviderError::new("json", why));
        }
        let Some(form) = &self.form else {
            return Ok(Body::None);
        };
        let fields = form.0.iter();
        fields
            .map(|(name, value)| Ok((name.clone(), Template::parse(value, allowed)?)))
            .collect::<Result<_, String>>()
            .map(Body::Form)
            .map_err(|why| ProviderError::new("form", why))
    }
}

impl fmt::Debug for RequestDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path.split('?').next().unwrap_or_default())
            .field("headers", &headers)
            .field("expected", &self.expect)
            .finish_non_exhaustive()
    }
}

/// The status, if it is a success. With any other, a refusal would count as a success: a dead key would seem to
/// work, and a key that was not ended would seem to be.
fn success(status: u16) -> Result<StatusCode, ProviderError> {
    StatusCode::from_u16(status)
        .ok()
        .filter(StatusCode::is_success)
        .ok_or_else(|| {
            ProviderError::new(
                "expect",
                format!("{status} is no success, which is 200 to 299; take it out"),
            )
        })
}

fn check_path(sample: &str) -> Result<(), &'static str> {
    let (path, query) = sample.split_once('?').unwrap_or((sample, ""));
    if !path.starts_with('/') {
        return Err("does not start with /; the host belongs into the base URL");
    }
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
    if !path.bytes().all(safe) || !query.bytes().all(|byte| safe(byte) || byte == b'?') {
        return Err("has a character that must be percent-encoded in a URL; encode it");
    }
    let mut url = BLANK.parse::<Url>().map_err(|_| "is not a path")?;
    url.set_path(path);
    if url.path() != path {
        return Err("has . or .. as a segment; write the path without");
    }
    Ok(())
}

const BLANK: &str = "https://host.invalid";

fn compile_header(name: &str, value: &str, allowed: Allowed<'_>) -> Result<(HeaderName, Template), String> {
    let name: HeaderName = name.parse().map_err(|_| "is no header name; correct it")?;
    if is_transports(&name) {
        return Err("belongs to the transport; take it out".to_owned());
    }
    let value = Template::parse(value, allowed)?;
    header_value(&value.sample()).ok_or("is not printable ASCII; correct it")?;
    Ok((name, value))
}
