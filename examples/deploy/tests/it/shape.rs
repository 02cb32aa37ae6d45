//! What the templates make, and in which order.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{cloudformation, read, terraform};

fn written(keyword: &str, labels: [&str; 2], attribute: &str) -> Option<String> {
    let module = terraform::module("terraform/modules/rotation");
    let block = terraform::block(&module, keyword, labels);
    terraform::attribute(block.body(), attribute).map(terraform::source)
}

#[test]
fn nothing_holds_the_value_of_a_secret() {
    for module in ["modules/rotation", "modules/alarms", "api-key", "postgres"] {
        let types = terraform::resource_types(&terraform::module(&format!("terraform/{module}")));
        assert!(
            !types
                .iter()
                .any(|name| name == "aws_secretsmanager_secret_version"),
            "{module}"
        );
    }
    let first = terraform::module("terraform/first-value");
    let version = terraform::block(&first, "resource", ["aws_secretsmanager_secret_version", "first"]);
    assert!(terraform::attribute(version.body(), "secret_string").is_none());
    assert!(terraform::attribute(version.body(), "secret_string_wo").is_some());
    let value = first
        .blocks()
        .find(|block| block.labels().iter().any(|label| label.as_str() == "value"));
    let ephemeral = terraform::attribute(value.unwrap().body(), "ephemeral").map(terraform::source);
    assert_eq!(ephemeral.as_deref(), Some("true"));

    let sam = cloudformation::template("sam/template.yaml");
    let secret = cloudformation::properties(&sam, "Secret");
    for property in ["SecretString", "GenerateSecretString"] {
        assert!(secret.get(property).is_none(), "{property}");
    }
    assert_eq!(sam["Resources"]["Secret"]["UpdateReplacePolicy"], "Retain");
}

#[test]
fn the_function_is_what_cargo_lambda_builds() {
    let labels = ["aws_lambda_function", "this"];
    let of_terraform = |attribute| written("resource", labels, attribute);
    assert_eq!(of_terraform("runtime").as_deref(), Some("\"provided.al2023\""));
    assert_eq!(of_terraform("handler").as_deref(), Some("\"bootstrap\""));
    assert_eq!(
        of_terraform("architectures").unwrap().replace([' ', ','], ""),
        "[\"arm64\"]"
    );
    assert_eq!(of_terraform("reserved_concurrent_executions"), None);

    let sam = cloudformation::template("sam/template.yaml");
    let function = cloudformation::properties(&sam, "Function");
    assert_eq!(function["Runtime"], "provided.al2023");
    assert_eq!(function["Handler"], "bootstrap");
    assert_eq!(function["Architectures"], json!(["arm64"]));
    assert!(function.get("ReservedConcurrentExecutions").is_none());
    assert_eq!(sam["Parameters"]["Timeout"]["Default"], 180);
    assert_eq!(sam["Parameters"]["Timeout"]["MinValue"], 60);
    let module = terraform::module("terraform/modules/rotation");
    let timeout = module
        .blocks()
        .find(|block| block.labels().iter().any(|label| label.as_str() == "timeout"));
    let default = terraform::attribute(timeout.unwrap().body(), "default").map(terraform::source);
    assert_eq!(default.as_deref(), Some("180"));
}

#[test]
fn only_this_accounts_secrets_manager_may_invoke_for_this_secret() {
    let labels = ["aws_lambda_permission", "secretsmanager"];
    for (attribute, expected) in [
        ("principal", "\"secretsmanager.amazonaws.com\""),
        ("source_account", "local.account"),
        ("source_arn", "aws_secretsmanager_secret.this.arn"),
    ] {
        assert_eq!(written("resource", labels, attribute).as_deref(), Some(expected));
    }
    let sam = cloudformation::template("sam/template.yaml");
    let permission = cloudformation::properties(&sam, "Permission");
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
    assert_eq!(permission["SourceArn"], json!({"Ref": "Secret"}));
}

#[test]
fn what_a_step_needs_exists_before_the_schedule() {
    let schedule = ["aws_secretsmanager_secret_rotation", "this"];
    let waits = written("resource", schedule, "depends_on").unwrap();
    for needed in [
        "aws_lambda_permission.secretsmanager",
        "aws_iam_role_policy.rotate",
        "aws_vpc_endpoint.secretsmanager",
        "aws_vpc_security_group_ingress_rule.endpoint",
        "aws_vpc_security_group_egress_rule.endpoint",
        "aws_vpc_security_group_egress_rule.https",
        "aws_vpc_security_group_ingress_rule.target",
        "aws_vpc_security_group_egress_rule.target",
    ] {
        assert!(waits.contains(needed), "{needed}");
    }
    assert_eq!(
        written("resource", schedule, "rotate_immediately").as_deref(),
        Some("var.schedule.rotate_immediately")
    );

    let sam = cloudformation::template("sam/template.yaml");
    let resources = &sam["Resources"];
    assert_eq!(
        resources["Schedule"]["DependsOn"],
        json!(["Permission", "Rights", "Network"])
    );
    assert_eq!(
        cloudformation::properties(&sam, "Schedule")["RotateImmediatelyOnUpdate"],
        false
    );
    let parts = resources["Network"]["Metadata"]["Parts"].to_string();
    let network = [
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
    ];
    for (name, resource) in resources.as_object().unwrap() {
        let of_the_application = name == "EndpointFromApplication";
        if network.contains(&resource["Type"].as_str().unwrap()) && !of_the_application {
            assert!(parts.contains(&format!("{{\"Ref\":\"{name}\"}}")), "{name}");
            let condition = resource["Condition"].as_str().unwrap();
            assert!(
                parts.contains(&format!("[\"{condition}\",{{\"Ref\":\"{name}\"}}")),
                "{name}: {condition}"
            );
        }
    }
}

