//! How a Lambda function is named.

/// The function's name out of its ARN, a partial ARN or the bare name, each with or without a
/// qualifier. `None` if it is none of these.
///
/// Source: the Lambda API reference, Invoke, `FunctionName`.
#[must_use]
pub fn function_name(function: &str) -> Option<&str> {
    let parts: Vec<&str> = function.split(':').collect();
    let name = match parts.as_slice() {
        ["arn", _, "lambda", _, _, "function", rest @ ..] | [_, "function", rest @ ..] | rest => match rest {
            [name] | [name, _] => name,
            _ => return None,
        },
    };
    is_name(name).then_some(*name)
}

/// Whether a function can have this name. (The API reference's pattern, without its lengths.)
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_in_every_way_that_lambda_takes() {
        let rows = [
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:crm-key",
                Some("crm-key"),
            ),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:crm-key:PROD",
                Some("crm-key"),
            ),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:crm-key:$LATEST",
                Some("crm-key"),
            ),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:a_b",
                Some("a_b"),
            ),
            ("111122223333:function:crm-key", Some("crm-key")),
            ("111122223333:function:crm-key:42", Some("crm-key")),
            ("crm-key", Some("crm-key")),
            ("crm-key:PROD", Some("crm-key")),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:crm-key:PROD:more",
                None,
            ),
            ("arn:aws:lambda:eu-west-1:111122223333:function:", None),
            ("arn:aws:lambda:eu-west-1:111122223333:layer:crm-key:1", None),
            (
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123",
                None,
            ),
            ("crm/../key", None),
            ("crm key", None),
            ("", None),
        ];
        for (function, name) in rows {
            assert_eq!(function_name(function), name, "{function}");
        }
    }
}
