//! The symptoms, one function each: make it, quote it, mend it with the page's commands, see that all is well.

use std::path::PathBuf;
use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, Request};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::Fault;
use rotation_testkit::backends::{Login, MintedKey, MintingBackend, PasswordBackend, PasswordTarget};
use rotation_testkit::model::ReplicaStatus;
use serde_json::json;

use super::{Quotes, With, commands, quotes, shown};
use crate::support::*;

/// A folder of this test's own, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A world in which the service goes on with a rotation when it is asked to.
async fn world() -> World {
    let world = World::new().await;
    world
        .simulator
        .configure(|options| options.goes_on_at_same_token = true);
    world
}

fn passwords(world: &World) -> (PasswordTarget, Login) {
    let first = Login::new("crm", SENTINEL);
    let target = PasswordTarget::new(first.clone(), world.simulator.faults());
    world.secret("crm/key", first.to_value());
    world.set_up("crm/key");
    (target, first)
}

/// The page's commands for this symptom: of the tool, or of the AWS CLI where it has such.
async fn mend(world: &World, with: With, name: &str, aws: Option<&str>) -> String {
    let folder = Folder::new(name);
    match (with, aws) {
        (With::AwsCli, Some(aws)) => commands(world, &folder.0, aws).await,
        _ => commands(world, &folder.0, name).await,
    }
}

