//! The documented APIs of real vendors, as far as the ready-made descriptions use them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rotation_http::vendors;
use serde_json::{Value, json};

use super::server::{Asked, Reply, Server, reply};

/// The vendors with a ready-made description.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vendor {
    SendGrid,
    Datadog,
    Twilio,
    ConfluentCloud,
    Cloudflare,
    MongoDbAtlas,
}

/// In every error body: none of it may be printed.
pub const SAID: &str = "SENTINEL-said-by-the-vendor";
const ADMIN: &str = "SENTINEL-admin";
const ATLAS: &str = "/api/atlas/v2/orgs/0123456789abcdef01234567/serviceAccounts/mdb_sa_id_7";
const TWILIO: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000007";

#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub key: String,
    pub name: String,
    /// For how many days it still works, where keys expire.
    pub days: u32,
}

/// A vendor's state.
#[derive(Default)]
pub struct Shop {
    pub keys: Vec<Key>,
    pub made: usize,
    pub limit: Option<usize>,
    /// Keys on one page.
    pub page: usize,
    /// The reply to the next creation is lost.
    pub loses_reply: bool,
    /// Statuses for the next requests with the admin credential, instead of an answer.
    pub forced: Vec<u16>,
    pub asked: Vec<String>,
}

impl Shop {
    fn add(&mut self, name: &str) -> Key {
        self.made += 1;
        let key = Key {
            id: format!("id{:030}", self.made),
            key: format!("SENTINEL-key-{}", self.made),
            name: name.to_owned(),
            days: 90,
        };
        self.keys.push(key.clone());
        key
    }

    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        self.keys.len() < before
    }

    /// The keys of a page, counted from 0, and whether there are more.
    fn on_page(&self, page: usize) -> (Vec<Key>, bool) {
        let keys: Vec<_> = self
            .keys
            .iter()
            .skip(page * self.page)
            .take(self.page)
            .cloned()
            .collect();
        (keys, self.keys.len() > (page + 1) * self.page)
    }
}

/// What a request means, to the parts that all vendors share.
enum Meant {
    Verify(Option<Key>),
    Create(String),
    List(usize),
    Revoke(String),
    Token,
    Unknown,
}

impl Vendor {
    pub const ALL: [Self; 6] = [
        Self::SendGrid,
        Self::Datadog,
        Self::Twilio,
        Self::ConfluentCloud,
        Self::Cloudflare,
        Self::MongoDbAtlas,
    ];

