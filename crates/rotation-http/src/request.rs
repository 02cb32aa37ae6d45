//! One request of a provider's description, and its compiled form.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rotation_core::BackendError;
use serde_json::Value;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::error::ProviderError;
use crate::template::{Allowed, Hole, JsonTemplate, Template, Values};
use crate::wiped::Wiped;

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
        let body = match &self.body {
            Content::None => Ok(Body::None),
            Content::Json(value) => JsonTemplate::parse(value, allowed)
                .map(Body::Json)
                .map_err(|why| ProviderError::new("json", why)),
            Content::Form(fields) => fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), Template::parse(value, allowed)?)))
                .collect::<Result<_, String>>()
                .map(Body::Form)
                .map_err(|why| ProviderError::new("form", why)),
        };
        let basic = self.basic.as_ref().map(|(user, password)| {
            let (user, password) = (
                Template::parse(user, allowed)?,
                Template::parse(password, allowed)?,
            );
            Ok((user, password))
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
            body: body?,
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

/// Whether the transport sets this header, and nobody else may.
pub(crate) fn is_transports(name: &HeaderName) -> bool {
    [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "upgrade",
    ]
    .contains(&name.as_str())
}

/// The text as a header's value, if it is printable ASCII.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    HeaderValue::from_str(text).ok().filter(|_| printable)
}

/// A request that has been checked.
#[derive(Clone)]
pub(crate) struct Call {
    /// Method and path, placeholders unfilled, without the query: safe to print.
    pub(crate) shown: String,
    method: Method,
    path: Template,
    headers: Vec<(HeaderName, Template)>,
    basic: Option<(Template, Template)>,
    body: Body,
    expected: Vec<StatusCode>,
}

#[derive(Clone)]
enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
}

impl Call {
    pub(crate) fn has(&self, mut wanted: impl FnMut(&Hole) -> bool) -> bool {
        let basic = self.basic.iter().flat_map(|(user, password)| [user, password]);
        let mut texts = self.headers.iter().map(|(_, value)| value).chain(basic);
        self.path.has(&mut wanted)
            || texts.any(|text| text.has(&mut wanted))
            || match &self.body {
                Body::None => false,
                Body::Json(body) => body.has(&mut wanted),
                Body::Form(fields) => fields.iter().any(|(_, value)| value.has(&mut wanted)),
            }
    }

    pub(crate) fn sets(&self, header: &HeaderName) -> bool {
        let by_basic = self.basic.is_some() && header == AUTHORIZATION;
        by_basic || self.headers.iter().any(|(name, _)| name == header)
    }

    pub(crate) fn expects(&self, status: StatusCode) -> bool {
        if self.expected.is_empty() {
            status.is_success()
        } else {
            self.expected.contains(&status)
        }
    }

    /// The whole address, on a base that has neither query nor fragment.
    pub(crate) fn url(&self, mut base: Url, values: &Values<'_>) -> Result<Url, BackendError> {
        let filled = self.path.path(values)?;
        let (path, query) = match filled.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (filled.as_str(), None),
        };
        let path = format!("{}{path}", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base.set_query(query);
        if base.path() != path {
            // The parser resolves `.` and `..`, percent-encoded too: another path than was meant.
            return Err(BackendError::misconfigured(format!(
                "a value in the path of {} is . or .., which would lead elsewhere; correct it where it comes from (the secret's document, or for an id the provider's reply)",
                self.shown
            )));
        }
        Ok(base)
    }

    /// The request to this address.
    pub(crate) fn request(
        &self,
        url: &Url,
        values: &Values<'_>,
    ) -> Result<http::Request<Bytes>, BackendError> {
        let mut request = http::Request::new(self.body(values)?);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = url.as_str().parse().map_err(|_| {
            BackendError::misconfigured(format!("the address of {} is no URI; correct it", self.shown))
        })?;
        *request.headers_mut() = self.headers(values)?;
        Ok(request)
    }

