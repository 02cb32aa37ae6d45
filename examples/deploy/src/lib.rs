//! Amazon EventBridge's matching of events, as far as patterns for Secrets Manager need it: to find out in a
//! test whether a rule fires.
//!
//! ```
//! use deploy_checks::matches;
//! use serde_json::json;
//!
//! let pattern = json!({"source": ["aws.secretsmanager"], "detail": {"labelUpdated": ["AWSCURRENT"]}});
//! let event = json!({"source": "aws.secretsmanager", "detail": {"labelUpdated": "AWSCURRENT", "name": "crm"}});
//! assert!(matches(&pattern, &event)?);
//! # Ok::<(), deploy_checks::PatternError>(())
//! ```
//!
//! The templates that it is used on, and their tests, are beside it: see `README.md`.

use serde_json::{Map, Value};

/// Why a pattern is none, or is one that is not understood here. EventBridge refuses the former when a
/// rule is made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The pattern itself, or what stands under a field, is neither an object nor an array.
    #[error("{0} must be an array of what it may be, or an object of fields")]
    Shape(String),
    /// What stands in an array is a matcher that is not known here.
    #[error("{0} holds {1}, which is no matcher that is known here")]
    Matcher(String, Value),
}

/// Whether a rule with this pattern fires for this event.
///
/// Every field of the pattern has to match; of an array in the pattern, one entry; of an array in the event,
/// one element. An entry is a value, compared exactly and with its case, or one of `prefix`, `suffix`,
/// `anything-but` (values, or a `prefix`), `exists`, `numeric`, `equals-ignore-case`. Source: EventBridge user
/// guide, "Comparison operators for use in event patterns".
///
/// # Errors
///
/// [`PatternError`]: the pattern is no pattern, or has another matcher, such as `$or` or `wildcard`.
pub fn matches(pattern: &Value, event: &Value) -> Result<bool, PatternError> {
    let fields = pattern.as_object();
    let fields = fields.ok_or_else(|| PatternError::Shape("the pattern".to_owned()))?;
    all_fields("", fields, Some(event))
}

fn all_fields(path: &str, fields: &Map<String, Value>, event: Option<&Value>) -> Result<bool, PatternError> {
    let mut all = true;
    for (name, wanted) in fields {
        let path = format!("{path}/{name}");
        let found = event.and_then(|event| event.get(name));
        // Each is looked at even when one has failed, so that a pattern that is none is always told.
        all &= match wanted {
            Value::Array(matchers) => one_matcher(&path, matchers, found)?,
            Value::Object(nested) => one_object(&path, nested, found)?,
            _ => return Err(PatternError::Shape(path)),
        };
    }
    Ok(all)
}

/// Of an array of objects, one has to match.
fn one_object(path: &str, fields: &Map<String, Value>, found: Option<&Value>) -> Result<bool, PatternError> {
    let Some(Value::Array(elements)) = found else {
        return all_fields(path, fields, found);
    };
    let mut any = all_fields(path, fields, None)? && elements.is_empty();
    for element in elements {
        any |= all_fields(path, fields, Some(element))?;
    }
    Ok(any)
}

fn one_matcher(path: &str, matchers: &[Value], found: Option<&Value>) -> Result<bool, PatternError> {
    let leaves = match found {
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(Value::Object(_)) | None => Vec::new(),
        Some(leaf) => vec![leaf],
    };
    let mut any = false;
    for matcher in matchers {
        any |= one_leaf(path, matcher, &leaves)?;
    }
    Ok(any)
}

fn one_leaf(path: &str, matcher: &Value, leaves: &[&Value]) -> Result<bool, PatternError> {
    let unknown = || PatternError::Matcher(path.to_owned(), matcher.clone());
    let Value::Object(operator) = matcher else {
        return match matcher {
            Value::Array(_) => Err(unknown()),
            value => Ok(leaves.contains(&value)),
        };
    };
    let mut operators = operator.iter();
    let (Some((name, operand)), None) = (operators.next(), operators.next()) else {
        return Err(unknown());
    };
    if let ("exists", Value::Bool(wanted)) = (name.as_str(), operand) {
        return Ok(leaves.is_empty() != *wanted);
    }
    let test = operator_test(name, operand).ok_or_else(unknown)?;
    Ok(leaves.iter().any(|leaf| test(leaf)))
}

type Test<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

