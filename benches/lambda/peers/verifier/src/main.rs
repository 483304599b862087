//! The floor's checks on the Lambda runtime for Rust, with `MORE_BYTES` bytes of additional Resources in each answer.

use floor::Rules;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

fn main() -> Result<(), Error> {
    let rules = Rules::read().map_err(|failure| failure.to_string())?;
    let decide = |event: LambdaEvent<Box<RawValue>>| {
        let answer = rules.answer(event.payload.get().as_bytes());
        async move { RawValue::from_string(answer.ok_or("Unauthorized")?).map_err(Error::from) }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_runtime::run(service_fn(decide)))
}