    fn body(&self, values: &Values<'_>) -> Result<Bytes, BackendError> {
        match &self.body {
            Body::None => Ok(Bytes::new()),
            Body::Json(body) => serde_json::to_vec(&Wiped(body.fill(values)?).0)
                .map(Bytes::from)
                .map_err(|_| {
                    BackendError::misconfigured(format!(
                        "the body of {} cannot be written as JSON",
                        self.shown
                    ))
                }),
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, template) in fields {
                    form.append_pair(name, &template.plain(values)?);
                }
                Ok(Bytes::from(form.finish()))
            }
        }
    }

    fn headers(&self, values: &Values<'_>) -> Result<HeaderMap, BackendError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(JSON));
        match self.body {
            Body::None => {}
            Body::Json(_) => _ = headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON)),
            Body::Form(_) => _ = headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM)),
        }
        if let Some((user, password)) = &self.basic {
            let value = basic(&user.plain(values)?, &password.plain(values)?).map_err(|why| {
                BackendError::misconfigured(format!("the user name of {} {why}", self.shown))
            })?;
            headers.insert(AUTHORIZATION, value);
        }
        for (name, template) in &self.headers {
            let mut value = header_value(&template.plain(values)?).ok_or_else(|| {
                BackendError::misconfigured(format!(
                    "a value in the header {name} of {} is not printable ASCII; correct it in the secret",
                    self.shown
                ))
            })?;
            value.set_sensitive(template.has(|_| true));
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The value of `authorization` for basic authentication (RFC 7617). What is wrong with the user name.
pub(crate) fn basic(user: &str, password: &str) -> Result<HeaderValue, &'static str> {
    if user.contains(':') {
        return Err("holds a colon, which basic authentication cannot send; correct it");
    }
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
    let mut value = HeaderValue::from_str(&text).map_err(|_| "cannot be sent; correct it")?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::ApiKeyDocument;
    use crate::template::ALL;

    fn document(value: &str) -> ApiKeyDocument {
        serde_json::from_value(json!({ "v": value })).unwrap()
    }

    fn url(path: &str, value: &str) -> Result<String, String> {
        let call = Request::get(path).compile(ALL).unwrap();
        let base = "https://h.example/v1/".parse().unwrap();
        let document = document(value);
        call.url(base, &Values::of(&document))
            .map(|url| url.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_laid_on_the_base() {
        assert_eq!(url("/keys", "").as_deref(), Ok("https://h.example/v1/keys"));
        assert_eq!(
            url("/keys/{secret.v}?a=b", "k 1").as_deref(),
            Ok("https://h.example/v1/keys/k%201?a=b")
        );
        assert_eq!(
            url("/keys?a={secret.v}", "x&b=c").as_deref(),
            Ok("https://h.example/v1/keys?a=x%26b%3Dc")
        );
    }

    #[test]
    fn a_value_cannot_leave_its_segment() {
        for hostile in [".", "..", ""] {
            assert!(url("/keys/{secret.v}", hostile).is_err(), "{hostile:?}");
            assert!(url("/keys/{secret.v}/more", hostile).is_err(), "{hostile:?}");
        }
        assert!(url("/keys/.{secret.v}", ".").is_err());
        for hostile in [
            "../..",
            "a/b",
            "%2e%2e",
            "a?b",
            "a#b",
            "//evil.example",
            "@evil.example",
        ] {
            let url = url("/keys/{secret.v}", hostile).unwrap();
            let rest = url.strip_prefix("https://h.example/v1/keys/").unwrap();
            assert!(!rest.contains(['/', '?', '#', '@']), "{hostile}: {url}");
        }
    }

    #[test]
    fn a_value_cannot_add_a_header() {
        let call = Request::get("/")
            .header("authorization", "Bearer {secret.v}")
            .compile(ALL)
            .unwrap();
        for hostile in ["SENTINEL\r\nx: y", "SENTINEL\n", "SENTINEL\0", "SENTINELé"] {
            let document = document(hostile);
            let error = call.headers(&Values::of(&document)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SENTINEL"), "{error:?}");
        }
        let document = document("SENTINEL");
        let headers = call.headers(&Values::of(&document)).unwrap();
        assert_eq!(headers["authorization"], "Bearer SENTINEL");
        assert!(headers["authorization"].is_sensitive() && !format!("{headers:?}").contains("SENTINEL"));
    }

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
    fn only_expected_statuses_are() {
        let expects = |request: Request, status| {
            request
                .compile(ALL)
                .unwrap()
                .expects(StatusCode::from_u16(status).unwrap())
        };
        assert!(expects(Request::get("/"), 204) && !expects(Request::get("/"), 302));
        let two = || Request::get("/").expect_status(201).expect_status(204);
        assert!(expects(two(), 204) && expects(two(), 201) && !expects(two(), 200));
    }

    #[test]
    fn a_value_cannot_add_a_field_to_a_form() {
        let form = Request::post("/").form([("FriendlyName", "x {secret.v}"), ("Kind", "a&b")]);
        let document = document("1&Admin=true#é");
        let call = form.compile(ALL).unwrap();
        assert_eq!(
            call.body(&Values::of(&document)).unwrap(),
            "FriendlyName=x+1%26Admin%3Dtrue%23%C3%A9&Kind=a%26b"
        );
        assert_eq!(
            call.headers(&Values::of(&document)).unwrap()["content-type"],
            "application/x-www-form-urlencoded"
        );
    }

    #[test]
    fn a_user_and_a_password_are_sent_as_basic_and_not_shown() {
        let call = Request::get("/")
            .basic_auth("Aladdin", "{secret.v}")
            .compile(ALL)
            .unwrap();
        let sesame = document("open sesame");
        let headers = call.headers(&Values::of(&sesame)).unwrap();
        assert_eq!(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(headers["authorization"].is_sensitive() && call.sets(&AUTHORIZATION));
        let call = Request::get("/")
            .basic_auth("{secret.v}", "x")
            .compile(ALL)
            .unwrap();
        let document = document("SENTINEL:");
        let error = call.headers(&Values::of(&document)).unwrap_err();
        assert!(error.to_string().contains("colon") && !error.to_string().contains("SENTINEL"));
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