fn operator_test<'a>(name: &str, operand: &'a Value) -> Option<Test<'a>> {
    let text = |leaf: &Value, test: &dyn Fn(&str) -> bool| leaf.as_str().is_some_and(test);
    Some(match (name, operand) {
        ("prefix", Value::String(prefix)) => {
            Box::new(move |leaf| text(leaf, &|leaf| leaf.starts_with(prefix.as_str())))
        }
        ("suffix", Value::String(suffix)) => {
            Box::new(move |leaf| text(leaf, &|leaf| leaf.ends_with(suffix.as_str())))
        }
        ("equals-ignore-case", Value::String(value)) => {
            Box::new(move |leaf| text(leaf, &|leaf| leaf.to_lowercase() == value.to_lowercase()))
        }
        ("anything-but", Value::Object(but)) if but.len() == 1 => {
            let prefix = but.get("prefix")?.as_str()?;
            Box::new(move |leaf| text(leaf, &|leaf| !leaf.starts_with(prefix)))
        }
        ("anything-but", Value::Array(values)) => Box::new(move |leaf| !values.contains(leaf)),
        ("anything-but", Value::String(_) | Value::Number(_)) => Box::new(move |leaf| leaf != operand),
        ("numeric", Value::Array(bounds)) => {
            let bounds = bounds.chunks(2).map(bound).collect::<Option<Vec<_>>>()?;
            Box::new(move |leaf| {
                let number = leaf.as_f64();
                number.is_some_and(|number| bounds.iter().all(|bound| bound(number)))
            })
        }
        _ => return None,
    })
}

fn bound(pair: &[Value]) -> Option<Box<dyn Fn(f64) -> bool>> {
    let [operator, limit] = pair else { return None };
    let limit = limit.as_f64()?;
    Some(match operator.as_str()? {
        "<" => Box::new(move |number| number < limit),
        "<=" => Box::new(move |number| number <= limit),
        ">" => Box::new(move |number| number > limit),
        ">=" => Box::new(move |number| number >= limit),
        "=" => Box::new(move |number| (number - limit).abs() < f64::EPSILON),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_match_as_eventbridge_matches_them() {
        let event = json!({
            "source": "aws.secretsmanager", "resources": ["one", "two"], "empty": [], "none": null,
            "detail": {"name": "RotationFailed", "n": 5, "deep": {"id": "x"}, "list": [{"a": 1}, {"a": 2}]},
        });
        let rows = [
            (json!({}), true),
            (json!({"source": ["aws.secretsmanager"]}), true),
            (json!({"source": ["AWS.SecretsManager"]}), false),
            (json!({"source": ["aws"]}), false),
            (json!({"source": ["other", "aws.secretsmanager"]}), true),
            (json!({"missing": ["x"]}), false),
            (json!({"resources": ["two"]}), true),
            (json!({"resources": ["three"]}), false),
            (json!({"none": [null]}), true),
            (json!({"detail": {"deep": {"id": ["x"]}}}), true),
            (json!({"detail": {"deep": {"id": ["y"]}}}), false),
            (json!({"detail": {"deep": ["x"]}}), false),
            (json!({"detail": {"missing": {"id": ["x"]}}}), false),
            (json!({"detail": {"list": {"a": [2]}}}), true),
            (json!({"detail": {"list": {"a": [3]}}}), false),
            (json!({"detail": {"name": [{"prefix": "Rotation"}]}}), true),
            (json!({"detail": {"name": [{"prefix": "rotation"}]}}), false),
            (json!({"detail": {"name": [{"suffix": "Failed"}]}}), true),
            (
                json!({"detail": {"name": [{"anything-but": "RotationFailed"}]}}),
                false,
            ),
            (
                json!({"detail": {"name": [{"anything-but": ["RotationStarted"]}]}}),
                true,
            ),
            (
                json!({"detail": {"name": [{"anything-but": {"prefix": "Rotation"}}]}}),
                false,
            ),
            (json!({"detail": {"missing": [{"anything-but": "x"}]}}), false),
            (
                json!({"detail": {"name": [{"equals-ignore-case": "rotationfailed"}]}}),
                true,
            ),
            (json!({"detail": {"name": [{"exists": true}]}}), true),
            (json!({"detail": {"missing": [{"exists": false}]}}), true),
            (json!({"missing": {"deeper": [{"exists": false}]}}), true),
            (json!({"detail": {"deep": [{"exists": true}]}}), false),
            (json!({"detail": {"n": [{"numeric": [">", 1, "<=", 5]}]}}), true),
            (json!({"detail": {"n": [{"numeric": ["<", 5]}]}}), false),
            (json!({"source": ["aws.secretsmanager"], "missing": ["x"]}), false),
        ];
        for (pattern, expected) in rows {
            assert_eq!(matches(&pattern, &event), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_whatever_the_event() {
        for (pattern, part) in [
            (json!([]), "the pattern"),
            (json!({"source": "aws.secretsmanager"}), "/source"),
            (json!({"missing": {"deeper": "x"}}), "/missing/deeper"),
            (
                json!({"missing": ["x"], "source": [{"wildcard": "*"}]}),
                "wildcard",
            ),
            (json!({"$or": [{"source": ["x"]}]}), "$or"),
            (json!({"source": [{"prefix": 1}]}), "prefix"),
            (json!({"source": [["x"]]}), "/source"),
        ] {
            let error = matches(&pattern, &json!({"source": "x"}))
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }
}
