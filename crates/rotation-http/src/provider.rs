//! The description of a provider, and the checks on it.

use std::fmt;

use rotation_core::BackendError;
use url::Url;

use crate::document::ApiKeyDocument;
use crate::error::ProviderError;
use crate::request::{Call, Request};
use crate::template::{Allowed, Hole, Template, Values, is_dots};

/// How keys are made, listed, verified and revoked at a provider, and where its replies hold what.
///
/// ```
/// use rotation_http::{Provider, Request};
/// use serde_json::json;
///
/// let provider = Provider::builder()
///     .base_url("https://api.vendor.com/v1") // or "{secret.api_endpoint}", from the secret
///     .create(Request::post("/api-keys").json(json!({"account": "{secret.account_id}", "label": "{label}"})))
///     .key_at("/key")
///     .id_at("/id")
///     .list(Request::get("/api-keys?account={secret.account_id}"))
///     .items_at("/keys")
///     .item_id_at("/id")
///     .item_label_at("/label")
///     .verify(Request::get("/health").header("authorization", "Bearer {key}"))
///     .revoke(Request::delete("/api-keys/{id}"))
///     .build()?;
/// # Ok::<(), rotation_http::ProviderError>(())
/// ```
#[derive(Clone)]
pub struct Provider {
    base: Template,
    pub(crate) create: Call,
    pub(crate) list: Call,
    pub(crate) verify: Call,
    pub(crate) revoke: Call,
    pub(crate) at: Pointers,
    pub(crate) optional: Optional,
    pub(crate) key_field: String,
    pub(crate) key_id_field: String,
}

/// What the provider may lack: declared, never guessed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Optional {
    pub(crate) id: bool,
    pub(crate) list: bool,
    pub(crate) revoke: bool,
}

/// JSON pointers (RFC 6901) into the provider's replies.
#[derive(Clone, Debug)]
pub(crate) struct Pointers {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) items: String,
    pub(crate) item_id: String,
    pub(crate) item_label: String,
}

impl Provider {
    /// An empty description. The base URL, the four requests and the five pointers are needed.
    pub fn builder() -> ProviderBuilder {
        ProviderBuilder::default()
    }

    /// The base URL where it does not depend on a secret.
    pub(crate) fn fixed_base(&self) -> Option<Url> {
        if self.base.has(|_| true) {
            None
        } else {
            self.base.sample().parse().ok()
        }
    }

    /// The base URL for this document; neither its host nor its scheme has been checked.
    pub(crate) fn base(&self, document: &ApiKeyDocument) -> Result<Url, BackendError> {
        let filled = self.base.base(&Values::of(document))?;
        parse_base(&filled)
            .map_err(|why| BackendError::misconfigured(format!("the provider's base URL {why}")))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("create", &self.create.shown)
            .field("list", &self.list.shown)
            .field("verify", &self.verify.shown)
            .field("revoke", &self.revoke.shown)
            .field("at", &self.at)
            .field("optional", &self.optional)
            .field("key_field", &self.key_field)
            .field("key_id_field", &self.key_id_field)
            .finish_non_exhaustive()
    }
}

/// Puts a [`Provider`] together.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProviderBuilder {
    base_url: Option<String>,
    create: Option<Request>,
    list: Option<Request>,
    verify: Option<Request>,
    revoke: Option<Request>,
    key_at: Option<String>,
    id_at: Option<String>,
    items_at: Option<String>,
    item_id_at: Option<String>,
    item_label_at: Option<String>,
    optional: Optional,
    key_field: Option<String>,
    key_id_field: Option<String>,
}

impl ProviderBuilder {
    /// What every request's path is laid on: `https://api.vendor.com/v1`, or with the whole URL or
    /// parts of it from the secret's document, `{secret.api_endpoint}`,
    /// `https://{secret.site}.vendor.com`. Its host must be among the [`AllowedHosts`].
    ///
    /// [`AllowedHosts`]: crate::AllowedHosts
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The request that makes a key, sent with the admin credential. It has to carry `{label}` as
    /// the key's name or description: by it a later run finds a key that nobody stored. Labels are
    /// at most 62 characters of `a-z`, `0-9` and `-`.
    pub fn create(mut self, request: Request) -> Self {
        self.create = Some(request);
        self
    }

