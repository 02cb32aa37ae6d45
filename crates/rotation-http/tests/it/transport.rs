//! The real client: whom it trusts, which way it goes, and that it sends nothing twice.

use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rotation_core::ErrorClass;
use rotation_http::{ReqwestTransport, Transport, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TARGET: &str = "ROTATION_HTTP_TEST_TARGET";

fn request(method: &str, url: &str) -> http::Request<Bytes> {
    http::Request::builder()
        .method(method)
        .uri(url)
        .body(Bytes::new())
        .unwrap()
}

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// Keeps what came first on each connection, and answers it with an empty reply.
async fn listener(received: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 4096];
            let length = stream.read(&mut bytes).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            received.lock().unwrap().push(text);
            _ = stream.write_all(NO_CONTENT).await;
        }
    });
    address
}

/// The proxy that the environment names is asked for every host but loopback, and sees no more of a request
/// over TLS than the host.
#[tokio::test]
async fn proxies_are_those_of_the_environment() {
    // This test again, in a process with proxies in its environment.
    if let Ok(target) = std::env::var(TARGET) {
        let transport = ReqwestTransport::new();
        transport
            .send(request("GET", &format!("http://{target}/")))
            .await
            .unwrap();
        let mut secret = request("GET", "https://vendor.invalid/SENTINEL");
        secret
            .headers_mut()
            .insert("authorization", "Bearer SENTINEL".parse().unwrap());
        let error = transport.send(secret).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SENTINEL"));
        return;
    }
    let (proxied, direct) = (Arc::default(), Arc::new(Mutex::new(Vec::new())));
    let proxy = format!("http://{}", listener(Arc::clone(&proxied)).await);
    let target = listener(Arc::clone(&direct)).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "transport::proxies_are_those_of_the_environment"])
        .env(TARGET, target);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, &proxy);
    }
    for name in ["no_proxy", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let (proxied, direct) = (proxied.lock().unwrap(), direct.lock().unwrap());
    assert_eq!((direct.len(), proxied.len()), (1, 1));
    assert!(
        proxied[0].starts_with("CONNECT vendor.invalid:443 "),
        "{proxied:?}"
    );
    assert!(!proxied[0].contains("SENTINEL"), "{proxied:?}");
}

/// A server with a certificate for `localhost` of an authority of its own, which is the second part.
async fn https() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&own, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            own.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            _ = stream.read(&mut [0; 4096]).await;
            _ = stream.write_all(NO_CONTENT).await;
            _ = stream.shutdown().await;
        }
    });
    (format!("https://localhost:{}", address.port()), pem)
}

#[tokio::test]
async fn only_the_given_roots_are_trusted() {
    let (url, pem) = https().await;
    let (_, other) = https().await;
    let trusting = ReqwestTransport::with_roots(&pem).unwrap();
    let reply = trusting.send(request("GET", &url)).await.unwrap();
    assert_eq!(reply.status(), 204);
    let by_address = url.replace("localhost", "127.0.0.1");
    for (transport, url) in [
        (ReqwestTransport::new(), &url),
        (ReqwestTransport::with_roots(&other).unwrap(), &url),
        (trusting, &by_address),
    ] {
        let error = transport.send(request("GET", url)).await.unwrap_err();
        let error = error.downcast_ref::<TransportError>().unwrap();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{error:?}");
        assert!(error.to_string().contains("not trusted; give"), "{error}");
    }
}

/// Answers the first request of a connection and closes it in the middle of the second.
async fn hangs_up(seen: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for answers in [true, false] {
                let mut bytes = vec![0; 4096];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&bytes[..length]);
                seen.lock()
                    .unwrap()
                    .push(line.lines().next().unwrap_or_default().to_owned());
                if answers {
                    _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn a_request_is_not_sent_again_when_its_connection_closes() {
    let seen = Arc::default();
    let url = format!("http://{}/keys", hangs_up(Arc::clone(&seen)).await);
    let transport = ReqwestTransport::new();
    transport.send(request("GET", &url)).await.unwrap();
    transport.send(request("POST", &url)).await.unwrap_err();
    assert_eq!(
        *seen.lock().unwrap(),
        ["GET /keys HTTP/1.1", "POST /keys HTTP/1.1"]
    );
}