    pub fn description(self) -> &'static str {
        match self {
            Self::SendGrid => vendors::SENDGRID,
            Self::Datadog => vendors::DATADOG,
            Self::Twilio => vendors::TWILIO,
            Self::ConfluentCloud => vendors::CONFLUENT_CLOUD,
            Self::Cloudflare => vendors::CLOUDFLARE,
            Self::MongoDbAtlas => vendors::MONGODB_ATLAS,
        }
    }

    /// The host of the real one.
    pub fn host(self) -> &'static str {
        match self {
            Self::SendGrid => "https://api.sendgrid.com",
            Self::Datadog => "https://api.{secret.site}",
            Self::Twilio => "https://api.twilio.com",
            Self::ConfluentCloud => "https://api.confluent.cloud",
            Self::Cloudflare => "https://api.cloudflare.com",
            Self::MongoDbAtlas => "https://cloud.mongodb.com",
        }
    }

    /// The description at a local server.
    pub fn at(self, server: &str) -> String {
        self.description().replace(self.host(), server)
    }

    pub fn admin_secret(self) -> String {
        match self {
            Self::SendGrid | Self::Cloudflare => ADMIN.to_owned(),
            Self::Datadog => json!({"api_key": ADMIN, "application_key": "SENTINEL-app"}).to_string(),
            Self::Twilio => json!({"user": "SKmain", "password": ADMIN}).to_string(),
            Self::ConfluentCloud => json!({"key_id": "ADMINKEY", "api_key": ADMIN}).to_string(),
            Self::MongoDbAtlas => json!({"client_id": "mdb_sa_id_admin", "client_secret": ADMIN}).to_string(),
        }
    }

    /// The secret with its first key.
    pub fn secret(self, first: &Key) -> Value {
        match self {
            Self::SendGrid => json!({"api_key": first.key, "key_id": first.id}),
            Self::Datadog => json!({"api_key": first.key, "key_id": first.id, "site": "datadoghq.eu"}),
            Self::Twilio => {
                let account = TWILIO.rsplit('/').next().unwrap();
                json!({"api_key": first.key, "key_id": first.id, "account_sid": account})
            }
            Self::ConfluentCloud => json!({"api_key": first.key, "key_id": first.id, "owner_id": "sa-7"}),
            Self::Cloudflare => {
                json!({"api_key": first.key, "key_id": first.id, "permission_group_id": "pg7"})
            }
            Self::MongoDbAtlas => json!({
                "client_secret": first.key, "client_secret_id": first.id,
                "org_id": "0123456789abcdef01234567", "client_id": "mdb_sa_id_7",
            }),
        }
    }

    pub fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::MongoDbAtlas => ("client_secret", "client_secret_id"),
            _ => ("api_key", "key_id"),
        }
    }

    /// The vendor on loopback, with one key that a person made.
    pub async fn open(self) -> (Server, Arc<Mutex<Shop>>, Key) {
        let shop = Arc::new(Mutex::new(Shop {
            page: 2,
            limit: (self == Self::MongoDbAtlas).then_some(2),
            ..Shop::default()
        }));
        let first = shop.lock().unwrap().add("made by hand");
        let inside = Arc::clone(&shop);
        let server = Server::start(move |asked| self.answer(&mut inside.lock().unwrap(), asked)).await;
        (server, shop, first)
    }

    fn answer(self, shop: &mut Shop, asked: &Asked) -> Reply {
        let meant = self.meant(shop, asked);
        shop.asked.push(format!("{} {}", asked.method, asked.path));
        match meant {
            Meant::Verify(Some(_)) => return reply(200, json!({"fine": true, "access_token": "SENTINEL-t"})),
            Meant::Verify(None) => return self.error(if self == Self::Datadog { 403 } else { 401 }),
            _ => {}
        }
        if let Meant::Token = meant {
            let fine = asked.form("grant_type") == "client_credentials";
            let token = json!({"access_token": "SENTINEL-t", "token_type": "Bearer", "expires_in": 3600});
            return if fine { reply(200, token) } else { self.error(400) };
        }
        if !self.is_admin(asked) {
            return self.error(if self == Self::Datadog { 403 } else { 401 });
        }
        if !shop.forced.is_empty() {
            return self.error(shop.forced.remove(0));
        }
        match meant {
            Meant::Create(name) => {
                if shop.limit.is_some_and(|limit| shop.keys.len() >= limit) {
                    return self.error(403);
                }
                if self == Self::MongoDbAtlas {
                    // Documented: a new secret leaves the others at most a week.
                    shop.keys.iter_mut().for_each(|key| key.days = key.days.min(7));
                }
                let key = shop.add(&name);
                match std::mem::take(&mut shop.loses_reply) {
                    true => None,
                    false => self.made(&key),
                }
            }
            Meant::List(page) => {
                let (keys, more) = shop.on_page(page);
                reply(200, self.listed(shop, page, &keys, more, asked))
            }
            Meant::Revoke(id) => match shop.remove(&id) {
                true if self == Self::Cloudflare => {
                    reply(200, json!({"success": true, "result": {"id": id}}))
                }
                true => reply(204, Value::Null),
                false => self.error(404),
            },
            _ => self.error(404),
        }
    }

    fn meant(self, shop: &Shop, asked: &Asked) -> Meant {
        let bearer = asked
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        let by_key = |key: &str| Meant::Verify(shop.keys.iter().find(|known| known.key == key).cloned());
        let by_pair = |pair: Option<(String, String)>| {
            let (id, key) = pair.unwrap_or_default();
            Meant::Verify(
                shop.keys
                    .iter()
                    .find(|known| known.id == id && known.key == key)
                    .cloned(),
            )
        };
        let page = |name: &str, first: usize| {
            asked
                .query
                .get(name)
                .map_or(0, |text| text.parse::<usize>().unwrap() - first)
        };
        let (method, path) = (asked.method.as_str(), asked.path.as_str());
        let name = |at: &str| {
            asked
                .json()
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        match (self, method, path) {
            (Self::SendGrid, "GET", "/v3/scopes") => by_key(bearer),
            (Self::SendGrid, "POST", "/v3/api_keys") => Meant::Create(name("/name")),
            (Self::SendGrid, "GET", "/v3/api_keys") => Meant::List(0),
            (Self::SendGrid, "DELETE", _) => revoke(path, "/v3/api_keys/", ""),

            (Self::Datadog, "GET", "/api/v1/validate") => by_key(asked.header("dd-api-key")),
            (Self::Datadog, "POST", "/api/v2/api_keys") => Meant::Create(name("/data/attributes/name")),
            (Self::Datadog, "GET", "/api/v2/api_keys") => Meant::List(page("page[number]", 0)),
            (Self::Datadog, "DELETE", _) => revoke(path, "/api/v2/api_keys/", ""),

            (Self::Twilio, "GET", path) if path == format!("{TWILIO}/Messages.json") => by_pair(basic(asked)),
            (Self::Twilio, "POST", path) if path == format!("{TWILIO}/Keys.json") => {
                Meant::Create(asked.form("FriendlyName"))
            }
            (Self::Twilio, "GET", path) if path == format!("{TWILIO}/Keys.json") => {
                Meant::List(page("Page", 0))
            }
            (Self::Twilio, "DELETE", _) => revoke(path, &format!("{TWILIO}/Keys/"), ".json"),

            (Self::ConfluentCloud, "GET", "/iam/v2/api-keys") if asked.query["page_size"] == "1" => {
                by_pair(basic(asked))
            }
            (Self::ConfluentCloud, "POST", "/iam/v2/api-keys") => Meant::Create(name("/spec/display_name")),
            (Self::ConfluentCloud, "GET", "/iam/v2/api-keys") => Meant::List(page("page_token", 0)),
            (Self::ConfluentCloud, "DELETE", _) => revoke(path, "/iam/v2/api-keys/", ""),

            (Self::Cloudflare, "GET", "/client/v4/user/tokens/verify") => by_key(bearer),
            (Self::Cloudflare, "POST", "/client/v4/user/tokens") => Meant::Create(name("/name")),
            (Self::Cloudflare, "GET", "/client/v4/user/tokens") => Meant::List(page("page", 1)),
            (Self::Cloudflare, "DELETE", _) => revoke(path, "/client/v4/user/tokens/", ""),

            (Self::MongoDbAtlas, "POST", "/api/oauth/token") => match basic(asked) {
                Some((id, key)) if id == "mdb_sa_id_7" => by_key(&key),
                Some((id, key)) if id == "mdb_sa_id_admin" && key == ADMIN => Meant::Token,
                _ => Meant::Verify(None),
            },
            (Self::MongoDbAtlas, "POST", path) if path == format!("{ATLAS}/secrets") => {
                assert_eq!(
                    asked.header("content-type"),
                    "application/vnd.atlas.2024-08-05+json"
                );
                assert!(asked.json()["secretExpiresAfterHours"].is_u64());
                Meant::Create(String::new())
            }
            (Self::MongoDbAtlas, "GET", ATLAS) => Meant::List(0),
            (Self::MongoDbAtlas, "DELETE", _) => revoke(path, &format!("{ATLAS}/secrets/"), ""),
            _ => Meant::Unknown,
        }
    }

    fn is_admin(self, asked: &Asked) -> bool {
        let authorization = asked.header("authorization");
        match self {
            Self::SendGrid | Self::Cloudflare => authorization == format!("Bearer {ADMIN}"),
            Self::Datadog => {
                asked.header("dd-api-key") == ADMIN && asked.header("dd-application-key") == "SENTINEL-app"
            }
            Self::Twilio => basic(asked) == Some(("SKmain".to_owned(), ADMIN.to_owned())),
            Self::ConfluentCloud => basic(asked) == Some(("ADMINKEY".to_owned(), ADMIN.to_owned())),
            Self::MongoDbAtlas => authorization == "Bearer SENTINEL-t",
        }
    }

    /// The documented reply to a creation.
    fn made(self, Key { id, key, name, .. }: &Key) -> Reply {
        match self {
            Self::SendGrid => reply(
                201,
                json!({"api_key": key, "api_key_id": id, "name": name, "scopes": ["mail.send"]}),
            ),
            Self::Datadog => {
                let attributes = json!({
                    "created_at": "2026-11-23T10:00:00.000Z", "key": key, "last4": "abcd",
                    "modified_at": "2026-11-23T10:00:00.000Z", "name": name,
                });
                reply(
                    201,
                    json!({"data": {"attributes": attributes, "id": id, "type": "api_keys"}}),
                )
            }
            Self::Twilio => reply(
                201,
                json!({
                    "sid": id, "friendly_name": name, "date_created": "Mon, 13 Jun 2016 22:50:08 +0000",
                    "date_updated": "Mon, 13 Jun 2016 22:50:08 +0000", "secret": key,
                }),
            ),
            Self::ConfluentCloud => reply(
                202,
                json!({
                    "api_version": "iam/v2", "kind": "ApiKey", "id": id, "metadata": {"self": "https://…"},
                    "spec": {"secret": key, "display_name": name, "owner": {"id": "sa-7"}},
                }),
            ),
            Self::Cloudflare => reply(
                200,
                json!({
                    "errors": [], "messages": [], "success": true,
                    "result": {"id": id, "name": name, "status": "active", "value": key},
                }),
            ),
            Self::MongoDbAtlas => reply(
                201,
                json!({
                    "createdAt": "2026-11-23T10:00:00Z", "expiresAt": "2027-02-21T10:00:00Z", "id": id,
                    "secret": key,
                }),
            ),
        }
    }

    /// The documented list.
    fn listed(self, shop: &Shop, page: usize, keys: &[Key], more: bool, asked: &Asked) -> Value {
        let all = |show: &dyn Fn(&Key) -> Value, keys: &[Key]| keys.iter().map(show).collect::<Vec<_>>();
        let next = page + 1;
        match self {
            Self::SendGrid => {
                json!({"result": all(&|key| json!({"name": key.name, "api_key_id": key.id}), &shop.keys)})
            }
            Self::Datadog => {
                let show = |key: &Key| {
                    let attributes = json!({"name": key.name, "last4": "abcd", "category": null});
                    json!({"attributes": attributes, "id": key.id, "type": "api_keys"})
                };
                json!({"data": all(&show, keys), "included": []})
            }
            Self::Twilio => {
                let next = more.then(|| format!("{TWILIO}/Keys.json?PageSize=1000&Page={next}&PageToken=t"));
                json!({
                    "keys": all(&|key| json!({"sid": key.id, "friendly_name": key.name}), keys),
                    "page": page, "next_page_uri": next, "uri": asked.path,
                })
            }
            Self::ConfluentCloud => {
                assert_eq!(asked.query["spec.owner"], "sa-7");
                let host = asked.header("host");
                let next =
                    format!("http://{host}/iam/v2/api-keys?spec.owner=sa-7&page_size=100&page_token={next}");
                let show = |key: &Key| json!({"id": key.id, "spec": {"display_name": key.name}});
                let metadata = if more { json!({"next": next}) } else { json!({}) };
                json!({"api_version": "iam/v2", "kind": "ApiKeyList", "data": all(&show, keys), "metadata": metadata})
            }
            Self::Cloudflare => {
                let show = |key: &Key| json!({"id": key.id, "name": key.name, "status": "active"});
                json!({"success": true, "errors": [], "result": all(&show, keys), "result_info": {"page": next}})
            }
            Self::MongoDbAtlas => {
                let show = |key: &Key| json!({"id": key.id, "maskedSecretValue": "mdb_sa_sk_...", "expiresAt": "2027-02-21T10:00:00Z"});
                json!({"clientId": "mdb_sa_id_7", "secrets": all(&show, &shop.keys)})
            }
        }
    }

    /// The documented form of an error.
    fn error(self, status: u16) -> Reply {
        let body = match self {
            Self::SendGrid => json!({"errors": [{"field": null, "message": SAID}]}),
            Self::Datadog => json!({"errors": [SAID]}),
            Self::Twilio => json!({"code": 20404, "message": SAID, "more_info": SAID, "status": status}),
            Self::ConfluentCloud => {
                json!({"errors": [{"id": "e7", "status": status.to_string(), "code": "c", "detail": SAID}]})
            }
            Self::Cloudflare => {
                json!({"success": false, "errors": [{"code": 1000, "message": SAID}], "result": null})
            }
            Self::MongoDbAtlas => json!({"error": status, "detail": SAID, "errorCode": SAID, "reason": SAID}),
        };
        let headers = match status {
            429 => vec![("retry-after", "0".to_owned())],
            _ => Vec::new(),
        };
        Some((status, headers, body))
    }
}

fn revoke(path: &str, before: &str, after: &str) -> Meant {
    let id = path
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    id.map_or(Meant::Unknown, |id| Meant::Revoke(id.to_owned()))
}

fn basic(asked: &Asked) -> Option<(String, String)> {
    let encoded = asked.header("authorization").strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
