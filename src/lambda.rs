//! Serving the Lambda Runtime API.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};

use apigw_jwt_authorizer::{Answer, Authorizer, ConfigError, Failure};
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use serde_json::value::RawValue;
use tower::{Layer, Service};

/// An error answer; a newtype so that it converts to the runtime's own type for one.
#[derive(Debug)]
struct Refused(Failure);

impl From<Refused> for Diagnostic {
    fn from(Refused(failure): Refused) -> Self {
        Self { error_type: failure.error_type.to_owned(), error_message: failure.error_message.to_owned() }
    }
}

/// Answers invocations until the process is stopped.
pub(crate) async fn serve(authorizer: Authorizer) -> ExitCode {
    authorizer.warm_up().await;
    let authorizer = Arc::new(authorizer);
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let authorizer = Arc::clone(&authorizer);
        async move {
            let event_text = event.payload.get().as_bytes();
            match guarded(authorizer.authorize(event_text, Some(&event.context.request_id))).await {
                Answer::Policy(answer) => Ok(answer),
                Answer::Failure(failure) => Err(Refused(failure)),
            }
        }
    });
    match Runtime::new(handler).layer(Invocations).run_concurrent().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Runtime API cannot be reached");
            ExitCode::FAILURE
        }
    }
}

/// Turns a panic into an answer. The runtime's own catcher would send the panic's text to the caller.
pub(crate) async fn guarded(decision: impl Future<Output = Answer>) -> Answer {
    let mut decision = pin!(decision);
    std::future::poll_fn(|context: &mut Context<'_>| {
        catch_unwind(AssertUnwindSafe(|| decision.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Answer::internal_error()))
    })
    .await
}

/// Tells Lambda why the function cannot start.
pub(crate) async fn init_error(error: &ConfigError) {
    const ERROR_TYPE: &str = "ConfigurationError";
    tracing::error!("{error}");
    let body = serde_json::json!({ "errorType": ERROR_TYPE, "errorMessage": error.to_string() }).to_string();
    let request = http::Request::post("/2018-06-01/runtime/init/error")
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Function-Error-Type", ERROR_TYPE)
        .body(body.into());
    let sent = match request {
        Ok(request) => lambda_runtime_api_client::PooledClient::builder().build().call(request).await.map(drop),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = sent {
        tracing::error!(%error, "the init error could not be sent");
    }
}

/// Two things about an invocation that the runtime would do in its own way: a body that is not JSON is replaced by `null`, for
/// it would be answered with the runtime's text, and an answer that cannot be sent is sent again, for the process would end.
struct Invocations;

/// The service that [`Invocations`] makes of another.
#[derive(Clone)]
struct InvocationsService<S>(S);

impl<S> Layer<S> for Invocations {
    type Service = InvocationsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InvocationsService(inner)
    }
}

impl<S> Service<LambdaInvocation> for InvocationsService<S>
where
    S: Service<LambdaInvocation, Response = ()> + Clone + Send + 'static,
    S::Error: std::fmt::Display + Send,
    S::Future: Send,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        if serde_json::from_slice::<&RawValue>(&invocation.body).is_err() {
            invocation.body = "null".into();
        }
        let LambdaInvocation { parts, body, context } = &invocation;
        let again = LambdaInvocation { parts: parts.clone(), body: body.clone(), context: context.clone() };
        let mut service = self.0.clone();
        let first = self.0.call(invocation);
        Box::pin(async move {
            let Err(error) = first.await else {
                return Ok(());
            };
            // The connection that the event came on may be closed by now. The answer went with it, so it is made again; if
            // the first one did arrive, the Runtime API refuses the second and that is all.
            tracing::warn!(request_id = again.context.request_id, %error, "the answer could not be sent; once more");
            std::future::poll_fn(|context| service.poll_ready(context)).await?;
            service.call(again).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_with_an_internal_error_that_holds_nothing_of_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(guarded(async { panic!("a text that quotes a token") }));
        assert_eq!(
            answer.to_json(),
            r#"{"errorType":"InternalError","errorMessage":"The authorizer failed; the log says where."}"#
        );
    }
}
