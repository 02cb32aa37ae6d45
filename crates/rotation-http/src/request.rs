//! One request of a provider's description, and what is wrong with it.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderName, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::call::{Body, Call};
use crate::error::ProviderError;
use crate::header::{header_value, is_transports};
use crate::json_template::JsonTemplate;
use crate::placeholder::Allowed;
use crate::template::Template;

/// One request, with placeholders in its path, its headers' values and the texts of its body:
/// `{secret.NAME}` for a field of the secret's document, and `{key}`, `{id}`, `{label}` where they
/// have a value. `{{` and `}}` stand for braces.
///
/// A value cannot break out of its place: it is percent-encoded in the path, the query and a form, must
/// be printable ASCII in a header, and becomes part of a JSON text in the body (a number too).
///
/// Checked when the provider is built. `Debug` leaves out the headers' values and the body.
#[derive(Clone)]
#[must_use]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    basic: Option<(String, String)>,
    body: Content,
    expected: Vec<u16>,
}

#[derive(Clone)]
enum Content {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
}

impl Request {
    /// A GET request of this path, which starts with `/` and may have a query.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST request.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A PUT request.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A PATCH request.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A DELETE request.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            basic: None,
            body: Content::None,
            expected: Vec::new(),
        }
    }

    /// With this header. `accept: application/json` is there unless set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this user name and password as `authorization: Basic`, both with placeholders, in verify:
    /// the admin credential of the other requests has [its own form](crate::AdminAuth::basic).
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.basic = Some((user.into(), password.into()));
        self
    }

    /// With this body. Placeholders stand in its texts, not in its names.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Content::Json(body);
        self
    }

    /// With these fields as a body of `application/x-www-form-urlencoded`, instead of JSON. Placeholders
    /// stand in the values, not in the names.
    pub fn form<N: Into<String>, V: Into<String>>(
        mut self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.body = Content::Form(fields.collect());
        self
    }

    /// Success is this status, of 200 to 299, and no other unless the call is repeated with it. Any of
    /// these without.
    pub fn expect_status(mut self, status: u16) -> Self {
        self.expected.push(status);
        self
    }

    /// The request, checked; `allowed` are the placeholders that have a value in it.
    pub(crate) fn compile(&self, allowed: Allowed<'_>) -> Result<Call, ProviderError> {
        let path = Template::parse(&self.path, allowed).map_err(|why| ProviderError::new("path", why))?;
        check_path(&path.sample()).map_err(|why| ProviderError::new("path", why))?;
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| {
                compile_header(name, value, allowed)
                    .map_err(|why| ProviderError::new(format!("header {name:?}"), why))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.check_headers(&headers)?;
        let body = self.body.compile(allowed)?;
        let basic = self.basic.as_ref().map(|(user, password)| {
            Ok((
                Template::parse(user, allowed)?,
                Template::parse(password, allowed)?,
            ))
        });
        let expected = self.expected.iter().map(|status| success(*status));
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
}

impl Content {
    fn compile(&self, allowed: Allowed<'_>) -> Result<Body, ProviderError> {
        match self {
            Self::None => Ok(Body::None),
            Self::Json(value) => JsonTemplate::parse(value, allowed)
                .map(Body::Json)
                .map_err(|why| ProviderError::new("json", why)),
            Self::Form(fields) => fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), Template::parse(value, allowed)?)))
                .collect::<Result<_, String>>()
                .map(Body::Form)
                .map_err(|why| ProviderError::new("form", why)),
        }
    }
}

/// Any other would take a refusal for a success: a dead key for one that works, a key that was not ended
/// for one that was.
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

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path.split('?').next().unwrap_or_default())
            .field("headers", &headers)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::placeholder::ALL;

    #[test]
    fn what_cannot_work_is_refused_when_built() {
        let error = |request: Request| {
            request
                .compile(ALL)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        for (request, named) in [
            (Request::get("keys"), "path"),
            (Request::get("https://h.example/keys"), "path"),
            (Request::get(""), "path"),
            (Request::get("/a b"), "path"),
            (Request::get("/a#b"), "path"),
            (Request::get("/a\\b"), "path"),
            (Request::get("/a/../b"), "path"),
            (Request::get("/a/%2e%2E/b"), "path"),
            (Request::get("/{nothing}"), "{nothing}"),
            (Request::get("/").header("a b", "x"), "header \"a b\""),
            (Request::get("/").header("Host", "x"), "header \"Host\""),
            (Request::get("/").header("content-length", "1"), "transport"),
            (Request::get("/").header("x", "a\nb"), "header \"x\""),
            (Request::get("/").header("x", "{foo}"), "{foo}"),
            (Request::get("/").json(json!({"a": ["{foo}"]})), "json"),
            (Request::get("/").form([("a", "{foo}")]), "form"),
            (Request::get("/").expect_status(9), "expect"),
            (Request::get("/").expect_status(199), "expect: 199"),
            (
                Request::get("/").expect_status(200).expect_status(300),
                "expect: 300",
            ),
            (Request::get("/").expect_status(401), "expect: 401"),
            (
                Request::get("/").header("x-a", "1").header("X-A", "2"),
                "header \"x-a\"",
            ),
            (
                Request::get("/")
                    .header("Authorization", "x")
                    .basic_auth("a", "b"),
                "basic",
            ),
        ] {
            let error = error(request);
            assert!(error.contains(named) && error.contains(';'), "{named}: {error:?}");
        }
    }

    #[test]
    fn debug_leaves_values_out() {
        let request = Request::get("/k?token=SENTINEL")
            .header("x-key", "SENTINEL")
            .json(json!({"a": "SENTINEL"}));
        let text = format!("{request:?}");
        assert!(text.contains("x-key") && !text.contains("SENTINEL"), "{text}");
    }
}
