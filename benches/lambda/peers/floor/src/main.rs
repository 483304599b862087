//! The floor: its checks on one blocking connection to the Runtime API. A baseline for measurements, not for use.

use std::env::var;

use floor::{Connection, Failure, Rules, header};

fn main() -> Result<(), Failure> {
    let rules = Rules::read()?;
    let host = var("AWS_LAMBDA_RUNTIME_API")?;
    let mut connection = Connection::open(&host)?;
    let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {host}\r\n\r\n");
    loop {
        let (head, end) = connection.exchange(next.as_bytes())?;
        let (head, event) = connection.buffer[..end].split_at(head);
        let id = header(head, "lambda-runtime-aws-request-id").ok_or("no request id")?;
        let (kind, answer) = match rules.answer(&event[4..]) {
            Some(policy) => ("response", policy),
            None => ("error", r#"{"errorType":"Unauthorized","errorMessage":"Unauthorized"}"#.to_owned()),
        };
        let post = format!(
            "POST /2018-06-01/runtime/invocation/{id}/{kind} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        connection.exchange(post.as_bytes())?;
    }
}
