//! What the alarms look at, and whom they may tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{cloudformation, read, terraform};

/// Which rules publish to which topic, and who the topic lets publish.
#[test]
fn each_topic_lets_in_the_rules_and_alarms_that_publish_there() {
    let sam = cloudformation::template("sam/alarms.yaml");
    let resources = sam["Resources"].as_object().unwrap();
    let mut rules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut alarms = BTreeSet::new();
    for (name, resource) in resources {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::Events::Rule" => {
                let topic = properties["Targets"][0]["Arn"]["Ref"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                rules
                    .entry(topic)
                    .or_default()
                    .insert(json!({"Fn::GetAtt": format!("{name}.Arn")}).to_string());
            }
            "AWS::CloudWatch::Alarm" => {
                alarms.insert(properties["AlarmActions"][0]["Ref"].as_str().unwrap().to_owned());
                let named = properties["AlarmName"]["Fn::Sub"].as_str().unwrap();
                assert!(named.starts_with("${Name}-"), "{named}");
            }
            _ => {}
        }
    }
    assert_eq!(rules.len(), 2);
    assert_eq!(alarms, BTreeSet::from(["Alarms".to_owned()]));
    for (topic, rules) in rules {
        let policy = cloudformation::properties(&sam, &format!("{topic}Policy"));
        assert_eq!(policy["Topics"], json!([{"Ref": topic}]));
        let statement = &policy["PolicyDocument"]["Statement"][0];
        assert_eq!(statement["Principal"], json!({"Service": "events.amazonaws.com"}));
        let sources = &statement["Condition"]["ArnEquals"]["aws:SourceArn"];
        let sources = sources
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![sources.clone()]);
        assert_eq!(
            sources.iter().map(Value::to_string).collect::<BTreeSet<_>>(),
            rules,
            "{topic}"
        );
    }

    let module = terraform::module("terraform/modules/alarms");
    for target in module.blocks().filter(|block| {
        block.identifier() == "resource" && block.labels()[0].as_str() == "aws_cloudwatch_event_target"
    }) {
        let part = |name| terraform::source(terraform::attribute(target.body(), name).unwrap());
        let topic = part("arn").replace("aws_sns_topic.", "").replace(".arn", "");
        let rule = part("rule").replace(".name", ".arn");
        let policy = terraform::block(&module, "data", ["aws_iam_policy_document", &topic]);
        let text = hcl::format::to_string(&hcl::Body::from(vec![policy.clone()])).unwrap();
        assert!(text.contains(&rule), "{topic} does not let {rule} in");
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
        "http/src/backend.rs",
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
