//! The provider of API keys, in process.

use bytes::Bytes;
use http::{Request, StatusCode};
use rotation_simulator::{Fault, Faults};
use rotation_test_servers::http::{KeyProvider, NoAnswer};
use serde_json::{Value, json};
use tower_service::Service;

const CREATE: &str = "POST /api-keys";

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_string().into()).unwrap()
}

/// An admin's request: the status and the reply.
async fn admin(
    provider: &KeyProvider,
    method: &str,
    path: &str,
    body: Value,
) -> Result<(u16, Value), NoAnswer> {
    let reply = provider
        .clone()
        .call(request(method, path, &[("X-Admin-Token", "admin")], body))
        .await?;
    Ok((
        reply.status().as_u16(),
        serde_json::from_slice(reply.body()).unwrap_or_default(),
    ))
}

async fn create(provider: &KeyProvider) -> Result<(u16, Value), NoAnswer> {
    admin(
        provider,
        "POST",
        "/api-keys",
        json!({"account_id": 7, "label": "l"}),
    )
    .await
}

async fn health(provider: &KeyProvider, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    let request = request("GET", "/health", &[("authorization", &bearer)], Value::Null);
    provider.clone().call(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_key_lives_from_creation_to_deletion() {
    let provider = KeyProvider::new("admin");
    let (status, made) = create(&provider).await.unwrap();
    let key = made["key"].as_str().unwrap();
    assert_eq!((status, &made["id"]), (201, &json!("key-1")));
    assert_eq!(health(&provider, key).await, 200);
    let (_, list) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
    assert_eq!(
        list,
        json!({"keys": [{"id": "key-1", "label": "l", "account_id": 7, "number": 1}]})
    );
    assert_eq!(
        admin(&provider, "DELETE", "/api-keys/key-1", Value::Null)
            .await
            .unwrap()
            .0,
        204
    );
    assert_eq!(
        admin(&provider, "DELETE", "/api-keys/key-1", Value::Null)
            .await
            .unwrap()
            .0,
        404
    );
    assert_eq!(health(&provider, key).await, 401);
    assert!(provider.alive().is_empty() && !provider.authenticates(key));
    assert_eq!(
        provider.requests().first().map(String::as_str),
        Some("POST /api-keys 201")
    );
}

#[tokio::test]
async fn options_change_the_answers() {
    let provider = KeyProvider::new("admin");
    provider.limit_keys(1);
    provider.delay_propagation(2);
    let (_, made) = create(&provider).await.unwrap();
    assert_eq!(create(&provider).await.unwrap().0, 409);
    let key = made["key"].as_str().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(health(&provider, key).await);
    }
    assert_eq!(statuses, [401, 401, 200]);
    provider.force_next("GET /api-keys", StatusCode::IM_A_TEAPOT);
    assert_eq!(
        admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap().0,
        418
    );
    provider.replace_admin_token("other");
    assert_eq!(
        admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap().0,
        401
    );
    assert_eq!(health(&provider, "nonsense").await, 401);
}

#[tokio::test]
async fn what_a_provider_lacks_is_answered_as_by_one_that_lacks_it() {
    let provider = KeyProvider::new("admin")
        .without_ids()
        .without_revoking(StatusCode::METHOD_NOT_ALLOWED);
    let (status, made) = create(&provider).await.unwrap();
    assert_eq!((status, made.get("id")), (201, None));
    let (_, list) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
    assert_eq!(list, json!({"keys": [{"label": "l", "account_id": 7}]}));
    let revoked = admin(&provider, "DELETE", "/api-keys/key-1", Value::Null);
    assert_eq!(revoked.await.unwrap().0, 405);
    assert_eq!(provider.alive().len(), 1);
    let provider = provider.without_listing(StatusCode::NOT_FOUND);
    let list = admin(&provider, "GET", "/api-keys", Value::Null);
    assert_eq!(list.await.unwrap().0, 404);
}

#[tokio::test]
async fn an_uploaded_key_is_listed_by_its_label_and_the_same_again_changes_nothing() {
    for (provider, id) in [
        (KeyProvider::new("admin"), "mine"),
        (KeyProvider::new("admin").with_own_ids(), "key-1"),
    ] {
        let upload = |key: &str| {
            let body = json!({"account_id": 7, "key": key});
            let (provider, body) = (provider.clone(), body);
            async move { admin(&provider, "PUT", "/api-keys/mine", body).await.unwrap().0 }
        };
        assert_eq!(
            (upload("a").await, upload("a").await, upload("b").await),
            (201, 200, 409)
        );
        assert_eq!(health(&provider, "a").await, 200);
        let alive = provider.alive();
        assert_eq!((alive[0].id.as_str(), alive[0].label.as_str()), (id, "mine"));
    }
}

#[tokio::test]
async fn a_key_that_needs_activation_works_after_it() {
    let provider = KeyProvider::new("admin").with_activation();
    let (_, made) = create(&provider).await.unwrap();
    let key = made["key"].as_str().unwrap();
    assert!(health(&provider, key).await == 401 && !provider.authenticates(key));
    let activate = async |id: &str| {
        let path = format!("/api-keys/{id}/activate");
        admin(&provider, "POST", &path, Value::Null).await.unwrap().0
    };
    assert_eq!((activate("key-9").await, activate("key-1").await), (404, 200));
    assert!(health(&provider, key).await == 200 && provider.authenticates(key));
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let provider = KeyProvider::new("admin").with_pages(2);
    for label in ["a", "b", "c"] {
        _ = provider.make_key(label);
    }
    let (_, first) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
    assert_eq!(
        (first["keys"].as_array().unwrap().len(), &first["next"]),
        (2, &json!("2"))
    );
    let (_, last) = admin(&provider, "GET", "/api-keys?cursor=2", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        (last["keys"][0]["label"].as_str(), last.get("next")),
        (Some("c"), None)
    );
}

#[tokio::test]
async fn faults_strike_requests_by_name() {
    let faults = Faults::new();
    let provider = KeyProvider::new("admin").with_faults(faults.clone());
    let kinds = [
        Fault::LoseRequest,
        Fault::LoseResponse,
        Fault::Throttle,
        Fault::Deny,
        Fault::InternalError,
    ];
    for (occurrence, kind) in (1..).zip(kinds) {
        faults.at_nth(CREATE, occurrence, kind);
    }
    let mut seen = Vec::new();
    for _ in kinds {
        let status = create(&provider).await.map(|(status, _)| status).ok();
        seen.push((status, provider.alive().len()));
    }
    assert_eq!(
        seen,
        [
            (None, 0),
            (None, 1),
            (Some(429), 1),
            (Some(403), 1),
            (Some(500), 1)
        ]
    );
    assert!(faults.all_struck());
}
