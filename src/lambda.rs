//! Serving the Lambda Runtime API.

use std::future::Ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use apigw_jwt_authorizer::{Answer, Authorizer, ConfigError, Failure, Invocation};
use bytes::Bytes;
use http::HeaderName;
use lambda_runtime::{Context as InvocationContext, Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use tower::retry::{Policy, RetryLayer};
use tower::util::MapRequestLayer;

/// An error answer: a newtype that converts to the runtime's own error type.
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
    let event = Event::default();
    let past = event.clone();
    let bytes = MapRequestLayer::new(move |invocation| past.put(invocation));
    let handler = service_fn(move |invocation: LambdaEvent<()>| {
        let (authorizer, event) = (Arc::clone(&authorizer), event.take());
        async move {
            let context = &invocation.context;
            let deadline = Some(Duration::from_millis(context.deadline));
            let invocation = Invocation { request_id: Some(&context.request_id), deadline };
            match guarded(authorizer.authorize(&event, invocation)).await {
                Answer::Policy(answer) => Ok(answer),
                Answer::Failure(failure) => Err(Refused(failure)),
            }
        }
    });
    match Runtime::new(handler).layer(bytes).layer(RetryLayer::new(OnceMore(true))).run_concurrent().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Runtime API cannot be reached");
            ExitCode::FAILURE
        }
    }
}

/// Turns a panic into an answer. The runtime's own panic handler would send the panic's text to the caller.
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

/// The event's bytes, on their way past the runtime to the handler: the runtime parses the event before the handler, and answers
/// garbage with its own text. The runtime calls the handler before any other task runs, so there is at most one.
#[derive(Clone, Default)]
struct Event(Arc<Mutex<Bytes>>);

impl Event {
    /// Takes them out of an invocation.
    fn put(&self, mut invocation: LambdaInvocation) -> LambdaInvocation {
        let event = std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = event;
        invocation
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Retries once if an answer could not be sent; without it, that would end the process. Holds whether the retry is still left.
#[derive(Clone)]
struct OnceMore(bool);

impl<E: std::fmt::Display> Policy<LambdaInvocation, (), E> for OnceMore {
    type Future = Ready<()>;

    fn retry(&mut self, invocation: &mut LambdaInvocation, sent: &mut Result<(), E>) -> Option<Ready<()>> {
        let error = sent.as_ref().err().filter(|_| std::mem::take(&mut self.0))?;
        // The connection may have been closed, and the answer lost with it. If the first one did arrive, the Runtime API refuses
        // the second, which does no harm.
        let request_id = invocation.context.request_id.as_str();
        tracing::warn!(request_id, %error, "the answer could not be sent; trying once more");
        Some(std::future::ready(()))
    }

    /// Keeps what a retry needs. A copy of the rest would cost each call some microseconds.
    fn clone_request(&mut self, invocation: &LambdaInvocation) -> Option<LambdaInvocation> {
        // Tells Lambda which delivery of the event this answers.
        const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
        let (mut parts, ()) = http::Response::new(()).into_parts();
        let id = invocation.parts.headers.get(INVOCATION_ID).cloned();
        parts.headers.extend(id.map(|id| (HeaderName::from_static(INVOCATION_ID), id)));
        let mut context = InvocationContext::default();
        context.request_id.clone_from(&invocation.context.request_id);
        context.deadline = invocation.context.deadline;
        Some(LambdaInvocation { parts, body: invocation.body.clone(), context })
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
