//! What the roles may do, compared with what the code was seen to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rotation_core::{CredentialBackend, Grace, Rotator};
use rotation_testkit::backends::{Login, MintedKeys, MintingBackend, PasswordBackend, PasswordTarget};
use rotation_testkit::model::Principal;
use rotation_testkit::{Fault, Simulator};

use crate::{cloudformation, terraform};

/// One statement of a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sid: String,
    pub(crate) effect: String,
    pub(crate) actions: BTreeSet<String>,
    /// As they are written.
    pub(crate) resources: Vec<String>,
    /// Under which condition of the template it is there at all, as it is written.
    pub(crate) only_if: Option<String>,
    /// Operator and key of each condition of the policy.
    pub(crate) conditions: Vec<(String, String)>,
}

const TIME: Duration = Duration::from_secs(60);

/// By secret, the actions of IAM that a rotation function needed: those of the rotated secret, and of the other.
#[derive(Debug, Default)]
struct Seen {
    rotated: BTreeSet<String>,
    other: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, simulator: &Simulator, rotated: &str) {
        for call in simulator.calls() {
            if call.principal == Principal::RotationFunction {
                let whose = if call.secret_id == rotated {
                    &mut self.rotated
                } else {
                    &mut self.other
                };
                whose.insert(format!("secretsmanager:{}", call.action));
            }
        }
    }
}

/// Rotates three times, with this fault at the first passage of this name in the second.
async fn rotate<B: CredentialBackend>(
    simulator: &Simulator,
    rotator: Rotator<B, rotation_testkit::SimulatorStore>,
    arn: &str,
    fault: (&str, Fault),
) {
    for round in 0..3 {
        if round == 1 {
            simulator.faults().at_nth(fault.0, 1, fault.1);
        }
        if simulator.operator().rotate(arn).is_ok() {
            simulator.run(&rotator, TIME).await;
        }
        simulator.faults().clear();
        simulator.skip(Duration::from_secs(86400));
    }
}

const EFFECTS: [&str; 5] = [
    "DescribeSecret",
    "GetSecretValue",
    "PutSecretValue",
    "UpdateSecretVersionStage",
    "POST /keys",
];

async fn api_keys(seen: &mut Seen, grace: Grace, rejecting: bool, fault: (&str, Fault)) {
    let simulator = Simulator::new();
    let target = MintedKeys::new(simulator.faults());
    let first = target.mint("by hand").to_value();
    let arn = simulator.operator().create_secret("crm/key", first).unwrap();
    simulator.operator().replicate(&arn, "eu-central-1").unwrap();
    target.set_rejecting(rejecting);
    let rotator = Rotator::new(MintingBackend::new(target), simulator.store());
    rotate(
        &simulator,
        rotator.with_clock(simulator.clock()).with_grace(grace),
        &arn,
        fault,
    )
    .await;
    seen.add(&simulator, &arn);
}

async fn passwords(seen: &mut Seen, lost: bool, fault: (&str, Fault)) {
    let simulator = Simulator::new();
    let (user, superuser) = (Login::new("app", "first"), Login::new("master", "super"));
    let operator = simulator.operator();
    let superuser_arn = operator
        .create_secret("crm/master", superuser.to_value())
        .unwrap();
    let arn = operator.create_secret("crm/app", user.to_value()).unwrap();
    let target = PasswordTarget::new(user, simulator.faults()).with_superuser(superuser);
    if lost {
        target.set_password("changed by hand");
    }
    let backend = PasswordBackend::new(target).with_superuser_secret(&superuser_arn);
    let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
    operator.dry_run(&arn).unwrap();
    simulator.run(&rotator, TIME).await;
    rotate(&simulator, rotator, &arn, fault).await;
    seen.add(&simulator, &arn);
}

/// Whole rotations, dry runs, recoveries, clean-ups, with each fault at each kind of effect.
async fn seen() -> Seen {
    let mut seen = Seen::default();
    for effect in EFFECTS {
        for fault in Fault::ALL {
            for grace in [Grace::UntilNextRotation, Grace::None] {
                api_keys(&mut seen, grace, false, (effect, fault)).await;
            }
            api_keys(&mut seen, Grace::UntilNextRotation, true, (effect, fault)).await;
            for lost in [false, true] {
                passwords(&mut seen, lost, (effect, fault)).await;
            }
        }
    }
    seen
}

