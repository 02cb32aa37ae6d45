//! The program `secretsmanager-simulator`, as a person starts it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;

use crate::acting;
use crate::client::{Client, token};

const SENTINEL: &str = "hunter2-sentinel";

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_secretsmanager-simulator"))
}

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A file of this test's own, gone at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// The running binary; killed at the end of its test.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    banner: String,
    address: SocketAddr,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["--address", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("Ctrl-C") {
            assert_ne!(output.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
        }
        let (_, rest) = banner.split_once("http://").unwrap();
        let address = rest.lines().next().unwrap().parse().unwrap();
        Self {
            child,
            output,
            banner,
            address,
        }
    }

    /// Stops it as a person or a container does, and gives everything that it printed.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let mut printed = std::mem::take(&mut self.banner);
        self.output.read_to_string(&mut printed).unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut printed).unwrap();
        assert!(self.child.wait().unwrap().success(), "{printed}");
        printed
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn help_explains_itself() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "--seed <FILE>",
        "[default: 127.0.0.1:4580]",
        "http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations",
        "aws secretsmanager rotate-secret",
        "boto3.client",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    ] {
        assert!(help.contains(expected), "{expected}\n{help}");
    }
}

#[test]
fn bad_arguments_are_named() {
    let rows: [(&[&str], i32, &str); 8] = [
        (&["--adress", "127.0.0.1:1"], 2, "--adress"),
        (&["--address", "nowhere"], 2, "--address"),
        (&["--replay-after", "soon"], 2, "--replay-after"),
        (
            &["--invoke-url", "https://example.com/"],
            1,
            "the invoke URL begins with https",
        ),
        (&["--seed", "/no/such/file"], 1, "/no/such/file: "),
        (&["--function", "/no/such/program"], 1, "build the function first"),
        (&["--function-env", "A=B"], 2, "--function <PROGRAM>"),
        (
            &["--function", "Cargo.toml", "--function-env", SENTINEL],
            1,
            "--function-env is NAME=VALUE, and one of them has no =",
        ),
    ];
    for (arguments, code, expected) in rows {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(expected) && !error.contains(SENTINEL), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_bad_seed_is_named_by_file_and_field() {
    let seed = Scratch::new(
        "bad.json",
        &format!(r#"{{"secrets": [{{"name": "crm", "value": ["{SENTINEL}"]}}]}}"#),
    );
    let output = run(&["--seed", seed.path()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "secretsmanager-simulator: {}: secrets[0].value must be a string or an object\n",
        seed.path()
    );
    assert_eq!(error, expected);
}

#[tokio::test]
async fn it_says_what_happens_to_the_labels_and_no_value() {
    let seed = Scratch::new(
        "seed.json",
        &format!(r#"{{"secrets": [{{"name": "seeded", "value": {{"key": "{SENTINEL}"}}}}]}}"#),
    );
    let running = Running::start(&["--seed", seed.path(), "--function-access-key", "FUNCTION"]);
    let client = Client::new(running.address);
    let read = client.ok("GetSecretValue", json!({"SecretId": "seeded"})).await;
    assert_eq!(read["SecretString"], format!(r#"{{"key":"{SENTINEL}"}}"#));
    let create =
        |name: &str| json!({"Name": name, "SecretString": SENTINEL, "ClientRequestToken": token("one")});
    client.ok("CreateSecret", create("crm")).await;
    let put = json!({"SecretId": "crm", "SecretString": SENTINEL, "ClientRequestToken": token("two")});
    client.with_key("FUNCTION").ok("PutSecretValue", put).await;
    client.call("CreateSecret", create("a b")).await;
    client
        .post("secretsmanager.CreateSecret", SENTINEL)
        .await
        .unwrap();
    client.call("CreateSecret", json!({SENTINEL: SENTINEL})).await;

    let url = format!("http://{}", running.address);
    let printed = running.stop();
    for expected in [
        format!("export AWS_ENDPOINT_URL_SECRETS_MANAGER={url}"),
        "export AWS_DEFAULT_REGION=eu-west-1".to_owned(),
        "Z CreateSecret by operator on crm: AWSCURRENT -> 00000000\n".to_owned(),
        "Z PutSecretValue by function on crm: AWSCURRENT 00000000 -> 00000000, AWSPREVIOUS -> 00000000\n"
            .to_owned(),
        "Z CreateSecret by operator on a b: refused, InvalidParameterException\n".to_owned(),
        "Z refused, SerializationException: ".to_owned(),
    ] {
        assert!(printed.contains(&expected), "{expected}\n{printed}");
    }
    assert!(!printed.contains(SENTINEL), "{printed}");
}

#[tokio::test]
async fn quiet_says_where_it_is_and_no_more() {
    let running = Running::start(&["--quiet"]);
    let client = Client::new(running.address);
    let create = json!({"Name": "crm", "SecretString": "v", "ClientRequestToken": token("one")});
    client.ok("CreateSecret", create).await;
    let printed = running.stop();
    assert!(!printed.contains("CreateSecret"), "{printed}");
}

#[test]
fn the_function_itself() {
    let Some(runtime_api) = acting::runtime_api() else {
        return;
    };
    acting::act(&runtime_api, |_, event| {
        let step = event["Step"].as_str().unwrap();
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let endpoint = variable("AWS_ENDPOINT_URL_SECRETS_MANAGER");
        println!("{step} with {} at {endpoint}", variable("API_HOST"));
        Err("as told".to_owned())
    })
}

#[cfg(unix)]
#[tokio::test]
async fn it_runs_a_function_whose_lines_go_where_its_own_go() {
    use std::os::unix::fs::PermissionsExt;

    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexec '{}' program::the_function_itself --exact --nocapture\n",
        exe.display()
    );
    let program = Scratch::new("rotate", &script);
    std::fs::set_permissions(&program.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    let acting = format!("{}=1", acting::ACTING);
    let mut running = Running::start(&[
        "--function",
        program.path(),
        "--function-env",
        &acting,
        "--function-env",
        "API_HOST=api.vendor.com",
        "--replays",
        "0",
    ]);
    let client = Client::new(running.address);
    let create = json!({"Name": "crm", "SecretString": SENTINEL, "ClientRequestToken": token("one")});
    client.ok("CreateSecret", create).await;
    let name = program.0.file_name().unwrap().to_str().unwrap();
    let function = format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
    let rotate =
        json!({"SecretId": "crm", "RotationLambdaARN": function, "ClientRequestToken": token("two")});
    client.ok("RotateSecret", rotate).await;

    let expected = format!("createSecret with api.vendor.com at http://{}\n", running.address);
    // The function's own line, and what the simulator says of its answer, in either order.
    let mut lines = String::new();
    while !(lines.contains(&expected) && lines.contains("as told")) {
        assert_ne!(
            running.output.read_line(&mut lines).unwrap(),
            0,
            "it ended without {expected}: {lines}"
        );
    }
    let printed = running.stop();
    let printed = lines + &printed;
    assert!(!printed.contains(SENTINEL), "{printed}");
}
