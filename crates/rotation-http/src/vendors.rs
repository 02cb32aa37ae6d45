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
//! # MongoDB Atlas: two secrets, seven days
//!
//! A service account [holds at most two
//! secrets](https://github.com/mongodb/terraform-provider-mongodbatlas/blob/master/docs/guides/service-account-secret-rotation.md),
//! an expired one takes up its place until it is deleted, and making one [shortens the life of the
//! other](https://www.mongodb.com/docs/atlas/tutorial/rotate-service-account-secrets/) to at most seven days.
//! Two suffice, since createSecret revokes the previous secret before it makes the next. But:
//!
//! - After a rotation the previous secret lives for seven days at most, however long the interval. Whoever
//!   reads the secret only once has to be started anew within them.
//! - `expires_at` in the secret is what the vendor said when this one was made. The next one shortens it, and
//!   no stored version says so.
//! - Secrets have no labels. If the reply to a create is lost, a secret that nobody knows has the second place:
//!   every try then fails with *the provider allows 2 keys, and lists 2*, and the ids. **A person has to delete
//!   the one that is not `client_secret_id` of `AWSCURRENT`, and a rotation has to succeed, within seven days of
//!   that create**: it shortened the life of `AWSCURRENT` too, which ends then. So alarm on failed rotations.
//!   Secrets Manager tries again by itself; to do it at once, take `AWSPENDING` off its version, and rotate.
//! - An account with two secrets that were made by hand needs one deleted before its first rotation.
//!
//! # What verify does not look at
//!
//! A status of 200 is a success, whatever the body says.
//!
//! - Cloudflare's reply has [`result.status`](https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/),
//!   `active`, `disabled` or `expired`. If a token that is disabled or expired is answered with 200, which the
//!   documentation leaves open, it passes. One that was made just now is neither, unless your create request
//!   says so with `expires_on` or `not_before`; the dry run may pass with an old one that is.
//! - Datadog's has [`valid`](https://docs.datadoghq.com/api/latest/authentication/validate-api-key/), and the
//!   documentation says that an invalid key is answered with 403. So nothing is lost.
//!
//! # Stripe
//!
//! None is possible for the keys of an ordinary account: [secret and restricted
//! keys](https://docs.stripe.com/keys) are made, rolled and expired in the Dashboard. Stripe's libraries do have
//! requests that make, list, rotate and expire keys (`/v2/iam/api_keys`); they are for [approved Stripe
//! Apps](https://docs.stripe.com/stripe-apps/api-authentication/managed-api-keys), which manage keys for those
//! who installed them, and get a new key as ciphertext that a description cannot decrypt. Use one restricted
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

/// MongoDB Atlas: a service account's secrets, of which there are [at most two](self#mongodb-atlas-two-secrets-seven-days).
/// They have no labels: one that was made and not stored keeps its place, expired too, and no rotation
/// succeeds until a person deletes it. Needs the feature `oauth2`.
pub const MONGODB_ATLAS: &str = include_str!("../vendors/mongodb-atlas.json");
