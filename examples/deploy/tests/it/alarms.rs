//! What the alarms look at, and whom they may tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{cloudformation, read, terraform};

/// Whom the topic lets publish, and whether only under a condition.
fn publishers(statements: &[Value]) -> BTreeSet<(&str, bool)> {
    let publisher = |statement: &Value| statement["Principal"]["Service"].as_str().is_some();
    assert!(statements.iter().all(publisher));
    let services = statements.iter().map(|statement| {
        let service = statement["Principal"]["Service"].as_str().unwrap_or_default();
        (service, statement.get("Condition").is_some())
    });
    services.collect()
}

/// EventBridge's without a condition, which AWS does not support in a topic's policy for EventBridge ("You can't
/// use of Condition blocks", EventBridge user guide, resource-based policies): with one, no rule is heard.
const RULES: (&str, bool) = ("events.amazonaws.com", false);
const ALARMS: (&str, bool) = ("cloudwatch.amazonaws.com", true);

/// Each topic lets in those that publish there.
#[test]
fn each_topic_lets_in_the_rules_and_alarms_that_publish_there() {
    let sam = cloudformation::template("sam/alarms.yaml");
    let resources = sam["Resources"].as_object().unwrap();
    let mut needed: BTreeMap<&str, BTreeSet<(&str, bool)>> = BTreeMap::new();
    for resource in resources.values() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::Events::Rule" => {
                let topic = properties["Targets"][0]["Arn"]["Ref"].as_str().unwrap();
                needed.entry(topic).or_default().insert(RULES);
            }
            "AWS::CloudWatch::Alarm" => {
                let topic = properties["AlarmActions"][0]["Ref"].as_str().unwrap();
                needed.entry(topic).or_default().insert(ALARMS);
                let named = properties["AlarmName"]["Fn::Sub"].as_str().unwrap();
                assert!(named.starts_with("${Name}-"), "{named}");
            }
            _ => {}
        }
    }
    let expected = BTreeMap::from([
        ("Alarms", BTreeSet::from([RULES, ALARMS])),
        ("Progress", BTreeSet::from([RULES])),
    ]);
    assert_eq!(needed, expected);
    for (topic, needed) in needed {
        let policy = cloudformation::properties(&sam, &format!("{topic}Policy"));
        assert_eq!(policy["Topics"], json!([{"Ref": topic}]));
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        assert_eq!(publishers(statements), needed, "{topic}");
    }
}

#[test]
fn each_topic_of_the_module_lets_in_the_rules_and_alarms_that_publish_there() {
    let module = terraform::module("terraform/modules/alarms");
    let mut needed: BTreeMap<String, BTreeSet<(String, bool)>> = BTreeMap::new();
    for block in module.blocks().filter(|block| block.identifier() == "resource") {
        let (target, who) = match block.labels()[0].as_str() {
            "aws_cloudwatch_event_target" => ("arn", RULES),
            "aws_cloudwatch_metric_alarm" => ("alarm_actions", ALARMS),
            _ => continue,
        };
        let topic = terraform::source(terraform::attribute(block.body(), target).unwrap());
        let topic = topic.trim_matches(['[', ']', ' ', ',']);
        let topic = topic.strip_prefix("aws_sns_topic.").unwrap();
        let topic = topic.strip_suffix(".arn").unwrap().to_owned();
        needed.entry(topic).or_default().insert((who.0.to_owned(), who.1));
    }
    assert_eq!(needed.keys().collect::<Vec<_>>(), ["alarms", "progress"]);
    for (topic, needed) in needed {
        let policy = terraform::block(&module, "data", ["aws_iam_policy_document", &topic]);
        let statements = policy.body().blocks().map(|statement| {
            let inner = |name: &str| statement.body().blocks().find(|block| block.identifier() == name);
            let who = terraform::attribute(inner("principals").unwrap().body(), "identifiers").unwrap();
            let who = terraform::source(who).replace(['[', ']', ' ', ',', '"'], "");
            (who, inner("condition").is_some())
        });
        assert_eq!(statements.collect::<BTreeSet<_>>(), needed, "{topic}");
    }
}

