//! A description as a JSON document.

use super::Provider;
use super::builder::ProviderBuilder;
use super::description::Description;
use crate::error::ProviderError;

mod unreadable;

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
    /// | `key_policy` | `{"length": …, "exclude_characters": …, "exclude_numbers": …, "exclude_punctuation": …, "exclude_uppercase": …, "exclude_lowercase": …}`, as the variables of [`PasswordPolicy`](rotation_core::PasswordPolicy) |
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
        description.check_json()?;
        Ok(Self(description))
    }
}