    /// Where the reply to create holds the key.
    pub fn key_at(mut self, pointer: impl Into<String>) -> Self {
        self.key_at = Some(pointer.into());
        self
    }

    /// Where the reply to create holds the key's id: a text, or a whole number of at most 64 bits.
    pub fn id_at(mut self, pointer: impl Into<String>) -> Self {
        self.id_at = Some(pointer.into());
        self.optional.id = false;
        self
    }

    /// Like [`id_at`](Self::id_at), for a provider that may answer without an id. Instead of it.
    ///
    /// A key that is made without an id replaces the old one in the secret, whose id is taken out of
    /// the document. It counts as live from then on: it is never revoked, nor is any key beside it
    /// that may be the same, and a warning is logged when it is made. The verify request then has to
    /// do without `{id}`, and [`Grace::None`](rotation_core::Grace::None) cannot be kept: finishSecret
    /// says so after each promotion.
    pub fn id_where_given(mut self, pointer: impl Into<String>) -> Self {
        self = self.id_at(pointer);
        self.optional.id = true;
        self
    }

    /// The request that lists keys, sent with the admin credential. One reply has to list all of
    /// them, with their labels as create sent them: ask for the largest page that the provider
    /// gives. Keys that were revoked must not be listed: filter them out. See
    /// [`HttpBackend`](crate::HttpBackend#what-the-provider-has-to-do).
    pub fn list(mut self, request: Request) -> Self {
        self.list = Some(request);
        self.optional.list = false;
        self
    }

    /// Like [`list`](Self::list), for a provider that may have no listing: a status of 404, 405 or
    /// 501 then means that it has none. Instead of it.
    ///
    /// Where it has none, nothing finds the key of a try that died between making and storing it: at
    /// most one for each such try stays at the provider, and works. Each createSecret logs a warning
    /// that says so. Any other failure of the list stops createSecret, as without this.
    pub fn list_where_supported(mut self, request: Request) -> Self {
        self = self.list(request);
        self.optional.list = true;
        self
    }

    /// Where the reply to list holds the array of keys; the empty pointer for the reply itself. A
    /// null counts as no keys.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.items_at = Some(pointer.into());
        self
    }

    /// Where an item of the list holds the key's id.
    pub fn item_id_at(mut self, pointer: impl Into<String>) -> Self {
        self.item_id_at = Some(pointer.into());
        self
    }

    /// Where an item of the list holds what create sent as the label.
    pub fn item_label_at(mut self, pointer: impl Into<String>) -> Self {
        self.item_label_at = Some(pointer.into());
        self
    }

    /// A request that a working `{key}` is enough for, without any effect. It does not carry the
    /// admin credential. `{id}` is the key's id.
    pub fn verify(mut self, request: Request) -> Self {
        self.verify = Some(request);
        self
    }

    /// The request that ends the key `{id}`, sent with the admin credential. A status of 404 or 410
    /// means that it was gone already.
    pub fn revoke(mut self, request: Request) -> Self {
        self.revoke = Some(request);
        self.optional.revoke = false;
        self
    }

    /// Like [`revoke`](Self::revoke), for a provider that may not let keys be revoked. Instead of it.
    ///
    /// A status of 405 or 501 then means that it does not: the key is kept, with a warning. So may
    /// 404: the key counts as gone only if the list is there, has an id for each key, and does not
    /// show this one; else it is kept, with a warning. 410 means that it was gone already.
    pub fn revoke_where_supported(mut self, request: Request) -> Self {
        self = self.revoke(request);
        self.optional.revoke = true;
        self
    }

    /// The field of the secret's document that holds the key. `api_key` by default.
    pub fn key_field(mut self, name: impl Into<String>) -> Self {
        self.key_field = Some(name.into());
        self
    }

    /// The field of the secret's document that holds the key's id. `key_id` by default. The first
    /// rotation adds it where it is missing; a key without it is never revoked.
    pub fn key_id_field(mut self, name: impl Into<String>) -> Self {
        self.key_id_field = Some(name.into());
        self
    }

    /// The description, checked.
    ///
    /// # Errors
    ///
    /// [`ProviderError`], which names the first part that is missing or cannot work.
    pub fn build(self) -> Result<Provider, ProviderError> {
        let (key_field, key_id_field) = fields(self.key_field, self.key_id_field)?;
        let secret = Allowed {
            key: false,
            id: false,
            label: false,
            key_field: &key_field,
        };
        let create = compile(
            "create",
            self.create,
            Allowed {
                label: true,
                ..secret
            },
        )?;
        let verify = Allowed {
            key: true,
            id: true,
            ..secret
        };
        let verify = compile("verify", self.verify, verify)?;
        let revoke = compile("revoke", self.revoke, Allowed { id: true, ..secret })?;
        needs(
            &create,
            "create",
            |hole| *hole == Hole::Label,
            "{label}, by which a key that was not stored is found",
        )?;
        let is_key = |hole: &Hole| *hole == Hole::Key || *hole == Hole::Secret(key_field.clone());
        needs(
            &verify,
            "verify",
            is_key,
            "{key}, so that it proves that the key works",
        )?;
        needs(
            &revoke,
            "revoke",
            |hole| *hole == Hole::Id,
            "{id}, so that it ends one key only",
        )?;
        if self.key_at.is_some() && self.key_at == self.id_at {
            return Err(ProviderError::new(
                "id_at",
                "points at the key itself, and ids are logged; point it at the id",
            ));
        }
        let base = base_template(self.base_url, secret)?;
        let list = compile("list", self.list, secret)?;
        if self.optional.id {
            let is_id = |hole: &Hole| *hole == Hole::Id || *hole == Hole::Secret(key_id_field.clone());
            needs_no_id("base_url", base.has(is_id))?;
            needs_no_id("create", create.has(is_id))?;
            needs_no_id("list", list.has(is_id))?;
            needs_no_id("verify", verify.has(is_id))?;
        }
        Ok(Provider {
            base,
            list,
            at: Pointers {
                key: pointer("key_at", self.key_at)?,
                id: pointer("id_at", self.id_at)?,
                items: pointer("items_at", self.items_at)?,
                item_id: pointer("item_id_at", self.item_id_at)?,
                item_label: pointer("item_label_at", self.item_label_at)?,
            },
            optional: self.optional,
            create,
            verify,
            revoke,
            key_field,
            key_id_field,
        })
    }
}