/// The state machine that writes a secret's age: the same in both, and each state is followed by one that is there.
#[test]
fn the_look_at_the_age_is_the_same_in_both() {
    let asl: Value = serde_json::from_str(&read("terraform/modules/alarms/age.asl.json")).unwrap();
    let sam = cloudformation::template("sam/alarms.yaml");
    assert_eq!(cloudformation::properties(&sam, "Age")["Definition"], asl);

    let states = asl["States"].as_object().unwrap();
    let mut state = asl["StartAt"].as_str().unwrap();
    let mut passed = BTreeSet::new();
    while let Some(next) = states[state]["Next"].as_str() {
        assert!(passed.insert(state), "{state} comes again");
        state = next;
    }
    assert_eq!(states[state]["End"], true);
    assert_eq!(passed.len() + 1, states.len());

    let metric = &states[state]["Arguments"]["MetricData"][0];
    let alarm = cloudformation::properties(&sam, "Overdue");
    assert_eq!(alarm["MetricName"], metric["MetricName"]);
    assert_eq!(alarm["Namespace"], states[state]["Arguments"]["Namespace"]);
    assert_eq!(alarm["Dimensions"][0]["Name"], metric["Dimensions"][0]["Name"]);
    assert_eq!(alarm["TreatMissingData"], "breaching");
    assert_eq!(
        cloudformation::properties(&sam, "AgeSchedule")["Target"]["Input"]["Fn::Sub"],
        r#"{"secret": "${SecretArn}"}"#
    );
}

/// The alarm on failures that a person has to mend looks at the metric that functions write.
#[test]
fn the_metric_of_the_alarm_is_the_functions_own() {
    let metrics = read("../../crates/rotation-lambda/src/telemetry/metrics.rs");
    let class = rotation_core::ErrorClass::Misconfigured.as_str();
    for written in [
        "\"SecretRotation\"",
        "\"Name\": \"failed\"",
        "[\"backend\", \"class\"]",
    ] {
        assert!(metrics.contains(written), "{written}");
    }
    let sam = cloudformation::template("sam/alarms.yaml");
    let alarm = cloudformation::properties(&sam, "Misconfigured");
    assert_eq!(
        (&alarm["Namespace"], &alarm["MetricName"]),
        (&json!("SecretRotation"), &json!("failed"))
    );
    let dimensions =
        json!([{"Name": "backend", "Value": {"Ref": "Backend"}}, {"Name": "class", "Value": class}]);
    assert_eq!(alarm["Dimensions"], dimensions);
    let module = terraform::module("terraform/modules/alarms");
    let alarm = terraform::block(
        &module,
        "resource",
        ["aws_cloudwatch_metric_alarm", "misconfigured"],
    );
    let part = |name| terraform::source(terraform::attribute(alarm.body(), name).unwrap());
    assert_eq!(part("namespace"), "\"SecretRotation\"");
    assert_eq!(part("metric_name"), "\"failed\"");
    let dimensions = part("dimensions");
    assert!(
        dimensions.contains("backend = each.key") && dimensions.contains(&format!("class = \"{class}\"")),
        "{dimensions}"
    );

    let backends = [
        "http/src/backend/steps.rs",
        "postgres/src/single_user.rs",
        "postgres/src/alternating.rs",
    ];
    let backends: String = backends
        .iter()
        .map(|file| read(&format!("../../crates/rotation-{file}")))
        .collect();
    for (root, name) in [
        ("api-key", "http-api-key"),
        ("postgres", "postgres-alternating-users"),
    ] {
        assert!(
            read(&format!("terraform/{root}/main.tf")).contains(&format!("= \"{name}\"")),
            "{root}"
        );
        assert!(backends.contains(&format!("\"{name}\"")), "{name}");
    }
}
