//! Each way in which a login can fail, told apart and with what to do about it.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use rotation_core::ErrorClass;
use rotation_postgres::{CaBundle, Connections, FailureKind, SingleUser};
use rotation_test_servers::postgres::{Authority, PostgresServer};
use serde_json::{Value, json};

use crate::support::{TIME, World, connections, failure, login, rows, single, test_within};

/// A server of this test's own, whose certificate is made by `issue`.
fn with_certificate(
    issue: impl FnOnce(&Authority) -> rotation_test_servers::postgres::Certificate,
) -> PostgresServer {
    let authority = Authority::new().unwrap();
    let certificate = issue(&authority);
    PostgresServer::builder()
        .certificate(authority, certificate)
        .start()
        .unwrap()
}

fn document(server: &PostgresServer, more: Value) -> Value {
    let mut document = json!({
        "engine": "postgres", "host": "localhost", "port": server.port(),
        "username": "postgres", "password": server.superuser_password(),
    });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

fn trusting(pem: &str) -> Connections {
    Connections::new(&CaBundle::Pem(pem.as_bytes().to_vec())).unwrap()
}

#[tokio::test]
async fn the_servers_codes_are_told_apart() {
    let world = World::new().await;
    world
        .sql(
            "CREATE ROLE right_user LOGIN PASSWORD 'p'; CREATE ROLE no_login PASSWORD 'p'; \
             CREATE ROLE expired LOGIN PASSWORD 'p' VALID UNTIL '2001-01-01'; \
             CREATE ROLE few LOGIN PASSWORD 'p' CONNECTION LIMIT 0",
        )
        .await;
    let rows: [(&str, Value, FailureKind, &str); 7] = [
        (
            "right_user",
            json!({"password": "no"}),
            FailureKind::WrongPassword,
            "28P01",
        ),
        ("unknown_user", json!({}), FailureKind::WrongPassword, "28P01"),
        (
            "expired",
            json!({}),
            FailureKind::WrongPassword,
            "VALID UNTIL has passed",
        ),
        (
            "no_login",
            json!({}),
            FailureKind::LoginDisabled,
            "ALTER ROLE … LOGIN",
        ),
        (
            "right_user",
            json!({"dbname": "none"}),
            FailureKind::DatabaseMissing,
            "3D000",
        ),
        (
            "right_user",
            json!({"dbname": "none", "password": "no"}),
            FailureKind::WrongPassword,
            "28P01",
        ),
        ("few", json!({}), FailureKind::TooManyConnections, "53300"),
    ];
    for (user, more, kind, words) in rows {
        let (found, text) = failure(&single(), &world.document(user, "p", &more)).await;
        assert_eq!(found, kind, "{text}");
        assert!(text.contains(words) && text.contains(user), "{text}");
    }
    assert!(
        test_within(&single(), &world.document("right_user", "p", &json!({})), TIME)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_way_to_the_server_is_told_apart() {
    let world = World::new().await;
    let of = |more| world.document("postgres", "p", &more);
    let (kind, text) = failure(&single(), &of(json!({"host": "no-such-host.invalid"}))).await;
    assert_eq!(kind, FailureKind::Dns, "{text}");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (kind, text) = failure(&single(), &of(json!({"port": closed}))).await;
    assert_eq!(kind, FailureKind::Refused, "{text}");

    // It takes connections and never says a word.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let brief = SingleUser::new(connections().with_connect_timeout(Duration::from_millis(200)));
    let (kind, text) = failure(&brief, &of(json!({"port": port}))).await;
    assert_eq!(kind, FailureKind::TimedOut, "{text}");
    assert!(
        text.contains("no answer within 0.2 s") && text.contains("security groups"),
        "{text}"
    );
    // The deadline of the step is shorter than the time-out.
    let started = Instant::now();
    let short = Duration::from_millis(300);
    let error = test_within(&single(), &of(json!({"port": port})), short)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "the deadline was not kept"
    );

    // Something else listens there.
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in other.incoming() {
            _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (kind, text) = failure(&single(), &of(json!({"port": port}))).await;
    assert!(
        matches!(
            kind,
            FailureKind::TlsNotOffered | FailureKind::Tls | FailureKind::ConnectionLost
        ),
        "{kind:?} {text}"
    );
}

#[tokio::test]
async fn each_fault_of_tls_has_its_own_error_and_none_falls_back() {
    let good = with_certificate(|a| a.issue(&["localhost"]).unwrap());
    let other = Authority::new().unwrap();
    let (kind, text) = failure(
        &SingleUser::new(trusting(other.pem())),
        &document(&good, json!({})),
    )
    .await;
    assert_eq!(kind, FailureKind::UntrustedCertificate, "{text}");
    assert!(text.contains("global-bundle.pem"), "{text}");
    let platform = SingleUser::new(Connections::new(&CaBundle::Platform).unwrap());
    let (kind, text) = failure(&platform, &document(&good, json!({}))).await;
    assert_eq!(kind, FailureKind::UntrustedCertificate, "{text}");

    // The certificate is for localhost, and not for the address.
    let address = document(&good, json!({"host": "127.0.0.1"}));
    let (kind, text) = failure(&SingleUser::new(trusting(good.ca_pem())), &address).await;
    assert_eq!(kind, FailureKind::WrongServerName, "{text}");
    let named = trusting(good.ca_pem()).with_server_name("127.0.0.1", "localhost");
    test_within(&SingleUser::new(named), &address, TIME)
        .await
        .unwrap();
    let misnamed = trusting(good.ca_pem()).with_server_name("127.0.0.1", "not a name");
    let (kind, text) = failure(&SingleUser::new(misnamed), &address).await;
    assert_eq!(kind, FailureKind::WrongServerName, "{text}");

    let expired = with_certificate(|a| a.issue_expired(&["localhost"]).unwrap());
    let (kind, text) = failure(
        &SingleUser::new(trusting(expired.ca_pem())),
        &document(&expired, json!({})),
    )
    .await;
    assert_eq!(kind, FailureKind::ExpiredCertificate, "{text}");
}

#[tokio::test]
async fn plaintext_needs_the_secrets_word_and_the_callers() {
    let server = PostgresServer::builder().without_tls().start().unwrap();
    let strict = SingleUser::new(connections());
    let lenient = SingleUser::new(connections().allowing_plaintext());
    // TLS is asked for: no fallback, whatever is allowed.
    for backend in [&strict, &lenient] {
        for ssl in [json!({}), json!({"ssl": true}), json!({"ssl": "True"})] {
            let (kind, text) = failure(backend, &document(&server, ssl)).await;
            assert_eq!(kind, FailureKind::TlsNotOffered, "{text}");
            assert!(text.contains("the server does not offer TLS"), "{text}");
        }
    }
    for ssl in [json!({"ssl": false}), json!({"ssl": "false"})] {
        let (kind, text) = failure(&strict, &document(&server, ssl.clone())).await;
        assert_eq!(kind, FailureKind::TlsNotOffered, "{text}");
        assert!(text.contains("does not allow plaintext"), "{text}");
        test_within(&lenient, &document(&server, ssl), TIME)
            .await
            .unwrap();
    }
}

/// A role that `pg_hba.conf` does not admit without TLS, or at all.
#[tokio::test]
async fn who_is_not_admitted_is_told_apart_from_who_is_locked() {
    let server = PostgresServer::builder()
        .hba("host all unwelcome 127.0.0.1/32 reject")
        .hba("hostnossl all all 127.0.0.1/32 reject")
        .start()
        .unwrap();
    let backend = SingleUser::new(trusting(server.ca_pem()).allowing_plaintext());
    for more in [json!({"username": "unwelcome"}), json!({"ssl": false})] {
        let (kind, text) = failure(&backend, &document(&server, more)).await;
        assert_eq!(kind, FailureKind::NotAdmitted, "{text}");
        assert!(text.contains("pg_hba.conf"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_stops_and_one_that_waits_are_unavailable() {
    let mut server = PostgresServer::start().unwrap();
    let backend = SingleUser::new(trusting(server.ca_pem()));
    let document = document(&server, json!({}));
    server.stop();
    let (kind, text) = failure(&backend, &document).await;
    assert_eq!(kind, FailureKind::Refused, "{text}");
    server.restart().unwrap();
    test_within(&backend, &document, TIME).await.unwrap();
}

/// A lock that somebody holds, and a statement that takes too long, end by the server's own time-outs.
#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_allowed() {
    let world = World::new().await;
    let arn = world.lone_user("waits").await;
    let holder = login(
        world.port,
        "postgres",
        "postgres",
        world.server.superuser_password(),
    )
    .await
    .unwrap();
    rows(&holder, "BEGIN; ALTER ROLE waits CONNECTION LIMIT 5")
        .await
        .unwrap();
    let brief = connections().with_lock_timeout(Duration::from_millis(100));
    let said = world.fails(SingleUser::new(brief), &arn).await;
    assert!(
        said.contains("55P03") || said.contains("40001") || said.contains("57014"),
        "{said}"
    );
    drop(holder);
    world.release(&arn);
    world.rotated(single(), &arn).await;
}

/// Whoever answers on a port without TLS hears no password, whatever it asks for.
#[tokio::test]
async fn no_password_is_told_in_clear() {
    use std::io::{Read, Write};
    use std::sync::{Arc, Mutex};

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let into = Arc::clone(&heard);
    std::thread::spawn(move || {
        // In turn: in clear, as MD5, and not at all.
        let asks: [&[u8]; 3] = [
            b"R\0\0\0\x08\0\0\0\x03",
            b"R\0\0\0\x0c\0\0\0\x05salt",
            b"R\0\0\0\x08\0\0\0\0",
        ];
        for (stream, ask) in listener.incoming().zip(asks.iter().cycle()) {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 2048];
            _ = stream.read(&mut bytes);
            _ = stream.write_all(ask);
            let count = stream.read(&mut bytes).unwrap_or(0);
            into.lock().unwrap().extend(&bytes[..count]);
        }
    });
    let backend = SingleUser::new(connections().allowing_plaintext());
    let document = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": "u", "password": "sentinel", "ssl": false
    });
    for _ in 0..3 {
        let (kind, text) = failure(&backend, &document).await;
        assert_eq!(kind, FailureKind::NotScram, "{text}");
        assert!(text.contains("takes TLS"), "{text}");
    }
    assert!(heard.lock().unwrap().is_empty());
}

/// As behind a reader endpoint, or after a failover.
#[tokio::test]
async fn a_read_only_server_is_told_by_its_remedy() {
    let mut server = PostgresServer::start().unwrap();
    server.restart_read_only().unwrap();
    let server: &'static PostgresServer = Box::leak(Box::new(server));
    let world = World::at(server).await;
    let arn = world.secret("rotated", &document(server, json!({})));
    let said = world
        .fails(SingleUser::new(trusting(server.ca_pem())), &arn)
        .await;
    assert!(
        (said.contains("25006") || said.contains("0A000")) && said.contains("the address of the writer"),
        "{said}"
    );
}

/// 57P03 comes for a moment only from a real server, so from one that has no other words here.
#[tokio::test]
async fn a_server_that_starts_up_is_unavailable() {
    let starting = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = starting.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let said = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
        for stream in starting.incoming() {
            let mut stream = stream.unwrap();
            _ = stream.read(&mut [0; 1024]);
            _ = stream.write_all(b"E");
            _ = stream.write_all(&u32::try_from(said.len() + 4).unwrap().to_be_bytes());
            _ = stream.write_all(said);
        }
    });
    let backend = SingleUser::new(connections().allowing_plaintext());
    let document = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": "u", "password": "p", "ssl": false
    });
    let (kind, text) = failure(&backend, &document).await;
    assert_eq!(kind, FailureKind::NotReady, "{text}");
    assert!(text.contains("the next try may pass"), "{text}");
}
