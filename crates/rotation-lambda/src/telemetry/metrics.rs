//! CloudWatch's embedded metric format, in the line that ends a step.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::line::Line;

const NAMESPACE: &str = "SecretRotation";

/// Makes a line that ends a step into one with metrics. All dimensions have few values: the
/// backends of a function, four steps, eight outcomes, three classes.
///
/// Source of the form: the CloudWatch user guide's "Specification: Embedded metric format".
pub(super) fn add(line: &mut Line, now: SystemTime) {
    let (Some(outcome), Some(_)) = (text(line, "outcome"), line.get("duration_ms")) else {
        return;
    };
    let failed = outcome == "failed";
    let ours = text(line, "target").is_some_and(|target| target.starts_with("rotation_"));
    if !ours {
        return;
    }
    for dimension in ["backend", "step"] {
        if line.get(dimension).is_none() {
            line.set(dimension, "none");
        }
    }
    line.set("succeeded", u8::from(!failed));
    line.set("failed", u8::from(failed));
    let mut dimensions = vec![json!(["backend", "step"]), json!(["backend", "outcome"])];
    if failed {
        dimensions.push(json!(["backend", "class"]));
    }
    let milliseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    line.set(
        "_aws",
        json!({
            "Timestamp": u64::try_from(milliseconds).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": [
                    {"Name": "duration_ms", "Unit": "Milliseconds"},
                    {"Name": "succeeded", "Unit": "Count"},
                    {"Name": "failed", "Unit": "Count"},
                ],
            }],
        }),
    );
}

fn text<'a>(line: &'a Line, name: &str) -> Option<&'a str> {
    line.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(fields: &[(&'static str, Value)]) -> Value {
        let mut line = Line::default();
        for (name, value) in fields {
            line.set(name, value.clone());
        }
        add(&mut line, UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
        serde_json::to_value(&line).unwrap()
    }

    fn dimensions(line: &Value) -> &Value {
        &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    }

    #[test]
    fn the_line_that_ends_a_step_has_metrics() {
        let done = line(&[
            ("target", json!("rotation_core::rotator")),
            ("backend", json!("api-key")),
            ("step", json!("createSecret")),
            ("secret", json!("arn")),
            ("outcome", json!("created")),
            ("duration_ms", json!(12)),
        ]);
        let metrics = json!([
            {"Name": "duration_ms", "Unit": "Milliseconds"}, {"Name": "succeeded", "Unit": "Count"},
            {"Name": "failed", "Unit": "Count"},
        ]);
        let directive = json!({
            "Namespace": "SecretRotation", "Metrics": metrics,
            "Dimensions": [["backend", "step"], ["backend", "outcome"]],
        });
        let aws = json!({"Timestamp": 1_700_000_000_123_u64, "CloudWatchMetrics": [directive]});
        assert_eq!(done["_aws"], aws);
        assert_eq!((&done["succeeded"], &done["failed"]), (&json!(1), &json!(0)));
    }

    /// Each dimension must be a text at the top of the line, and each metric a number.
    #[test]
    fn a_failure_has_its_class_and_a_step_without_backend_has_a_name_for_that() {
        let failed = line(&[
            ("target", json!("rotation_lambda::handler")),
            ("outcome", json!("failed")),
            ("class", json!("misconfigured")),
            ("duration_ms", json!(0)),
        ]);
        assert_eq!(
            *dimensions(&failed),
            json!([["backend", "step"], ["backend", "outcome"], ["backend", "class"]])
        );
        for set in dimensions(&failed).as_array().unwrap() {
            for name in set.as_array().unwrap() {
                assert!(failed[name.as_str().unwrap()].is_string(), "{name}");
            }
        }
        assert_eq!((&failed["succeeded"], &failed["failed"]), (&json!(0), &json!(1)));
        assert_eq!(failed["backend"], "none");
    }

    #[test]
    fn other_lines_have_none() {
        let target = |target: &str| ("target", json!(target));
        for fields in [
            vec![target("rotation_core::rotator"), ("outcome", json!("created"))],
            vec![target("rotation_core::rotator"), ("duration_ms", json!(1))],
            vec![
                target("hyper"),
                ("outcome", json!("created")),
                ("duration_ms", json!(1)),
            ],
        ] {
            assert!(line(&fields).get("_aws").is_none());
        }
    }
}
