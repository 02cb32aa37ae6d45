//! The base URL of a provider.

use url::Url;

use crate::error::ProviderError;
use crate::placeholder::Allowed;
use crate::template::{Template, is_dots};

pub(super) fn template(url: Option<String>, allowed: Allowed<'_>) -> Result<Template, ProviderError> {
    let wrong = |why: String| ProviderError::new("base_url", why);
    let url = url.ok_or_else(|| wrong("the base URL is missing; add it".to_owned()))?;
    let template = Template::parse(url.trim_end_matches('/'), allowed).map_err(wrong)?;
    let sample = template.sample();
    if url.starts_with('{') && !url.starts_with("{{") {
        // The value at the start is a URL; what follows can only be a path.
        let rest = sample.strip_prefix('x').unwrap_or_default();
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(wrong(
                "a value at the start is a whole URL; let / or nothing follow it".to_owned(),
            ));
        }
        parse(&format!("https://host.invalid{rest}")).map_err(|why| wrong(why.to_owned()))?;
    } else {
        let base = parse(&sample).map_err(|why| wrong(why.to_owned()))?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(wrong("is not https; write https://HOST".to_owned()));
        }
    }
    Ok(template)
}

/// The text as a base URL. What is wrong with it, without quoting it.
pub(super) fn parse(text: &str) -> Result<Url, &'static str> {
    let control = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let url: Url = text.parse().map_err(|_| "is no URL; write https://HOST")?;
    if !url.has_host() || text.contains(control) || !text.contains("://") {
        return Err("is no URL with a host; write https://HOST");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment; take it out");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password before the host; take it out");
    }
    // The parser has resolved them: the path is another than was meant.
    let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_some_and(|(_, path)| path.split('/').any(is_dots)) {
        return Err("has . or .. as a segment of its path; write it without");
    }
    Ok(url)
}