fn fields(key: Option<String>, id: Option<String>) -> Result<(String, String), ProviderError> {
    let key = key.unwrap_or_else(|| "api_key".to_owned());
    let id = id.unwrap_or_else(|| "key_id".to_owned());
    if key.is_empty() || id.is_empty() || key == id {
        return Err(ProviderError::new(
            "key_field, key_id_field",
            "are empty or the same; name two fields of the document",
        ));
    }
    Ok((key, id))
}

fn compile(
    name: &'static str,
    request: Option<Request>,
    allowed: Allowed<'_>,
) -> Result<Call, ProviderError> {
    request
        .ok_or_else(|| ProviderError::new(name, format!("the request is missing; call {name}")))?
        .compile(allowed)
        .map_err(|error| error.within(name))
}

fn needs(
    call: &Call,
    name: &'static str,
    hole: impl Fn(&Hole) -> bool,
    what: &str,
) -> Result<(), ProviderError> {
    if call.has(hole) {
        return Ok(());
    }
    Err(ProviderError::new(
        name,
        format!("the request has no {what}; put it into the path, a header or the body"),
    ))
}

/// Refuses a part that could not be filled for a key without an id.
fn needs_no_id(name: &'static str, has_id: bool) -> Result<(), ProviderError> {
    if !has_id {
        return Ok(());
    }
    Err(ProviderError::new(
        name,
        "needs the key's id, which the provider may not give (id_where_given); take it out",
    ))
}

/// Checks a JSON pointer's form.
pub(crate) fn pointer(name: &'static str, pointer: Option<String>) -> Result<String, ProviderError> {
    let pointer =
        pointer.ok_or_else(|| ProviderError::new(name, format!("the pointer is missing; call {name}")))?;
    let escapes = pointer
        .split('~')
        .skip(1)
        .all(|after| after.starts_with(['0', '1']));
    if (pointer.is_empty() || pointer.starts_with('/')) && escapes {
        return Ok(pointer);
    }
    Err(ProviderError::new(
        name,
        format!("{pointer:?} is no JSON pointer; write it as \"/key\" or \"/data/0/key\""),
    ))
}