/// A template's role, with the statements' names.
fn roles() -> BTreeMap<&'static str, Vec<Statement>> {
    let sam = cloudformation::template("sam/template.yaml");
    let sam = cloudformation::statements(&cloudformation::properties(&sam, "Rights")["PolicyDocument"]);
    let terraform = terraform::statements(&terraform::module("terraform/modules/rotation"), "rotate");
    BTreeMap::from([("SAM", sam), ("Terraform", terraform)])
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|&action| action.to_owned()).collect()
}

const INTERFACES: [&str; 4] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
];
const LOOKS: [&str; 2] = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"];
const CONTEXT: (&str, &str) = ("StringEquals", "kms:EncryptionContext:SecretARN");

#[tokio::test]
async fn the_roles_grant_what_the_code_calls_and_nothing_else() {
    let seen = seen().await;
    let vpc = [&INTERFACES[..], &LOOKS].concat();
    // Secrets Manager's rights as they were seen; those of KMS, CloudWatch Logs and EC2, of which no call is
    // seen here, from AWS's documentation.
    let expected = [
        ("RotateTheSecret", "Allow", seen.rotated, None),
        ("ReadTheSuperuserSecret", "Allow", seen.other, None),
        (
            "UseTheSecretsKey",
            "Allow",
            set(&["kms:Decrypt", "kms:GenerateDataKey"]),
            Some(CONTEXT),
        ),
        ("DescribeTheSecretsKey", "Allow", set(&["kms:DescribeKey"]), None),
        (
            "EncryptForTheReplicas",
            "Allow",
            set(&["kms:Encrypt", "kms:GenerateDataKey"]),
            Some(("StringLike", CONTEXT.1)),
        ),
        (
            "DecryptTheSuperuserSecret",
            "Allow",
            set(&["kms:Decrypt"]),
            Some(CONTEXT),
        ),
        (
            "WriteTheLog",
            "Allow",
            set(&["logs:CreateLogStream", "logs:PutLogEvents"]),
            None,
        ),
        ("MakeNetworkInterfaces", "Allow", set(&INTERFACES), None),
        ("LookAtTheNetwork", "Allow", set(&LOOKS), None),
        (
            "NotFromWithinTheFunction",
            "Deny",
            set(&vpc),
            Some(("ArnEquals", "lambda:SourceFunctionArn")),
        ),
    ];
    for (template, statements) in roles() {
        let sids: Vec<_> = statements
            .iter()
            .map(|statement| statement.sid.as_str())
            .collect();
        assert_eq!(sids, expected.each_ref().map(|row| row.0), "{template}");
        for (statement, (sid, effect, actions, condition)) in statements.iter().zip(&expected) {
            assert_eq!(
                (&statement.effect, &statement.actions),
                (&(*effect).to_owned(), actions),
                "{template}: {sid}"
            );
            let condition = condition.map(|(test, key)| (test.to_owned(), key.to_owned()));
            assert_eq!(
                statement.conditions,
                Vec::from_iter(condition),
                "{template}: {sid}"
            );
        }
    }
}

/// The store that a function has in AWS calls no other action than the one that was watched.
#[tokio::test]
async fn the_store_of_the_sdk_has_the_same_calls() {
    let source = crate::read("../../crates/rotation-secretsmanager/src/store.rs");
    let operations = [
        "describe_secret",
        "get_secret_value",
        "put_secret_value",
        "update_secret_version_stage",
    ];
    let before_parentheses = source.split("()").filter_map(|text| text.rsplit_once('.'));
    let called: BTreeSet<_> = before_parentheses
        .map(|(_, name)| name)
        .filter(|name| name.contains("secret") && name.chars().all(|c| c == '_' || c.is_ascii_lowercase()))
        .filter(|name| *name != "expose_secret")
        .collect();
    assert!(called.into_iter().eq(operations));
    let pascal = |operation: &str| {
        let words = operation
            .split('_')
            .map(|word| word[..1].to_uppercase() + &word[1..]);
        format!("secretsmanager:{}", words.collect::<String>())
    };
    assert_eq!(
        seen().await.rotated,
        operations.iter().map(|operation| pascal(operation)).collect()
    );
}

