//! A description as a JSON document.

use http::Method;
use rotation_core::PasswordPolicy;
use serde::Deserialize;
use serde_json::Value;

use super::Provider;
use super::builder::ProviderBuilder;
use crate::admin::AdminAuth;
#[cfg(feature = "oauth2")]
use crate::admin::OAuth2;
use crate::error::ProviderError;
use crate::page::Paging;
use crate::request::Request;

mod texts;
mod unreadable;

use texts::Texts;
use unreadable::unreadable;

impl Provider {
    /// The provider that this JSON document describes, checked: the same type as the
    /// [builder](Self::builder) makes.
    ///
    /// # Errors
    ///
    /// [`ProviderError`], which names the field and quotes no values.
    ///
    /// # The document
    ///
    /// An object with these fields, each as the method of [`ProviderBuilder`] of the same name has it.
    /// Others are refused.
    ///
    /// | field | value |
    /// |---|---|
    /// | `documentation` | links to where the vendor documents this, for people |
    /// | `base_url` | text |
    /// | `admin` | one of `{"bearer": {}}`, `{"header": {"name": …, "prefix": …}}`, `{"headers": {NAME: POINTER, …}}`, `{"basic": {"user_at": …, "password_at": …}}` and, with the feature `oauth2`, `{"oauth2": {"token_url": …, "client_id_at": …, "client_secret_at": …, "scopes": […], "credentials_in_body": …}}`; the first two may have `token_at` |
    /// | `create`, `upload`, `activate`, `list`, `verify`, `revoke` | a request |
    /// | `key_at`, `id_at`, `expires_at`, `items_at`, `item_id_at`, `item_label_at` | JSON pointers |
    /// | `pages` | one of `{"url": {"at": POINTER}}`, `{"cursor": {"at": POINTER, "parameter": …}}`, `{"number": {"parameter": …, "first": …}}` |
    /// | `may_lack` | of `"id"`, `"list"`, `"revoke"`: [`id_where_given`], [`list_where_supported`], [`revoke_where_supported`] |
    /// | `lacks` | of `"list"`, `"labels"`: [`without_list`], [`without_labels`] |
    /// | `max_keys` | number |
    /// | `key_policy` | `{"length": …, "exclude_characters": …, "exclude_numbers": …, "exclude_punctuation": …, "exclude_uppercase": …, "exclude_lowercase": …}`, as the variables of [`PasswordPolicy`] |
    /// | `key_field`, `key_id_field`, `expiry_field` | names of fields of the secret |
    ///
    /// A request is `{"method": …, "path": …}` with, where needed, `"headers": {NAME: TEXT, …}`,
    /// `"basic": {"user": …, "password": …}`, a body as `"json"` (any value) or `"form"`
    /// (`{NAME: TEXT, …}`), and `"expect": [STATUS, …]`, each of 200 to 299. No name stands twice in
    /// `headers` or `form`.
    ///
    /// ```
    /// let provider = rotation_http::Provider::from_json(r#"{
    ///     "base_url": "{secret.api_endpoint}",
    ///     "admin": {"header": {"name": "x-admin-token"}},
    ///     "create": {"method": "POST", "path": "/api-keys", "json": {"label": "{label}"}, "expect": [201]},
    ///     "key_at": "/key", "id_at": "/id",
    ///     "list": {"method": "GET", "path": "/api-keys"},
    ///     "items_at": "/keys", "item_id_at": "/id", "item_label_at": "/label",
    ///     "verify": {"method": "GET", "path": "/health", "headers": {"authorization": "Bearer {key}"}},
    ///     "revoke": {"method": "DELETE", "path": "/api-keys/{id}"}
    /// }"#)?;
    /// # Ok::<(), rotation_http::ProviderError>(())
    /// ```
    ///
    /// [`id_where_given`]: ProviderBuilder::id_where_given
    /// [`list_where_supported`]: ProviderBuilder::list_where_supported
    /// [`revoke_where_supported`]: ProviderBuilder::revoke_where_supported
    /// [`without_list`]: ProviderBuilder::without_list
    /// [`without_labels`]: ProviderBuilder::without_labels
    pub fn from_json(text: &str) -> Result<Self, ProviderError> {
        ProviderBuilder::from_json(text)?.build()
    }
}

