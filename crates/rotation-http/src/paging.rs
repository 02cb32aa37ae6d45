//! Lists that come in pages.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::error::ProviderError;
use crate::pointer;
use crate::reply::id_text;

/// How the next page of a list is found.
///
/// A page that cannot be had fails the whole list: half of one would hide orphans. So does a page that
/// leads back to one before it, and one after the hundredth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paging(pub(crate) Pages);

/// How, as it stands in JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "an object")]
pub(crate) enum Pages {
    Url { at: String },
    Cursor { at: String, parameter: String },
    Number { parameter: String, first: u32 },
}

/// No more pages than these.
pub(crate) const MOST_PAGES: usize = 100;

impl Paging {
    /// A reply holds the next page's URL here, whole or from its path on. Null, absent or empty on the
    /// last page. A whole one has to be of the same scheme, host and port as the list.
    pub fn url_at(pointer: impl Into<String>) -> Self {
        let at = pointer.into();
        Self(Pages::Url { at })
    }

    /// A reply holds a token here (a text or a whole number), which is sent as this query parameter to
    /// get the next page. Null, absent or empty on the last page.
    pub fn cursor_at(pointer: impl Into<String>, parameter: impl Into<String>) -> Self {
        let (at, parameter) = (pointer.into(), parameter.into());
        Self(Pages::Cursor { at, parameter })
    }

    /// Pages are numbered from `first`, and asked for by this query parameter, until one has no keys or is
    /// answered with 404.
    pub fn numbered(parameter: impl Into<String>, first: u32) -> Self {
        let parameter = parameter.into();
        Self(Pages::Number { parameter, first })
    }

    pub(crate) fn is_numbered(&self) -> bool {
        matches!(self.0, Pages::Number { .. })
    }

    pub(crate) fn check(&self) -> Result<(), ProviderError> {
        match &self.0 {
            Pages::Url { at } => pointer::check("pages", at),
            Pages::Cursor { at, parameter } => {
                pointer::check("pages", at)?;
                check_parameter(parameter)
            }
            Pages::Number { parameter, .. } => check_parameter(parameter),
        }
    }

    /// The first page's URL.
    pub(crate) fn first(&self, list: &Url) -> Url {
        match &self.0 {
            Pages::Number { parameter, first } => with_parameter(list, parameter, &first.to_string()),
            Pages::Url { .. } | Pages::Cursor { .. } => list.clone(),
        }
    }

    /// The URL of the page after this reply, which held so many keys and was page number `page`, from 0.
    /// `None` if it was the last. What is wrong with it, without quoting it.
    pub(crate) fn next(
        &self,
        list: &Url,
        reply: &Value,
        keys: usize,
        page: u32,
    ) -> Result<Option<Url>, &'static str> {
        match &self.0 {
            Pages::Url { at } => match text_at(reply, at)? {
                Some(next) => following(list, &next).map(Some),
                None => Ok(None),
            },
            Pages::Cursor { at, parameter } => {
                let cursor = text_at(reply, at)?;
                Ok(cursor.map(|cursor| with_parameter(list, parameter, &cursor)))
            }
            Pages::Number { .. } if keys == 0 => Ok(None),
            Pages::Number { parameter, first } => {
                let number = first.saturating_add(page).saturating_add(1);
                Ok(Some(with_parameter(list, parameter, &number.to_string())))
            }
        }
    }
}

fn check_parameter(name: &str) -> Result<(), ProviderError> {
    if name.is_empty() {
        return Err(ProviderError::new(
            "pages",
            "the name in parameter is empty; write the query parameter's",
        ));
    }
    Ok(())
}

fn text_at(reply: &Value, at: &str) -> Result<Option<String>, &'static str> {
    match reply.pointer(at) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value @ (Value::String(_) | Value::Number(_))) => Ok(Some(id_text(value))),
        Some(_) => Err("the pointer to the next page leads to neither a text nor a number; correct pages"),
    }
}

/// The list's URL with this parameter, instead of one of the same name.
fn with_parameter(list: &Url, name: &str, value: &str) -> Url {
    let mut url = list.clone();
    let others: Vec<_> = list
        .query_pairs()
        .into_owned()
        .filter(|(other, _)| other != name)
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(name, value);
    url
}

/// Where a reply says that the next page is. The admin credential goes there, so it must be the same
/// origin.
fn following(list: &Url, next: &str) -> Result<Url, &'static str> {
    let url = list
        .join(next)
        .map_err(|_| "the next page's URL cannot be read; correct pages")?;
    let same = (url.scheme(), url.host(), url.port_or_known_default())
        == (list.scheme(), list.host(), list.port_or_known_default());
    let is_plain = url.username().is_empty() && url.password().is_none() && !next.contains('\\');
    match same && is_plain {
        true => Ok(url),
        false => Err(
            "the next page's URL leads to another host than the list, where the admin credential is not sent; correct the base URL",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list() -> Url {
        "https://api.example/v1/keys?size=2&page=0".parse().unwrap()
    }

    fn next(paging: &Paging, reply: &Value, keys: usize, page: u32) -> Result<Option<String>, &'static str> {
        let next = paging.next(&list(), reply, keys, page);
        next.map(|url| url.map(String::from))
    }

    #[test]
    fn the_next_page_is_where_the_reply_says() {
        let urls = Paging::url_at("/next");
        for (given, expected) in [
            (
                json!({"next": "https://api.example/v1/keys?t=a%26b"}),
                Some("https://api.example/v1/keys?t=a%26b"),
            ),
            (
                json!({"next": "/v1/keys?Page=1"}),
                Some("https://api.example/v1/keys?Page=1"),
            ),
            (json!({"next": "?t=2"}), Some("https://api.example/v1/keys?t=2")),
            (json!({"next": null}), None),
            (json!({"next": ""}), None),
            (json!({}), None),
        ] {
            assert_eq!(
                next(&urls, &given, 2, 0),
                Ok(expected.map(str::to_owned)),
                "{given}"
            );
        }
        for hostile in [
            "https://evil.example/v1/keys",
            "//evil.example/",
            "http://api.example/v1/keys",
            "https://api.example:8443/",
            "https://user@api.example/",
            "\\\\evil.example/",
            "data:text/plain,x",
        ] {
            let error = next(&urls, &json!({ "next": hostile }), 2, 0).unwrap_err();
            assert!(!error.contains("evil") && error.contains(';'), "{error}");
        }
        assert!(next(&urls, &json!({"next": {}}), 2, 0).is_err());
    }

    #[test]
    fn a_cursor_or_a_number_is_a_parameter_that_cannot_inject() {
        let cursor = Paging::cursor_at("/next", "page");
        let at = |value: Value| next(&cursor, &json!({ "next": value }), 2, 0).unwrap();
        let base = "https://api.example/v1/keys?size=2&page=";
        assert_eq!(at(json!("a&b=c#d")), Some(format!("{base}a%26b%3Dc%23d")));
        assert_eq!(at(json!(7)), Some(format!("{base}7")));
        assert_eq!(at(json!(null)), None);
        let numbers = Paging::numbered("page", 1);
        assert_eq!(numbers.first(&list()).as_str(), format!("{base}1"));
        assert_eq!(next(&numbers, &json!([]), 2, 0), Ok(Some(format!("{base}2"))));
        assert_eq!(next(&numbers, &json!([]), 0, 7), Ok(None));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for paging in [
            Paging::url_at("next"),
            Paging::cursor_at("next", "page"),
            Paging::cursor_at("/next", ""),
            Paging::numbered("", 0),
        ] {
            assert_eq!(paging.check().unwrap_err().part(), "pages", "{paging:?}");
        }
    }
}
