//! Ready-made descriptions of real vendors, as [JSON documents](crate::Provider::from_json), and why two
//! vendors have none.
//!
//! Each was written after the vendor's public documentation, which it links, and is tested against a local
//! server that answers in the documented shape. **None was tested against the live service**: do a dry run
//! and a first rotation with a secret that nothing depends on.
//!
//! | description | what it rotates | fields of the secret, besides `api_key` and `key_id` | admin secret |
//! |---|---|---|---|
//! | [`SENDGRID`] | API keys with the scope `mail.send` | – | an API key with the scopes `api_keys.*`, as plain text |
//! | [`DATADOG`] | API keys | `site`: `datadoghq.com`, `datadoghq.eu`, … | `{"api_key", "application_key"}` of a user who may manage keys |
//! | [`TWILIO`] | Standard API keys | `account_sid` | `{"user", "password"}`: a Main API key, or the account's SID and auth token |
//! | [`CONFLUENT_CLOUD`] | Cloud API keys of one owner | `owner_id`: `sa-…` or `u-…` | `{"key_id", "api_key"}` of a Cloud API key that may manage keys |
//! | [`CLOUDFLARE`] | user API tokens with one permission group on all zones | `permission_group_id` | a token that may edit API tokens, as plain text |
//! | [`MONGODB_ATLAS`] | secrets of an organisation's service account | `org_id`, `client_id`; the key is in `client_secret`, its id in `client_secret_id`, and `expires_at` is kept | `{"client_id", "client_secret"}` of another service account, by OAuth 2.0 (feature `oauth2`) |
//!
//! What a key may do is part of its create request: copy the document, and write your own scopes, policies
//! or expiry into it. The hosts to allow are those of `base_url` and of the admin's `token_url`.
//!
//! ```
//! use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, vendors};
//!
//! # let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:sendgrid-admin-abc123";
//! let provider = Provider::from_json(vendors::SENDGRID)?;
//! let backend = HttpBackend::new(provider, Admin::secret(arn), AllowedHosts::new(["api.sendgrid.com"])?)?;
//! # Ok::<(), rotation_http::ProviderError>(())
//! ```
//!
//! # Stripe
//!
//! None is possible: [secret and restricted keys](https://docs.stripe.com/keys) are created, rotated and
//! deleted in the Dashboard, and no public API does it; the one behind
//! [managed keys](https://docs.stripe.com/keys/managed-api-keys) is for hosting platforms. Use one restricted
//! key per service, rotate it in the Dashboard with an expiry of the old key of some days, and store the new
//! one in the secret, without a rotation function. (For vendors that AWS itself rotates, see [managed external
//! secrets](https://docs.aws.amazon.com/secretsmanager/latest/userguide/managed-external-secrets.html).)
//!
//! # GitHub
//!
//! None is possible for [personal access
//! tokens](https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens):
//! they are created in the settings of a signed-in user, and the REST API has no request for it. Use a GitHub
//! App: its [installation access
//! tokens](https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app)
//! live for an hour and are asked for when needed, so there is nothing to rotate; only the App's private key
//! is stored, of which there may be several, made by hand. For workflows, OIDC needs no stored credential.

/// Twilio SendGrid's API keys, for global users; EU subusers change the host to `api.eu.sendgrid.com`.
pub const SENDGRID: &str = include_str!("../vendors/sendgrid.json");

/// Datadog's API keys.
pub const DATADOG: &str = include_str!("../vendors/datadog.json");

/// Twilio's Standard API keys: `key_id` is the key's SID, `api_key` its secret.
pub const TWILIO: &str = include_str!("../vendors/twilio.json");

/// Confluent Cloud's API keys that are not tied to a cluster. Those of a cluster need a verify request to
/// the cluster's own host, and so another description.
pub const CONFLUENT_CLOUD: &str = include_str!("../vendors/confluent-cloud.json");

/// Cloudflare's user API tokens.
pub const CLOUDFLARE: &str = include_str!("../vendors/cloudflare.json");

/// MongoDB Atlas: a service account's secrets. They have no labels, so that a crash between making and
/// storing one leaves at most one behind, which expires by itself. Needs the feature `oauth2`.
pub const MONGODB_ATLAS: &str = include_str!("../vendors/mongodb-atlas.json");