/// What a template sets, a function reads.
#[test]
fn the_variables_are_those_of_the_functions() {
    let read_by = |package: &str| -> String {
        let files = std::fs::read_dir(crate::path(&format!("../{package}/src"))).unwrap();
        let paths = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file());
        paths.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    };
    let (api_key, postgres) = (read_by("api-key-lambda"), read_by("postgres-lambda"));
    let known = |source: &str, name: &str| source.contains(&format!("\"{name}\""));
    for (root, source) in [("api-key", &api_key), ("postgres", &postgres)] {
        let module = terraform::module(&format!("terraform/{root}"));
        let rotation = module
            .blocks()
            .find(|block| block.labels().iter().any(|label| label.as_str() == "rotation"));
        let environment = terraform::attribute(rotation.unwrap().body(), "environment").unwrap();
        let hcl::Expression::Object(fields) = environment else {
            panic!("{environment:?}")
        };
        assert!(!fields.is_empty());
        for name in fields.keys() {
            let name = name.to_string();
            assert!(known(source, &name), "{root}: {name}");
        }
    }
    let sam = cloudformation::template("sam/template.yaml");
    let variables = &cloudformation::properties(&sam, "Function")["Environment"]["Variables"];
    for name in variables.as_object().unwrap().keys() {
        assert!(known(&api_key, name) || known(&postgres, name), "{name}");
    }
}

/// Where an account demands a boundary, it demands it of every role.
#[test]
fn every_role_can_be_bounded() {
    let mut roles = 0;
    for module in ["rotation", "alarms"] {
        let module = terraform::module(&format!("terraform/modules/{module}"));
        for role in module
            .blocks()
            .filter(|block| block.identifier() == "resource" && block.labels()[0].as_str() == "aws_iam_role")
        {
            let boundary = terraform::attribute(role.body(), "permissions_boundary").map(terraform::source);
            assert_eq!(
                boundary.as_deref(),
                Some("var.permissions_boundary_arn"),
                "{:?}",
                role.labels()
            );
            roles += 1;
        }
    }
    for name in ["template", "alarms"] {
        let sam = cloudformation::template(&format!("sam/{name}.yaml"));
        for (name, resource) in sam["Resources"].as_object().unwrap() {
            if resource["Type"] == "AWS::IAM::Role" {
                let boundary = &resource["Properties"]["PermissionsBoundary"]["Fn::If"][0];
                assert_eq!(boundary, "HasBoundary", "{name}");
                roles += 1;
            }
        }
    }
    assert_eq!(roles, 6);
}

/// The manual names parameters and variables that there are.
#[test]
fn the_manual_sets_what_there_is_to_set() {
    let manual = read("../../docs/deploying.md");
    let parameters = ["template", "alarms"].map(|name| cloudformation::template(&format!("sam/{name}.yaml")));
    let module = terraform::module("terraform/api-key");
    let mut seen = 0;
    let mut is_code = false;
    for line in manual.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        for word in line.split_whitespace().filter(|_| is_code) {
            let Some((name, _)) = word.split_once('=') else {
                continue;
            };
            let of_sam = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
            let of_terraform = line.contains(&format!("-var {name}="));
            if of_sam && name != "OutputKey" {
                let there = parameters.iter().any(|sam| sam["Parameters"].get(name).is_some());
                assert!(there, "{name} is no parameter: {line}");
                seen += 1;
            } else if of_terraform {
                let there = module
                    .blocks()
                    .any(|block| block.identifier() == "variable" && block.labels()[0].as_str() == name);
                assert!(there, "{name} is no variable: {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "only {seen} were found");
}

/// The manual's example of `terraform.tfvars` sets each variable that has no default, and none that is not there.
#[test]
fn the_example_of_variables_is_whole() {
    let manual = read("terraform/README.md");
    let example = manual.split("terraform.tfvars").nth(1).unwrap();
    let example = example
        .split("```hcl")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let example: hcl::Body = hcl::parse(example).unwrap();
    let set: BTreeSet<_> = example
        .attributes()
        .map(|attribute| attribute.key().to_owned())
        .collect();
    let module = terraform::module("terraform/postgres");
    let variables = module.blocks().filter(|block| block.identifier() == "variable");
    let needed = variables.filter(|block| terraform::attribute(block.body(), "default").is_none());
    let needed: BTreeSet<_> = needed
        .map(|block| block.labels()[0].as_str().to_owned())
        .collect();
    assert_eq!(set, needed);
}