/// Waits until this version is current, which the AWS CLI does not wait for.
async fn becomes_current(world: &World, version: &str) {
    for _ in 0..1200 {
        if world.labels(version) == [AWSCURRENT] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{version} is {:?}", world.labels(version));
}

fn value<T: serde::de::DeserializeOwned>(world: &World, label: &str) -> T {
    world
        .simulator
        .operator()
        .value("crm/key", label)
        .unwrap()
        .decode()
        .unwrap()
}

pub(super) async fn time_out(with: With) -> Quotes {
    let world = world().await;
    let (target, first) = passwords(&world);
    world.simulator.faults().at_nth("LOGIN", 1, Fault::Hang);
    let function = world.function_with(PasswordBackend::new(target.clone()), Duration::from_secs(3));
    let pending = world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;
    assert!(world.simulator.faults().all_struck() && target.authenticates(&first));

    let mended = mend(&world, with, "time-out", None).await;
    assert_eq!(world.labels(&pending), [AWSCURRENT]);
    assert!(target.authenticates(&value(&world, AWSCURRENT)));
    quotes("time-out", "time-out, mended", &shows, &mended)
}

pub(super) async fn vpc(with: With) -> Quotes {
    let world = world().await;
    world.key_secret();
    for occurrence in 1..=3 {
        world
            .simulator
            .faults()
            .at_nth("DescribeSecret", occurrence, Fault::Hang);
    }
    let function = world.function();
    let pending = world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;
    assert!(world.simulator.faults().all_struck());

    let mended = mend(&world, with, "vpc", None).await;
    assert_eq!(world.labels(&pending), [AWSCURRENT]);
    quotes("vpc", "vpc, mended", &shows, &mended)
}

pub(super) async fn iam(with: With) -> Quotes {
    denied(with, "iam", "PutSecretValue", Some("iam, aws"), "iam, mended").await
}

pub(super) async fn kms(with: With) -> Quotes {
    denied(with, "kms", "kms:Decrypt", None, "kms, mended").await
}

async fn denied(
    with: With,
    name: &'static str,
    action: &str,
    aws: Option<&str>,
    mended_name: &'static str,
) -> Quotes {
    let world = world().await;
    let first = world.key_secret();
    world.simulator.operator().deny(action);
    let function = world.function();
    let pending = world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;
    assert_eq!(world.keys.alive(), [first.key_id]); // what was made and not stored has been ended

    world.simulator.operator().allow(action);
    let mended = mend(&world, with, name, aws).await;
    becomes_current(&world, &pending).await;
    assert!(world.keys.authenticates(&value(&world, AWSCURRENT)));
    quotes(name, mended_name, &shows, &mended)
}

pub(super) async fn blocked(with: With) -> Quotes {
    let world = world().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    world.simulator.operator().cancel("crm/key").unwrap();
    let mut shows = shown(&world, None).await;
    let refused = world.tool("rotate crm/key --yes").await;
    shows += &format!("\n$ rotation rotate crm/key --yes\n{}", refused.err);

    let before = world.holder(AWSCURRENT);
    let _function = world.function();
    let mended = mend(&world, with, "blocked", Some("blocked, aws")).await;
    for _ in 0..1200 {
        if world.holder(AWSCURRENT) != before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(world.labels(&pending).is_empty());
    assert_ne!(world.holder(AWSCURRENT), before);
    assert!(world.keys.authenticates(&value(&world, AWSCURRENT)));
    quotes("blocked", "blocked, mended", &shows, &mended)
}

pub(super) async fn abandoned(with: With) -> Quotes {
    let world = world().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    let written = world.keys.mint("made by hand").to_value();
    world.simulator.operator().put("crm/key", written).unwrap();
    let function = world.function();
    function.invoke("createSecret", &pending).await;
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;
    let name =
        |record: &rotation_testkit::model::RotationEventRecord| record.name.as_str() == "RotationAbandoned";
    assert!(world.simulator.records().iter().any(name));

    let before = world.holder(AWSCURRENT);
    let mended = mend(&world, with, "abandoned", None).await;
    assert_eq!(world.holder(AWSPREVIOUS), before);
    assert!(world.keys.authenticates(&value(&world, AWSCURRENT)));
    quotes("abandoned", "abandoned, mended", &shows, &mended)
}

pub(super) async fn wrong_password(with: With) -> Quotes {
    let world = world().await;
    let (target, _) = passwords(&world);
    target.set_password("somebody's");
    let function = world.function_of(PasswordBackend::new(target.clone()));
    world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;

    target.set_password(SENTINEL);
    let by_hand = Login::new("crm", SENTINEL).to_value();
    if with == With::AwsCli {
        let folder = Folder::new("by-hand");
        let SecretValue::Text(text) = &by_hand else {
            panic!("a document")
        };
        std::fs::write(folder.0.join("value.json"), text.expose_secret()).unwrap();
        commands(&world, &folder.0, "wrong-password, aws").await;
        assert!(!folder.0.join("value.json").exists());
    } else {
        world.simulator.operator().put("crm/key", by_hand).unwrap();
    }
    assert!(target.authenticates(&value(&world, AWSCURRENT)));
    let mended = mend(&world, with, "wrong-password", None).await;
    let current: Login = value(&world, AWSCURRENT);
    assert!(target.authenticates(&current) && !target.authenticates(&Login::new("crm", SENTINEL)));
    quotes("wrong-password", "wrong-password, mended", &shows, &mended)
}

pub(super) async fn replica(with: With) -> Quotes {
    let world = world().await;
    let first = world.key_secret();
    let operator = world.simulator.operator();
    operator.tag("crm/key", "rotation:grace", "none").unwrap();
    operator.replicate("crm/key", "us-east-1").unwrap();
    // It waits for the replica as long as it has time; less than this is too little to make a key.
    let backend = MintingBackend::new(world.keys.clone());
    let function = world.function_with(backend, Duration::from_secs(12));
    world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;
    assert!(world.keys.authenticates(&first));

    if with == With::AwsCli {
        operator
            .set_replica_status("crm/key", "us-east-1", ReplicaStatus::Failed)
            .unwrap();
        commands(&world, &std::env::temp_dir(), "replica, aws").await;
    }
    operator
        .set_replica_status("crm/key", "us-east-1", ReplicaStatus::InSync)
        .unwrap();
    world.simulator.skip(60 * MINUTE); // to the replay
    for _ in 0..1200 {
        if !world.keys.authenticates(&first) && world.holder(AWSPENDING) == "nobody" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(!world.keys.authenticates(&first), "the replay ends the old key");
    let mended = mend(&world, with, "replica", None).await;
    quotes("replica", "replica, mended", &shows, &mended)
}

pub(super) async fn key_limit(with: With) -> Quotes {
    let world = world().await;
    let provider = KeyProvider::new(SENTINEL);
    let (id, key) = provider.make_key("made by hand");
    _ = provider.make_key("somebody's");
    let document =
        json!({"account_id": "7", "api_endpoint": "https://api.vendor.com", "key_id": id, "api_key": key});
    world.secret("crm/key", SecretValue::text(document.to_string()));
    world.set_up("crm/key");
    provider.limit_keys(2);
    let function = world.function_of(vendor(&provider));
    let pending = world.rotate("crm/key");
    let failures = function.failed(1).await;
    let shows = shown(&world, failures.first()).await;

    provider.limit_keys(3);
    let mended = mend(&world, with, "key-limit", None).await;
    assert_eq!(world.labels(&pending), [AWSCURRENT]);
    quotes("key-limit", "key-limit, mended", &shows, &mended)
}

/// The test kit's provider, as a vendor's.
fn vendor(provider: &KeyProvider) -> HttpBackend<KeyProvider> {
    let description = Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(
            Request::post("/api-keys").json(json!({"account_id": "{secret.account_id}", "label": "{label}"})),
        )
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at("/label")
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
        .build()
        .unwrap();
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let admin = Admin::given(SENTINEL).header("x-admin-token");
    let backend = HttpBackend::new(description, admin, hosts).unwrap();
    backend.with_transport(provider.clone())
}

pub(super) async fn consumer(with: With) -> Quotes {
    let world = world().await;
    let held: MintedKey = world.key_secret();
    let _function = world.function();
    for rotations in 1..=2 {
        let token = world.rotate("crm/key");
        becomes_current(&world, &token).await;
        // In its grace after the first, ended by the second.
        assert_eq!(world.keys.authenticates(&held), rotations == 1);
    }
    let shows = shown(&world, None).await;
    let mended = mend(&world, with, "consumer", None).await;
    assert!(
        world.keys.authenticates(&value(&world, AWSCURRENT)),
        "what it reads anew works"
    );
    quotes("consumer", "consumer, mended", &shows, &mended)
}

pub(super) async fn leaked(with: With) -> Quotes {
    let world = world().await;
    let leaked = world.key_secret();
    let shows = shown(&world, None).await;
    let _function = world.function();
    let aws = with == With::AwsCli;
    let folder = std::env::temp_dir();
    match aws {
        true => _ = commands(&world, &folder, "leaked, aws").await,
        false => world
            .simulator
            .operator()
            .tag("crm/key", "rotation:grace", "none")
            .unwrap(),
    }
    let mended = mend(&world, with, "leaked", None).await;
    for _ in 0..1200 {
        if !world.keys.authenticates(&leaked) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(!world.keys.authenticates(&leaked));
    assert!(world.keys.authenticates(&value(&world, AWSCURRENT)));
    if aws {
        commands(&world, &folder, "leaked, aws again").await;
        assert!(
            world
                .simulator
                .operator()
                .describe("crm/key")
                .unwrap()
                .tags
                .is_empty()
        );
    }
    quotes("leaked", "leaked, mended", &shows, &mended)
}