impl ProviderBuilder {
    /// What a [JSON document](Provider::from_json) says, to be changed before it is built.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] for what is no such document. What cannot work is found by
    /// [`build`](Self::build).
    pub fn from_json(text: &str) -> Result<Self, ProviderError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let description: Description =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| unreadable(&error))?;
        reader.end().map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            ProviderError::new(
                "description",
                format!("goes on after its end at {place}; take that out"),
            )
        })?;
        description.builder()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(default)]
    #[allow(dead_code, reason = "for people who read the file")]
    documentation: Vec<String>,
    base_url: Option<String>,
    admin: Option<AdminDescription>,
    create: Option<RequestDescription>,
    upload: Option<RequestDescription>,
    activate: Option<RequestDescription>,
    list: Option<RequestDescription>,
    verify: Option<RequestDescription>,
    revoke: Option<RequestDescription>,
    key_at: Option<String>,
    id_at: Option<String>,
    expires_at: Option<String>,
    items_at: Option<String>,
    item_id_at: Option<String>,
    item_label_at: Option<String>,
    pages: Option<PagesDescription>,
    #[serde(default)]
    may_lack: Vec<MayLack>,
    #[serde(default)]
    lacks: Vec<Lacking>,
    max_keys: Option<usize>,
    key_policy: Option<PolicyDescription>,
    key_field: Option<String>,
    key_id_field: Option<String>,
    expiry_field: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum MayLack {
    Id,
    List,
    Revoke,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Lacking {
    List,
    Labels,
}

impl Description {
    fn builder(self) -> Result<ProviderBuilder, ProviderError> {
        let request =
            |given: Option<RequestDescription>, name| given.map(|given| given.request(name)).transpose();
        let key_policy = self.key_policy.map(PolicyDescription::policy).transpose()?;
        let mut builder = ProviderBuilder {
            base_url: self.base_url,
            admin: self.admin.map(AdminDescription::auth).transpose()?,
            create: request(self.create, "create")?,
            upload: request(self.upload, "upload")?,
            activate: request(self.activate, "activate")?,
            list: request(self.list, "list")?,
            verify: request(self.verify, "verify")?,
            revoke: request(self.revoke, "revoke")?,
            key_at: self.key_at,
            id_at: self.id_at,
            expiry_at: self.expires_at,
            items_at: self.items_at,
            item_id_at: self.item_id_at,
            item_label_at: self.item_label_at,
            paging: self.pages.map(PagesDescription::paging),
            max_keys: self.max_keys,
            key_policy,
            key_field: self.key_field,
            key_id_field: self.key_id_field,
            expiry_field: self.expiry_field,
            ..ProviderBuilder::default()
        };
        builder.optional.id = self.may_lack.contains(&MayLack::Id);
        builder.optional.list = self.may_lack.contains(&MayLack::List);
        builder.optional.revoke = self.may_lack.contains(&MayLack::Revoke);
        builder.lacks.list = self.lacks.contains(&Lacking::List);
        builder.lacks.labels = self.lacks.contains(&Lacking::Labels);
        if builder.optional.list && builder.lacks.list {
            return Err(ProviderError::new(
                "may_lack, lacks",
                "both name the list, of which one says that there may be none and the other that there is none; take it out of one",
            ));
        }
        for (name, lacking, is_there) in [
            ("list", builder.lacks.list, builder.list.is_some()),
            (
                "item_label_at",
                builder.lacks.labels,
                builder.item_label_at.is_some(),
            ),
        ] {
            if lacking && is_there {
                return Err(ProviderError::new(
                    name,
                    "is described, and lacks says that there is none; take one of them out",
                ));
            }
        }
        Ok(builder)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestDescription {
    method: MethodName,
    path: String,
    headers: Option<Texts>,
    basic: Option<BasicDescription>,
    json: Option<Value>,
    form: Option<Texts>,
    #[serde(default)]
    expect: Vec<u16>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum MethodName {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BasicDescription {
    user: String,
    password: String,
}

impl RequestDescription {
    fn request(self, name: &str) -> Result<Request, ProviderError> {
        let method = match self.method {
            MethodName::Get => Method::GET,
            MethodName::Post => Method::POST,
            MethodName::Put => Method::PUT,
            MethodName::Patch => Method::PATCH,
            MethodName::Delete => Method::DELETE,
        };
        let mut request = Request::new(method, self.path);
        let headers = self
            .headers
            .map(|headers| headers.pairs(&format!("{name}: headers"), str::eq_ignore_ascii_case))
            .transpose()?;
        for (name, value) in headers.unwrap_or_default() {
            request = request.header(name, value);
        }
        if let Some(basic) = self.basic {
            request = request.basic_auth(basic.user, basic.password);
        }
        request = match (self.json, self.form) {
            (Some(_), Some(_)) => {
                return Err(ProviderError::new(
                    format!("{name}: json, form"),
                    "are both there, and a request has one body; take one out",
                ));
            }
            (Some(body), None) => request.json(body),
            (None, Some(fields)) => {
                request.form(fields.pairs(&format!("{name}: form"), |one, other| one == other)?)
            }
            (None, None) => request,
        };
        Ok(self.expect.into_iter().fold(request, Request::expect_status))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PagesDescription {
    Url { at: String },
    Cursor { at: String, parameter: String },
    Number { parameter: String, first: u32 },
}

impl PagesDescription {
    fn paging(self) -> Paging {
        match self {
            Self::Url { at } => Paging::url_at(at),
            Self::Cursor { at, parameter } => Paging::cursor_at(at, parameter),
            Self::Number { parameter, first } => Paging::numbered(parameter, first),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
    Oauth2(OAuth2Description),
    #[cfg(not(feature = "oauth2"))]
    Oauth2(serde::de::IgnoredAny),
}

#[cfg(feature = "oauth2")]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuth2Description {
    token_url: String,
    client_id_at: Option<String>,
    client_secret_at: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    credentials_in_body: bool,
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
            Self::Headers(parts) => {
                AdminAuth::headers(parts.pairs("admin headers", str::eq_ignore_ascii_case)?)
            }
            Self::Basic { user_at, password_at } => AdminAuth::basic(user_at, password_at),
            #[cfg(feature = "oauth2")]
            Self::Oauth2(described) => described.oauth2().into(),
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

#[cfg(feature = "oauth2")]
impl OAuth2Description {
    fn oauth2(self) -> OAuth2 {
        let id = self.client_id_at.unwrap_or_else(|| "/client_id".to_owned());
        let secret = self
            .client_secret_at
            .unwrap_or_else(|| "/client_secret".to_owned());
        let oauth2 = OAuth2::new(self.token_url).credentials_at(id, secret);
        let oauth2 = self.scopes.into_iter().fold(oauth2, OAuth2::scope);
        match self.credentials_in_body {
            true => oauth2.credentials_in_body(),
            false => oauth2,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyDescription {
    length: Option<usize>,
    exclude_characters: Option<String>,
    exclude_numbers: Option<bool>,
    exclude_punctuation: Option<bool>,
    exclude_uppercase: Option<bool>,
    exclude_lowercase: Option<bool>,
}

impl PolicyDescription {
    fn policy(self) -> Result<PasswordPolicy, ProviderError> {
        let variables = |name: &str| match name {
            "PASSWORD_LENGTH" => Some(self.length.unwrap_or(48).to_string()),
            "EXCLUDE_CHARACTERS" => self.exclude_characters.clone(),
            "EXCLUDE_NUMBERS" => self.exclude_numbers.map(|left_out| left_out.to_string()),
            "EXCLUDE_PUNCTUATION" => Some(self.exclude_punctuation.unwrap_or(true).to_string()),
            "EXCLUDE_UPPERCASE" => self.exclude_uppercase.map(|left_out| left_out.to_string()),
            "EXCLUDE_LOWERCASE" => self.exclude_lowercase.map(|left_out| left_out.to_string()),
            _ => None,
        };
        PasswordPolicy::from_variables(variables, PasswordPolicy::DEFAULT_EXCLUSIONS).map_err(|error| {
            let problem = error.to_string().replace("PASSWORD_LENGTH", "length");
            let problem = problem.replace("EXCLUDE_ variables", "exclude_ fields");
            ProviderError::new("key_policy", format!("{problem}; correct it"))
        })
    }
}
