//! One request of a provider's description.

use std::fmt;

use http::Method;
use serde_json::Value;

mod described;

pub(crate) use described::RequestDescription;

use described::Basic;

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
pub struct Request(pub(crate) RequestDescription);

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

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self(RequestDescription::new(method, path.into()))
    }

    /// With this header. `accept: application/json` is there unless set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let headers = self.0.headers.get_or_insert_default();
        headers.0.push((name.into(), value.into()));
        self
    }

    /// With this user name and password as `authorization: Basic`, both with placeholders, in verify:
    /// the admin credential of the other requests has [its own form](crate::AdminAuth::basic).
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.0.basic = Some(Basic {
            user: user.into(),
            password: password.into(),
        });
        self
    }

    /// With this body. Placeholders stand in its texts, not in its names.
    pub fn json(mut self, body: Value) -> Self {
        self.0.json = Some(body);
        self.0.form = None;
        self
    }

    /// With these fields as a body of `application/x-www-form-urlencoded`, instead of JSON. Placeholders
    /// stand in the values, not in the names.
    pub fn form<N: Into<String>, V: Into<String>>(
        mut self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.0.form = Some(fields.into_iter().collect());
        self.0.json = None;
        self
    }

    /// Success is this status, of 200 to 299, and no other unless the call is repeated with it. Any of
    /// these without.
    pub fn expect_status(mut self, status: u16) -> Self {
        self.0.expect.push(status);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
                .0
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
