//! A request of a provider's description that has been checked, and how its placeholders are filled.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rotation_core::{BackendError, SecretJson};
use url::{Url, form_urlencoded};

use crate::header::{basic, header_value};
use crate::json_template::JsonTemplate;
use crate::placeholder::{Placeholder, Values};
use crate::template::Template;

#[cfg(test)]
mod tests;

/// A request that has been checked.
#[derive(Clone)]
pub(crate) struct Call {
    /// Method and path. It has no query and no values, so it is safe to print.
    pub(crate) shown: String,
    pub(crate) method: Method,
    pub(crate) path: Template,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) basic: Option<(Template, Template)>,
    pub(crate) body: Body,
    pub(crate) expected: Vec<StatusCode>,
}

#[derive(Clone)]
pub(crate) enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
}

impl Call {
    pub(crate) fn has(&self, mut wanted: impl FnMut(&Placeholder) -> bool) -> bool {
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
        let filled = self.path.fill_path(values)?;
        let (path, query) = match filled.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (filled.as_str(), None),
        };
        let path = format!("{}{path}", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base.set_query(query);
        if base.path() != path {
            // The parser resolves `.` and `..`, also where they are percent-encoded, and leads elsewhere.
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
            Body::Json(body) => serde_json::to_vec(SecretJson::from(body.fill(values)?).expose_secret())
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
                    form.append_pair(name, &template.fill_plain(values)?);
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
            let value = basic(&user.fill_plain(values)?, &password.fill_plain(values)?).map_err(|why| {
                BackendError::misconfigured(format!("the user name of {} {why}", self.shown))
            })?;
            headers.insert(AUTHORIZATION, value);
        }
        for (name, template) in &self.headers {
            let mut value = header_value(&template.fill_plain(values)?).ok_or_else(|| {
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
