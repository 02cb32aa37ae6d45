//! Which requests are sent again, when, and what each status means: in process, on time that stands still.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{Clock, ErrorClass, Retirement};
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Fault, Faults};

use crate::support::{ADMIN_TOKEN, Log, TOKEN, TRIES, World, admin, description, document, force_always};

const BASE: &str = "https://api.vendor.com";
const LIST: &str = "GET /api-keys";
const CREATE: &str = "POST /api-keys";
const REVOKE: &str = "DELETE /api-keys/{id}";
const VERIFY: &str = "GET /health";

/// A provider with one key, which the current document holds.
fn start(faults: &Faults) -> (KeyProvider, ApiKeyDocument, HttpBackend<KeyProvider>) {
    let provider = KeyProvider::new(ADMIN_TOKEN).with_faults(faults.clone());
    let current = document(BASE, &provider.make_key("made by hand"));
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let backend = HttpBackend::new(description().build().unwrap(), admin(), hosts).unwrap();
    let backend = backend.with_transport(provider.clone());
    (provider, current, backend)
}

fn sent(faults: &Faults, name: &str) -> usize {
    let passages = faults.passages();
    passages.iter().filter(|passage| passage.name == name).count()
}

#[tokio::test]
async fn each_status_says_who_can_mend_it_and_whether_it_is_tried_again() {
    for (status, class, named) in [
        (401, ErrorClass::Misconfigured, "admin credential was refused"),
        (403, ErrorClass::Misconfigured, "admin credential was refused"),
        (408, ErrorClass::Unavailable, "408"),
        (425, ErrorClass::Unavailable, "425"),
        (429, ErrorClass::Unavailable, "429"),
        (500, ErrorClass::Unavailable, "500"),
        (503, ErrorClass::Unavailable, "503"),
        (501, ErrorClass::Misconfigured, "501"),
        (302, ErrorClass::Misconfigured, "redirect"),
        (400, ErrorClass::Misconfigured, "400"),
        (422, ErrorClass::Misconfigured, "422"),
    ] {
        for request in [LIST, CREATE, REVOKE] {
            let faults = Faults::new();
            let (provider, current, backend) = start(&faults);
            let world = World::manual();
            force_always(&provider, request, status);
            let error = match request {
                REVOKE => world.retire(&backend, &current).await.unwrap_err(),
                _ => world.create(&backend, TOKEN, &current, &[]).await.unwrap_err(),
            };
            assert_eq!(error.class(), class, "{request} {status}");
            let text = error.to_string();
            assert!(
                text.contains(request) && text.contains(named),
                "{request} {status}: {text}"
            );
            let repeated = class == ErrorClass::Unavailable && request != CREATE;
            let tries = if repeated { TRIES } else { 1 };
            assert_eq!(sent(&faults, request), tries, "{request} {status}");
            assert_eq!(text.contains("tried 4 times"), repeated, "{text}");
            assert_eq!(provider.alive().len(), 1);
        }
    }
}

#[tokio::test]
async fn what_passes_is_not_noticed() {
    let faults = Faults::new();
    let (provider, current, backend) = start(&faults);
    let world = World::manual();
    for (status, request) in [(503, LIST), (429, LIST), (500, REVOKE)] {
        provider.force_next(request, StatusCode::from_u16(status).unwrap());
    }
    faults.at_nth(LIST, 3, Fault::LoseResponse);
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!((sent(&faults, LIST), sent(&faults, CREATE)), (4, 1));
    assert_eq!(
        world.retire(&backend, &current).await.unwrap(),
        Retirement::Retired
    );
    assert_eq!(world.admin_reads(), 2, "once for each call, however many tries");
}

#[tokio::test]
async fn a_revocation_whose_answer_was_lost_is_found_to_be_done() {
    let faults = Faults::new();
    let (provider, current, backend) = start(&faults);
    faults.at_nth(REVOKE, 1, Fault::LoseResponse);
    let retired = World::manual().retire(&backend, &current).await.unwrap();
    assert_eq!(retired, Retirement::AlreadyGone);
    assert!(provider.alive().is_empty() && faults.all_struck());
}

#[tokio::test]
async fn a_key_is_made_with_one_request_whatever_becomes_of_it() {
    for fault in [
        Fault::LoseRequest,
        Fault::LoseResponse,
        Fault::Throttle,
        Fault::InternalError,
        Fault::Hang,
        Fault::HangAfter,
    ] {
        let faults = Faults::new();
        let (_, current, backend) = start(&faults);
        faults.at_nth(CREATE, 1, fault);
        let made = World::manual().create(&backend, TOKEN, &current, &[]).await;
        assert_eq!(made.unwrap_err().class(), ErrorClass::Unavailable, "{fault:?}");
        assert_eq!(sent(&faults, CREATE), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_does_not_use_up_the_time() {
    let faults = Faults::new();
    let (_, current, backend) = start(&faults);
    let world = World::manual();
    for occurrence in 1..=TRIES {
        faults.at_nth(LIST, occurrence, Fault::Hang);
    }
    let began = world.manual_clock().elapsed();
    world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
    let took = world.manual_clock().elapsed() - began;
    assert!(
        took <= Duration::from_secs(30),
        "half of the 60 seconds: {took:?}"
    );
}

#[tokio::test]
async fn retry_after_is_honoured_where_there_is_time_and_said_where_there_is_not() {
    let faults = Faults::new();
    let (provider, current, backend) = start(&faults);
    let world = World::manual();
    provider.force_retry_after(LIST, StatusCode::TOO_MANY_REQUESTS, "7");
    let began = world.manual_clock().elapsed();
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    let took = world.manual_clock().elapsed() - began;
    assert!((7000..8000).contains(&took.as_millis()), "{took:?}");

    provider.force_retry_after(REVOKE, StatusCode::SERVICE_UNAVAILABLE, "3600");
    let error = world.retire(&backend, &current).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert!(error.to_string().contains("asks to wait for 3600 s"), "{error}");

    provider.force_retry_after(VERIFY, StatusCode::TOO_MANY_REQUESTS, "3");
    let (log, began) = (Log::start(), world.manual_clock().elapsed());
    world.test(&backend, &current).await.unwrap();
    let took = world.manual_clock().elapsed() - began;
    assert!((3000..4000).contains(&took.as_millis()), "{took:?}");
    assert!(log.text().contains("tries=2"), "{}", log.text());
}

#[tokio::test]
async fn statuses_of_the_other_requests() {
    let faults = Faults::new();
    let (provider, current, backend) = start(&faults);
    let world = World::manual();
    provider.force_next(REVOKE, StatusCode::GONE);
    assert_eq!(
        world.retire(&backend, &current).await.unwrap(),
        Retirement::AlreadyGone
    );
    provider.force_next(VERIFY, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        world.test(&backend, &current).await.unwrap_err().class(),
        ErrorClass::Misconfigured
    );
    for passing in [401, 403, 404, 429, 500] {
        provider.force_next(VERIFY, StatusCode::from_u16(passing).unwrap());
        world.test(&backend, &current).await.unwrap();
    }
}
