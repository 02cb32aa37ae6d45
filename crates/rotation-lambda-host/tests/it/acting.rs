//! A Lambda function in the test binary itself: the host starts the binary anew, with a test of this
//! name as the only one to run, and that test speaks the Runtime API over std's sockets.

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// Set in a process that is the function.
pub(crate) const ACTING: &str = "ACT_AS_FUNCTION";

/// Where the Runtime API is, in a process that is the function.
pub(crate) fn runtime_api() -> Option<String> {
    env::var_os(ACTING)?;
    Some(env::var("AWS_LAMBDA_RUNTIME_API").unwrap())
}

/// A reply: its status, its headers in lower case, its body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request on a connection of its own; `None` if it was closed without a reply.
pub(crate) fn request(address: &str, line: &str, body: &str) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = body.to_owned();
    // The values that the tests read are in lower case, too, or are compared so.
    let head = head.to_lowercase();
    Some(Reply { status, head, body })
}

/// Takes event after event from the Runtime API, for ever; an error is `errorMessage`.
pub(crate) fn act(runtime_api: &str, handle: impl Fn(&Reply, Value) -> Result<Value, String>) -> ! {
    let invocation = "/2018-06-01/runtime/invocation";
    loop {
        let next = request(runtime_api, &format!("GET {invocation}/next"), "").unwrap();
        let id = next.header("lambda-runtime-aws-request-id").unwrap();
        let event = serde_json::from_str(&next.body).unwrap();
        let (how, answer) = match handle(&next, event) {
            Ok(answer) => ("response", answer),
            Err(message) => ("error", json!({"errorType": "Acting", "errorMessage": message})),
        };
        let line = format!("POST {invocation}/{id}/{how}");
        let accepted = request(runtime_api, &line, &answer.to_string()).unwrap();
        assert_eq!(accepted.status, 202, "{}", accepted.body);
    }
}
