//! The event that a function is invoked with. The input is the event.

#![allow(clippy::panic, reason = "a test")]

use rotation_core::{EventError, RotationEvent, Step};
use serde_json::Value;

/// Parsing never panics, what parses keeps its promises, and no RotationToken is printed.
pub(crate) fn run(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return assert!(serde_json::from_slice::<RotationEvent>(data).is_err());
    };
    let parsed = RotationEvent::parse(&json);
    match (serde_json::from_slice::<RotationEvent>(data), &parsed) {
        (Ok(read), Ok(event)) => assert_eq!(format!("{read:?}"), format!("{event:?}")),
        (Err(read), Err(error)) => assert_eq!(read.to_string(), error.to_string()),
        (read, parsed) => panic!("serde says {read:?}, parse says {parsed:?}"),
    }
    if let Ok(event) = &parsed {
        keeps_its_promises(event);
    }
    prints_no_token(json, parsed);
}

fn keeps_its_promises(event: &RotationEvent) {
    let printable = |text: &str| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!(printable(event.secret_id()) && printable(event.client_request_token()));
    assert!((32..=64).contains(&event.client_request_token().len()));
    assert!(
        event
            .rotation_token()
            .is_none_or(|token| printable(token.expose_secret()))
    );
    let step = event.step();
    assert_eq!(step.to_string().parse::<Step>(), Ok(step));
    let again = RotationEvent::new(event.secret_id(), event.client_request_token(), step);
    assert!(again.is_ok());
}

/// With another token in its place, the same is printed.
fn prints_no_token(mut json: Value, parsed: Result<RotationEvent, EventError>) {
    let Some(token) = json.get_mut("RotationToken") else {
        return;
    };
    // An error of the token itself names its field and no more.
    let is_text = token.as_str().is_some_and(|token| !token.is_empty());
    if !is_text || parsed.as_ref().err() == Some(&EventError::NotPrintableAscii("RotationToken")) {
        return;
    }
    *token = Value::from("another token");
    let other = RotationEvent::parse(&json);
    assert_eq!(format!("{parsed:?}"), format!("{other:?}"));
    if let (Err(error), Err(other)) = (parsed, other) {
        assert_eq!(error.to_string(), other.to_string());
        let text = error.to_string();
        assert!(text.len() < 400 && !text.contains(char::is_control), "{text:?}");
    }
}
