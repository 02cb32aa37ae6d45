//! CloudFormation's files, with the short forms of its functions written out: `!Ref x` is `{"Ref": "x"}`.

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

use crate::rights::Statement;

pub(crate) fn template(name: &str) -> Value {
    let text = crate::read(name);
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name}");
    value(&documents[0])
}

fn value(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Tagged(tag, inner) => {
            let inner = value(inner);
            match tag.suffix.as_str() {
                short @ ("Ref" | "Condition") => json!({short: inner}),
                short => json!({format!("Fn::{short}"): inner}),
            }
        }
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(fields) => {
            let field =
                |(key, field): (&Yaml<'_>, &Yaml<'_>)| (key.as_str().unwrap().to_owned(), value(field));
            Value::Object(fields.iter().map(field).collect())
        }
        scalar => {
            let number = scalar.as_integer().map(|number| json!(number));
            let flag = scalar.as_bool().map(|flag| json!(flag));
            number.or(flag).unwrap_or_else(|| json!(scalar.as_str()))
        }
    }
}

/// The properties of a resource.
pub(crate) fn properties<'a>(template: &'a Value, resource: &str) -> &'a Value {
    let found = &template["Resources"][resource]["Properties"];
    assert!(found.is_object(), "there is no {resource}");
    found
}

/// The statements of a policy, those included that stand under a condition.
pub(crate) fn statements(policy: &Value) -> Vec<Statement> {
    policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(statement)
        .collect()
}

fn statement(written: &Value) -> Statement {
    let (written, only_if) = match written.get("Fn::If") {
        Some(parts) => (&parts[1], parts[0].as_str().map(str::to_owned)),
        None => (written, None),
    };
    let many = |field: &Value| match field {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let conditions = written["Condition"].as_object().into_iter().flatten();
    Statement {
        sid: text(&written["Sid"]),
        effect: text(&written["Effect"]),
        actions: many(&written["Action"]).into_iter().collect(),
        resources: many(&written["Resource"]),
        only_if,
        conditions: conditions
            .flat_map(|(test, variables)| {
                let variables = variables.as_object().unwrap().keys();
                variables
                    .map(|variable| (test.clone(), variable.clone()))
                    .collect::<Vec<_>>()
            })
            .collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
