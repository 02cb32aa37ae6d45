//! The same double, served on a loopback socket, and rotated with the client that is deployed.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use custom_backend::{AccessKey, Https, Wire};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotation_core::{AWSCURRENT, AWSPREVIOUS, Rotator};
use rotation_testkit::{Fault, Simulator, StepRun, TravelClock};
use tokio::net::TcpListener;

use crate::support::{Forge, backend};

/// Serves a Forge; gives its address.
async fn serve(forge: Forge) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let forge = forge.clone();
            let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let forge = forge.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
                    // An error closes the connection without a reply.
                    let reply = forge.send(http::Request::from_parts(parts, body)).await?;
                    Ok::<_, custom_backend::NoReply>(reply.map(Full::<Bytes>::new))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(async move { connection.serve_connection(TokioIo::new(stream), answer).await });
        }
    });
    format!("http://{address}")
}

/// Two rotations, and in the second the reply that shows the new key's value is lost.
#[tokio::test]
async fn a_lost_key_is_ended_over_real_http() {
    let simulator = Simulator::with_clock(TravelClock::new());
    let forge = Forge::new(simulator.faults(), 2, 128);
    let operator = simulator.operator();
    let arn = operator.create_secret("deploy-bot", forge.first_key()).unwrap();
    let url = serve(forge.clone()).await;
    let rotator = Rotator::new(backend(&simulator, &url, Https::default()), simulator.store())
        .with_clock(simulator.clock());
    let run = || simulator.run(&rotator, Duration::from_secs(30));
    let key = |label| {
        operator
            .value(&arn, label)
            .unwrap()
            .decode::<AccessKey>()
            .unwrap()
    };

    operator.rotate(&arn).unwrap();
    assert!(run().await.iter().all(|run| run.result.is_done()));
    assert_eq!(forge.ids(), ["key-0001", "key-0002"]);

    simulator.skip(Duration::from_secs(3600));
    simulator.faults().clear();
    simulator.faults().at_nth("POST /keys", 1, Fault::LoseResponse);
    operator.rotate(&arn).unwrap();
    let runs = run().await;
    assert!(simulator.faults().all_struck());
    let failed: Vec<_> = runs.iter().filter(|run| !run.result.is_done()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        said(failed[0]).contains("Forge did not answer: there is no reply"),
        "{failed:?}"
    );
    // key-0003 is the lost one.
    assert_eq!(forge.ids(), ["key-0002", "key-0004"]);
    assert_eq!(
        (key(AWSPREVIOUS).key_id.as_str(), key(AWSCURRENT).key_id.as_str()),
        ("key-0002", "key-0004")
    );
    let current = operator.value(&arn, AWSCURRENT).unwrap();
    assert!(
        format!("{:?}", current.decode::<serde_json::Value>().unwrap())
            .contains("\"team\": String(\"build\")")
    );
}

fn said(run: &StepRun) -> String {
    format!("{:?}", run.result)
}
