//! The built function with a provider that a file describes: no rebuild.

use std::path::PathBuf;

use rotation_testkit::Fault;
use serde_json::json;

use crate::shop::Vendor;
use crate::support::{ADMIN_TOKEN, Scene, Setting};

/// A file with this text, named after the test.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A vendor's description as it is shipped, but for the host.
#[tokio::test]
async fn a_vendors_description_as_a_file_rotates_its_key() {
    for vendor in [Vendor::SendGrid, Vendor::Twilio, Vendor::MongoDbAtlas] {
        let (vendors, shop, first) = vendor.open().await;
        let path = file(&format!("{vendor:?}.json"), &vendor.at(&vendors.url()));
        let setting = Setting {
            elsewhere: Some((vendor.secret(&first), vendors.address.clone())),
            function: Box::new(move |function| {
                function
                    .env("ADMIN_TOKEN", vendor.admin_secret())
                    .env("PROVIDER_FILE", path)
            }),
            ..Setting::default()
        };
        let scene = Scene::with(setting).await;
        let (key, id) = vendor.fields();
        for rotations in 1..=2 {
            let token = scene.rotate().await;
            scene.succeeded(&token).await;
            let current = scene.current().await;
            let shop = shop.lock().unwrap();
            let newest = shop.keys.last().unwrap();
            assert_eq!(
                (&current[key], &current[id]),
                (&json!(newest.key), &json!(newest.id))
            );
            assert_eq!(shop.keys.len(), 2, "{vendor:?}, {rotations}");
        }
        assert!(
            shop.lock().unwrap().keys.iter().all(|key| key.id != first.id),
            "the first has ended"
        );
        let output = scene.function.output();
        assert!(
            output.contains("promoted") && !output.contains("SENTINEL"),
            "{output}"
        );
    }
}

/// The same provider as without a file, to which keys are uploaded.
const UPLOADING: &str = r#"{
    "base_url": "{secret.api_endpoint}",
    "admin": {"header": {"name": "x-admin-token"}},
    "upload": {
        "method": "PUT", "path": "/api-keys/{id}", "json": {"account_id": "{secret.account_id}", "key": "{key}"}
    },
    "list": {"method": "GET", "path": "/api-keys"},
    "items_at": "/keys", "item_id_at": "/id", "item_label_at": "/id",
    "verify": {"method": "GET", "path": "/health", "headers": {"authorization": "Bearer {key}"}},
    "revoke": {"method": "DELETE", "path": "/api-keys/{id}"}
}"#;

async fn uploading(name: &str) -> Scene {
    let path = file(name, UPLOADING);
    let function = |function: rotation_lambda_host::FunctionBuilder| {
        function
            .env("ADMIN_TOKEN", ADMIN_TOKEN)
            .env("PROVIDER_FILE", path)
    };
    Scene::with(Setting {
        function: Box::new(function),
        ..Setting::default()
    })
    .await
}

/// Each effect in turn is the last thing that the process does, or the last that it does not do, with keys
/// that are uploaded: none is ever left behind, and the value that was stored is the one that is promoted.
#[tokio::test]
async fn killed_at_every_effect_an_uploaded_key_is_stored_once_and_none_is_lost() {
    let calm = uploading("calm.json").await;
    calm.succeeded(&calm.rotate().await).await;
    let effects = calm.simulator.faults().passages();
    let uploads = effects.iter().filter(|effect| effect.name.starts_with("PUT /"));
    assert_eq!(uploads.count(), 1, "{effects:?}");
    drop(calm);
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for effect in 1..=effects.len() {
            let scene = uploading(&format!("{fault:?}-{effect}.json")).await;
            scene.simulator.faults().at(effect, fault);
            let token = scene.rotate().await;
            scene.record("RotationFailed", &token).await;
            assert!(scene.current_works().await, "{fault:?} at {effect}");
            scene.succeeded(&token).await;
            assert!(scene.current_works().await, "{fault:?} at {effect}");
            assert!(scene.simulator.faults().all_struck(), "{fault:?} at {effect}");
            assert!(
                scene.function.cold_starts() >= 2,
                "the process that was killed did not come back"
            );
            let alive = scene.provider.alive();
            assert_eq!(alive.len(), 2, "{fault:?} at {effect}: {alive:?}");
            let current = scene.current().await;
            assert!(alive.iter().any(|key| current["key_id"] == key.id.as_str()));
            assert!(
                !scene
                    .function
                    .output()
                    .contains(current["api_key"].as_str().unwrap())
            );
        }
    }
}
