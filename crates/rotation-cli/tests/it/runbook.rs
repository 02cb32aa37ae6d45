//! Each entry of docs/runbook.md: the symptom is made, what the function and the tool say of it is what the page
//! quotes, the page's own commands are run as they stand, and then all is well.
//!
//! The blocks with `aws` need the AWS CLI: `.ci/runbook` installs it and runs those, too.

mod symptoms;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::support::*;

const PAGE: &str = "runbook.md";
/// Where `.ci/runbook` has put the AWS CLI: the folder of `aws`.
const AWS_CLI: &str = "RUNBOOK_AWS_CLI";

/// Which of the page's commands are run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum With {
    /// Those of `rotation`; what only the AWS CLI can do, the test does by the API.
    Tool,
    /// Those of `aws` wherever the page has any.
    AwsCli,
}

/// What the page quotes, in order.
type Quotes = Vec<(&'static str, String)>;

async fn every_symptom(with: With) -> Quotes {
    // Each has a world of its own; most of the time they wait.
    let mut symptoms = tokio::task::JoinSet::new();
    macro_rules! start {
        ($($symptom:ident),+) => {
            [$({
                let number = symptoms.len();
                symptoms.spawn(async move { (number, symptoms::$symptom(with).await) });
            }),+]
        };
    }
    start!(
        time_out,
        vpc,
        iam,
        kms,
        blocked,
        abandoned,
        wrong_password,
        replica,
        key_limit,
        consumer,
        leaked
    );
    let mut quotes = symptoms.join_all().await;
    quotes.sort_by_key(|(number, _)| *number);
    quotes.into_iter().flat_map(|(_, quotes)| quotes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_reproduced_and_its_commands_mend_it() {
    let quotes = every_symptom(With::Tool).await;
    page::compare(PAGE, &quotes);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the AWS CLI, which .ci/runbook installs; run that"]
async fn the_commands_of_the_aws_cli_mend_it_too() {
    assert!(
        std::env::var_os(AWS_CLI).is_some(),
        "{AWS_CLI} is not set: run .ci/runbook"
    );
    every_symptom(With::AwsCli).await;
}

#[test]
fn every_block_of_commands_is_run_by_a_symptom() {
    let text = page::read(PAGE);
    let marked = page::runs(&text).len();
    // One more, at the top of the page, which every entry's own quotes begin with.
    assert_eq!(text.matches("```sh\n").count(), marked + 1);
    let source = include_str!("runbook/symptoms.rs");
    for (name, _) in page::runs(&text) {
        assert!(source.contains(&format!("\"{name}\"")), "no symptom runs {name}");
    }
}

/// The two outputs of a symptom as the page quotes them.
fn quotes(name: &'static str, mended_name: &'static str, shows: &str, mended: &str) -> Quotes {
    let [shows, mended] = round::round([shows, mended]);
    vec![(name, shows), (mended_name, mended)]
}

/// How it shows: what the function said, as in its log, and what `status` says ten minutes later.
async fn shown(world: &World, failure: Option<&Value>) -> String {
    let mut text = String::new();
    if let Some(failure) = failure {
        let field = |name: &str| failure[name].as_str().unwrap().to_owned();
        text += &format!("errorType  {}\n", field("errorType"));
        text += &format!(
            "log        \"message\":\"step failed\",\"step\":\"{}\",\"class\":\"{}\",\"reason\":\"{}\",\n           \"error\":\"{}\"\n\n",
            field("step"),
            field("class"),
            field("reason"),
            field("error")
        );
    }
    world.simulator.skip(10 * MINUTE);
    let ran = world.tool("status crm/key").await;
    text += &format!("$ rotation status crm/key\n{}", ran.out);
    text
}

/// Runs a block of the page as it stands, and gives what it printed as results.
async fn commands(world: &World, folder: &Path, name: &str) -> String {
    let text = page::read(PAGE);
    let runs = page::runs(&text);
    let block = runs.iter().find(|(it, _)| *it == name);
    let (_, block) = block.unwrap_or_else(|| panic!("{PAGE} has no block {name}"));
    let tool = Path::new(env!("CARGO_BIN_EXE_rotation")).parent().unwrap();
    let mut path = vec![tool.to_owned()];
    path.extend(std::env::var_os(AWS_CLI).map(PathBuf::from));
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let output = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{block}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .envs(std::env::var_os("PYTHONPATH").map(|path| ("PYTHONPATH", path)))
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", world.server.endpoint_url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
        .env("AWS_SECRET_ACCESS_KEY", "of no use")
        .output()
        .await
        .unwrap();
    let printed = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (printed(output.stdout), printed(output.stderr));
    assert!(output.status.success(), "{name}: {block}\n{out}\n{err}");
    assert!(!format!("{out}{err}").contains(SENTINEL), "{name}: {out}{err}");
    out
}