#[test]
fn every_resource_stands_only_where_aws_knows_no_other() {
    for (template, statements) in roles() {
        for Statement {
            sid,
            effect,
            resources,
            ..
        } in statements
        {
            assert!(!resources.is_empty(), "{template}: {sid}");
            let all = resources.iter().any(|resource| resource == "*");
            let may = sid == "LookAtTheNetwork" || effect == "Deny";
            assert_eq!(all, may, "{template}: {sid} is for {resources:?}");
            let wide = resources
                .iter()
                .any(|resource| resource.contains("secret:*") || resource.contains("key/*"));
            assert!(!wide, "{template}: {sid} is for {resources:?}");
        }
    }
}

/// Writing is for the one secret, reading for the two.
#[test]
fn each_secret_has_its_own_statement() {
    let expected = BTreeMap::from([
        ("SAM", [r#"{"Ref":"Secret"}"#, r#"{"Ref":"SuperuserSecretArn"}"#]),
        (
            "Terraform",
            ["aws_secretsmanager_secret.this.arn", "statement.value.arn"],
        ),
    ]);
    for (template, statements) in roles() {
        let of_secrets = statements.iter().filter(|statement| {
            let mut actions = statement.actions.iter();
            actions.any(|action| action.starts_with("secretsmanager:"))
        });
        let resources: Vec<_> = of_secrets
            .map(|statement| statement.resources.join(" "))
            .collect();
        assert_eq!(resources, expected[template], "{template}");
    }
}

/// What is granted only together with something that may be left out.
#[test]
fn rights_come_with_what_they_are_for() {
    let rows = [
        ("RotateTheSecret", None),
        (
            "ReadTheSuperuserSecret",
            Some(("HasSuperuser", "superuser_secret")),
        ),
        ("UseTheSecretsKey", Some(("HasSecretKey", "secret.kms_key_arn"))),
        (
            "DescribeTheSecretsKey",
            Some(("HasSecretKey", "secret.kms_key_arn")),
        ),
        (
            "EncryptForTheReplicas",
            Some(("HasReplicaKey", "local.replica_key_arns")),
        ),
        (
            "DecryptTheSuperuserSecret",
            Some(("HasSuperuserKey", "superuser_secret.kms_key_arn")),
        ),
        ("WriteTheLog", None),
        ("MakeNetworkInterfaces", Some(("HasVpc", "var.vpc"))),
        ("LookAtTheNetwork", Some(("HasVpc", "var.vpc"))),
        ("NotFromWithinTheFunction", Some(("HasVpc", "var.vpc"))),
    ];
    for (template, statements) in roles() {
        for (statement, (sid, expected)) in statements.iter().zip(rows) {
            assert_eq!(statement.sid, sid);
            match (&statement.only_if, expected) {
                (None, None) => {}
                (Some(written), Some((condition, variable))) => {
                    let holds = written == condition
                        || written.contains(&format!("{variable} == null"))
                        || written.contains(&format!("length({variable}) == 0"))
                        || written.contains(&format!("{variable}, null) == null"));
                    assert!(holds, "{template}: {sid} is there if {written}");
                }
                other => panic!("{template}: {sid}: {other:?}"),
            }
        }
    }
}

/// The other roles: what looks at the age of a secret may not read it.
#[test]
fn the_alarms_may_describe_and_not_read() {
    let sam = cloudformation::template("sam/alarms.yaml");
    let sam = ["AgeRights", "ScheduleRights"]
        .map(|name| cloudformation::statements(&cloudformation::properties(&sam, name)["PolicyDocument"]));
    let module = terraform::module("terraform/modules/alarms");
    let terraform = ["age", "schedule"].map(|name| terraform::statements(&module, name));
    for [age, schedule] in [sam, terraform] {
        assert_eq!(
            age.iter().map(|s| s.actions.clone()).collect::<Vec<_>>(),
            [
                set(&["secretsmanager:DescribeSecret"]),
                set(&["cloudwatch:PutMetricData"]),
            ]
        );
        assert_ne!(age[0].resources, ["*"]);
        assert_eq!(
            age[1].conditions,
            [("StringEquals".to_owned(), "cloudwatch:namespace".to_owned())]
        );
        assert_eq!(
            schedule.iter().map(|s| s.actions.clone()).collect::<Vec<_>>(),
            [set(&["states:StartExecution"])]
        );
    }
}
