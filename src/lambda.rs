//! Serving the Lambda Runtime API.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use apigw_jwt_authorizer::{Answer, Authorizer, ConfigError, Failure, Invocation};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use lambda_runtime::{Context as InvocationContext, Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use tower::{Layer, Service};

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
    let invocations = Invocations(event.clone());
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
    match Runtime::new(handler).layer(invocations).run_concurrent().await {
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

/// A layer that changes two things that the runtime does. The runtime parses the event before the handler, and answers garbage
/// with its own text; here the handler gets the bytes. An answer that cannot be sent ends the process; here it is sent again.
struct Invocations(Event);

/// The service that [`Invocations`] wraps around another.
#[derive(Clone)]
struct InvocationsService<S> {
    inner: S,
    event: Event,
}

/// The event's bytes, on their way past the runtime to the handler. The runtime calls the handler before any other task runs,
/// so there is at most one.
#[derive(Clone, Default)]
struct Event(Arc<Mutex<Bytes>>);

impl Event {
    fn put(&self, event: Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = event;
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is needed to make an answer again, besides the event.
struct Again {
    request_id: String,
    deadline: u64,
    /// Tells Lambda which delivery of the event this answers.
    invocation_id: Option<HeaderValue>,
}

const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

impl Again {
    fn of(invocation: &LambdaInvocation) -> Self {
        let invocation_id = invocation.parts.headers.get(INVOCATION_ID).cloned();
        let context = &invocation.context;
        Self { request_id: context.request_id.clone(), deadline: context.deadline, invocation_id }
    }

    fn invocation(self, body: Bytes) -> LambdaInvocation {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.headers.extend(self.invocation_id.map(|id| (HeaderName::from_static(INVOCATION_ID), id)));
        let mut context = InvocationContext::default();
        (context.request_id, context.deadline) = (self.request_id, self.deadline);
        LambdaInvocation { parts, body, context }
    }
}

impl<S> Layer<S> for Invocations {
    type Service = InvocationsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InvocationsService { inner, event: self.0.clone() }
    }
}

impl<S: Service<LambdaInvocation>> InvocationsService<S> {
    fn hand_on(&mut self, mut invocation: LambdaInvocation) -> S::Future {
        self.event.put(std::mem::replace(&mut invocation.body, Bytes::from_static(b"null")));
        self.inner.call(invocation)
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
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (again, event) = (Again::of(&invocation), invocation.body.clone());
        let mut service = self.clone();
        let first = self.hand_on(invocation);
        Box::pin(async move {
            let Err(error) = first.await else {
                return Ok(());
            };
            // The connection may have been closed, and the answer lost with it, so make and send it again. If the first one
            // did arrive, the Runtime API refuses the second, which does no harm.
            tracing::warn!(request_id = again.request_id, %error, "the answer could not be sent; trying once more");
            std::future::poll_fn(|context| service.poll_ready(context)).await?;
            service.hand_on(again.invocation(event)).await
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
