//! The cost of the Lambda runtime for Rust alone: a handler that checks nothing and allows every request.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "methodArn")]
    method_arn: String,
}

async fn allow(event: LambdaEvent<Event>) -> Result<Value, Error> {
    Ok(json!({
        "principalId": "anybody",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event.payload.method_arn }]
        }
    }))
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_runtime::run(service_fn(allow)))
}
