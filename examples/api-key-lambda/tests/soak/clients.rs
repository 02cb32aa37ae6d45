//! The simulator under many clients at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rotation_testkit::Simulator;
use rotation_testkit::server::SimulatorServer;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::Client;
use super::measure::Measure;

const CLIENTS: usize = 200;
const SECRETS: usize = 20;
/// How often each client counts up.
const COUNTS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_lose_no_update_and_leave_no_descriptor() {
    let _turn = crate::TURN.lock().await;
    println!("the simulator under {CLIENTS} clients, which count up in {SECRETS} secrets");
    let simulator = Simulator::new();
    // Each try that another client beat leaves a version.
    simulator.configure(|options| (options.kept_versions, options.version_quota) = (1_000_000, 1_000_000));
    let server = SimulatorServer::builder(simulator.clone()).start().await.unwrap();
    let mut first = Client::connect(server.address()).await;
    for n in 0..SECRETS {
        let secret = json!({"Name": format!("count/{n}"), "SecretString": "0", "ClientRequestToken": token(CLIENTS, n)});
        first.ok("CreateSecret", &secret).await;
    }
    let (from, before) = (Instant::now(), Measure::of("self"));
    println!("before:  {before}");
    let (requests, beaten) = count_up(server.address(), before).await;
    let seconds = from.elapsed().as_secs_f64();
    let rate = requests as f64 / seconds;
    println!(
        "         {requests} requests in {seconds:.1} s, {rate:.0} a second; {beaten} counts were beaten and done again"
    );
    for n in 0..SECRETS {
        let value = first
            .ok("GetSecretValue", &json!({"SecretId": format!("count/{n}")}))
            .await;
        assert_eq!(
            value["SecretString"],
            (COUNTS * CLIENTS / SECRETS).to_string(),
            "an update of {n} is lost"
        );
    }
    let after = left(before).await;
    println!("after:   {after}");
    assert_eq!(after.descriptors, before.descriptors, "descriptors are left");
}

/// Every client counts; how many requests there were, and how often another client was first.
async fn count_up(address: SocketAddr, before: Measure) -> (usize, usize) {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(address).await);
    }
    let mut running = JoinSet::new();
    for (n, client) in clients.into_iter().enumerate() {
        running.spawn(counts(client, n));
    }
    let (mut requests, mut beaten, mut gone) = (0, 0, Vec::new());
    while let Some(done) = running.join_next().await {
        let (client, asked, lost) = done.unwrap();
        (requests, beaten) = (requests + asked, beaten + lost);
        gone.push(client);
    }
    let during = Measure::of("self");
    println!("during:  {during}");
    assert!(
        during.descriptors >= before.descriptors + 2 * CLIENTS,
        "both ends are here: {during}"
    );
    (requests, beaten)
}

/// Counts up by compare and swap: a new version, and `AWSCURRENT` moved from the one that was read.
async fn counts(mut client: Client, n: usize) -> (Client, usize, usize) {
    let secret = format!("count/{}", n % SECRETS);
    let label = format!("client-{n}");
    let (mut counted, mut tries) = (0, 0);
    while counted < COUNTS {
        let read = client.ok("GetSecretValue", &json!({"SecretId": secret})).await;
        let count: usize = read["SecretString"].as_str().unwrap().parse().unwrap();
        let version = token(n, tries);
        let value = (count + 1).to_string();
        let put = json!({
            "SecretId": secret, "SecretString": value, "ClientRequestToken": version, "VersionStages": [label],
        });
        client.ok("PutSecretValue", &put).await;
        let moved = json!({
            "SecretId": secret, "VersionStage": "AWSCURRENT", "MoveToVersionId": version,
            "RemoveFromVersionId": read["VersionId"],
        });
        let (status, answer) = client.call("UpdateSecretVersionStage", &moved).await;
        tries += 1;
        match (status, answer["__type"].as_str()) {
            (200, _) => counted += 1,
            (400, Some("InvalidParameterException")) => {}
            _ => panic!("{status}: {answer}"),
        }
        let mine = client
            .ok(
                "GetSecretValue",
                &json!({"SecretId": secret, "VersionStage": label}),
            )
            .await;
        assert_eq!(
            (&mine["VersionId"], &mine["SecretString"]),
            (&Value::from(version), &Value::from(value))
        );
    }
    (client, 4 * tries, tries - COUNTS)
}

/// A version id of its own for each client and try.
fn token(client: usize, n: usize) -> String {
    format!("{client:0>16}{n:0>16}")
}

/// What is held once the server has seen that the clients left, or after ten seconds.
async fn left(before: Measure) -> Measure {
    for _ in 0..1000 {
        if Measure::of("self").descriptors == before.descriptors {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Measure::of("self")
}