fn base_template(url: Option<String>, allowed: Allowed<'_>) -> Result<Template, ProviderError> {
    let wrong = |why: String| ProviderError::new("base_url", why);
    let url = url.ok_or_else(|| wrong("the base URL is missing; call base_url".to_owned()))?;
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
        parse_base(&format!("https://host.invalid{rest}")).map_err(|why| wrong(why.to_owned()))?;
    } else {
        let base = parse_base(&sample).map_err(|why| wrong(why.to_owned()))?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(wrong("is not https; write https://HOST".to_owned()));
        }
    }
    Ok(template)
}

/// The text as a base URL. What is wrong with it, without quoting it.
fn parse_base(text: &str) -> Result<Url, &'static str> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complete() -> ProviderBuilder {
        Provider::builder()
            .base_url("https://api.vendor.com/v1/")
            .create(Request::post("/keys").json(json!({"name": "{label}"})))
            .key_at("/key")
            .id_at("/id")
            .list(Request::get("/keys"))
            .items_at("")
            .item_id_at("/id")
            .item_label_at("/name")
            .verify(Request::get("/me").header("authorization", "Bearer {key}"))
            .revoke(Request::delete("/keys/{id}"))
    }

    #[test]
    fn a_complete_description_is_built() {
        let provider = complete().build().unwrap();
        assert_eq!(
            provider.fixed_base().unwrap().as_str(),
            "https://api.vendor.com/v1"
        );
        assert!(
            complete()
                .base_url("{secret.endpoint}")
                .build()
                .unwrap()
                .fixed_base()
                .is_none()
        );
        let by_field = Request::get("/me").header("x-key", "{secret.api_key}");
        assert!(complete().verify(by_field).build().is_ok());
    }

    #[test]
    fn errors_name_the_part_and_the_remedy() {
        let get = Request::get;
        for (builder, part) in [
            (Provider::builder(), "create"),
            (
                ProviderBuilder {
                    base_url: None,
                    ..complete()
                },
                "base_url",
            ),
            (
                ProviderBuilder {
                    create: None,
                    ..complete()
                },
                "create",
            ),
            (
                ProviderBuilder {
                    list: None,
                    ..complete()
                },
                "list",
            ),
            (
                ProviderBuilder {
                    verify: None,
                    ..complete()
                },
                "verify",
            ),
            (
                ProviderBuilder {
                    revoke: None,
                    ..complete()
                },
                "revoke",
            ),
            (
                ProviderBuilder {
                    key_at: None,
                    ..complete()
                },
                "key_at",
            ),
            (
                ProviderBuilder {
                    id_at: None,
                    ..complete()
                },
                "id_at",
            ),
            (
                ProviderBuilder {
                    items_at: None,
                    ..complete()
                },
                "items_at",
            ),
            (
                ProviderBuilder {
                    item_id_at: None,
                    ..complete()
                },
                "item_id_at",
            ),
            (
                ProviderBuilder {
                    item_label_at: None,
                    ..complete()
                },
                "item_label_at",
            ),
            (complete().create(Request::post("/keys")), "create"),
            (complete().create(Request::post("/{label}/{id}")), "create: path"),
            (
                complete().create(Request::post("/{label}").header("x", "{key}")),
                "create: header \"x\"",
            ),
            (
                complete().create(Request::post("/{label}").header("x", "{secret.api_key}")),
                "create: header \"x\"",
            ),
            (complete().list(get("/{label}")), "list: path"),
            (
                complete().list(get("/{secret.token}")).key_field("token"),
                "list: path",
            ),
            (complete().verify(get("/me")), "verify"),
            (complete().verify(get("/{key}/{label}")), "verify: path"),
            (complete().revoke(Request::delete("/keys")), "revoke"),
            (
                complete().revoke(Request::delete("/keys/{id}?k={key}")),
                "revoke: path",
            ),
            (complete().key_at("key"), "key_at"),
            (complete().id_at("/key"), "id_at"),
            (complete().id_at("/a~2"), "id_at"),
            (complete().key_field(""), "key_field, key_id_field"),
            (complete().key_id_field("api_key"), "key_field, key_id_field"),
            (complete().base_url("api.vendor.com"), "base_url"),
            (complete().base_url("ftp://api.vendor.com"), "base_url"),
            (complete().base_url("https:api.vendor.com"), "base_url"),
            (complete().base_url("https://user@api.vendor.com"), "base_url"),
            (complete().base_url("https://api.vendor.com?a=b"), "base_url"),
            (complete().base_url("https://api.vendor.com#a"), "base_url"),
            (complete().base_url("https://api.vendor.com/a/../b"), "base_url"),
            (complete().base_url("https://api.vendor.com/%2E"), "base_url"),
            (complete().base_url("{secret.a}/%2e%2E/b"), "base_url"),
            (complete().base_url("{secret.a}{secret.b}"), "base_url"),
            (complete().base_url("{secret.a}:8080"), "base_url"),
            (complete().base_url("{key}"), "base_url"),
            (complete().base_url(""), "base_url"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.part(), part, "{error}");
            assert!(error.to_string().contains(';'), "no remedy: {error}");
        }
    }

    #[test]
    fn an_id_that_may_not_be_given_is_not_relied_on() {
        let optional = || complete().id_where_given("/id");
        assert!(optional().build().is_ok());
        let by_id = Request::get("/me/{id}").header("x-key", "{key}");
        assert!(complete().verify(by_id.clone()).build().is_ok());
        for (builder, part) in [
            (optional().verify(by_id.clone()), "verify"),
            (optional().list(Request::get("/keys/{secret.key_id}")), "list"),
            (
                optional().create(Request::post("/{label}/{secret.key_id}")),
                "create",
            ),
            (
                optional().base_url("https://h.example/{secret.key_id}"),
                "base_url",
            ),
            (optional().id_where_given("/key"), "id_at"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.part(), part, "{error}");
        }
        // The last call says what holds.
        assert!(optional().verify(by_id).id_at("/id").build().is_ok());
    }

    #[test]
    fn a_base_from_the_secret_is_checked_when_it_is_known() {
        let provider = complete().base_url("{secret.endpoint}/v2").build().unwrap();
        let base = |value: &str| {
            let document = serde_json::from_value(json!({ "endpoint": value })).unwrap();
            provider
                .base(&document)
                .map(|url| url.to_string())
                .map_err(|error| error.to_string())
        };
        assert_eq!(base("https://h.example/").as_deref(), Ok("https://h.example/v2"));
        for hostile in [
            "",
            "SENTINEL",
            "https://h.example?SENTINEL",
            "https://h.example#SENTINEL",
            "https://SENTINEL@h.example",
            "https://h.example\\SENTINEL",
            "https://h.ex\namSENTINEL",
            "data:SENTINEL",
            "https:SENTINEL.example",
        ] {
            let error = base(hostile).unwrap_err();
            assert!(!error.contains("SENTINEL"), "{hostile:?}: {error}");
        }
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_the_base() {
        let base = |template: &str, value: &str| {
            let provider = complete().base_url(template).build().unwrap();
            let document = serde_json::from_value(json!({ "tenant": value })).unwrap();
            provider
                .base(&document)
                .map(|url| url.to_string())
                .map_err(|error| error.to_string())
        };
        let template = "https://api.vendor.com/tenants/{secret.tenant}/v1";
        assert_eq!(
            base(template, "a..b/%").as_deref(),
            Ok("https://api.vendor.com/tenants/a..b%2F%25/v1")
        );
        for dots in [".", "..", "%2e", "%2e%2e", ".%2E", "%252e%252E", "%25252e."] {
            let error = base(template, dots).unwrap_err();
            assert!(error.contains("{secret.tenant}"), "{dots}: {error}");
        }
        for (template, value) in [
            ("https://api.vendor.com/tenants/.{secret.tenant}/v1", "."),
            ("https://api.vendor.com/tenants/%2e{secret.tenant}", "."),
            ("{secret.tenant}/v1", "https://api.vendor.com/tenants/.."),
            ("{secret.tenant}/v1", "https://api.vendor.com/a/%2E%2e/b"),
        ] {
            let error = base(template, value).unwrap_err();
            assert!(error.contains(". or .."), "{template}: {error}");
        }
    }

    #[test]
    fn debug_shows_requests_without_their_values() {
        let builder = complete().list(Request::get("/keys?t=SENTINEL").header("x", "SENTINEL"));
        let text = format!("{builder:?} {:?}", builder.clone().build().unwrap());
        assert!(text.contains("GET /keys") && !text.contains("SENTINEL"), "{text}");
    }
}
