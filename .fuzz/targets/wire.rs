//! The simulator's wire: requests to one simulator, one after the other.
//!
//! The input is requests with a line `---` between them. The first line of each is the action, after an access
//! key and a space if it is signed; the rest is its body. The function's access key is `FUNCTION`.

use serde_json::Value;

use crate::Simulator;
use crate::server::alone;

/// Stands in the values of the corpus.
const SECRET: &str = "s3cr3t";

/// No request panics, every refusal says what it is, and a value is told to nobody who did not ask for it.
#[allow(clippy::unwrap_used, reason = "a test")]
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let simulator = Simulator::new();
    let mut named = false;
    for request in text.split("\n---\n").take(20) {
        let (head, body) = request.split_once('\n').unwrap_or((request, ""));
        let (key, action) = head
            .split_once(' ')
            .map_or((None, head), |(key, action)| (Some(key), action));
        named |= names_a_secret(head, body);
        let answered = alone::answer(&simulator, Some("FUNCTION"), key, action, body);
        let Some((status, answer)) = runtime.block_on(answered) else {
            // What no HTTP header can hold is not sent.
            continue;
        };
        check(status, &answer);
        let asked = action == "GetSecretValue" || named;
        assert!(asked || !answer.contains(SECRET), "{action}: {answer}");
    }
}

/// Whether it has the mark elsewhere than in a value.
fn names_a_secret(head: &str, body: &str) -> bool {
    let Ok(mut body) = serde_json::from_str::<Value>(body) else {
        return head.contains(SECRET);
    };
    if let Some(fields) = body.as_object_mut() {
        fields.remove("SecretString");
        fields.remove("SecretBinary");
    }
    head.contains(SECRET) || body.to_string().contains(SECRET)
}

#[allow(clippy::unwrap_used, reason = "a test")]
fn check(status: u16, answer: &str) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default();
    if status == 200 {
        assert!(answer.is_object() && answer.get("__type").is_none(), "{answer}");
        return labels_are_on_one_version(&answer);
    }
    assert!([400, 413, 500].contains(&status), "{status}");
    let code = text("__type");
    assert!(
        code.ends_with("Exception") || code == "InternalServiceError",
        "{answer}"
    );
    assert!(code.bytes().all(|byte| byte.is_ascii_alphabetic()), "{answer}");
    assert!(!text("Message").is_empty(), "{answer}");
}

/// Of what DescribeSecret says.
fn labels_are_on_one_version(answer: &Value) {
    let versions = answer.get("VersionIdsToStages").and_then(Value::as_object);
    let mut labels: Vec<_> = versions
        .into_iter()
        .flat_map(|versions| versions.values())
        .flat_map(|labels| labels.as_array().into_iter().flatten())
        .map(ToString::to_string)
        .collect();
    let all = labels.len();
    labels.sort();
    labels.dedup();
    assert!(labels.len() == all && all <= 20, "{answer}");
}
