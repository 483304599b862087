//! Waiting for several things at once, in the task that waits for them.

use std::pin::Pin;
use std::task::Poll;

/// What each of these comes to, in their order.
pub(crate) async fn side_by_side<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<Waiting<F>> = futures.into_iter().map(|future| Waiting::For(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        for one in &mut all {
            if let Waiting::For(future) = one
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *one = Waiting::Over(output);
            }
        }
        let over = all.iter().all(|one| matches!(one, Waiting::Over(_)));
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(Waiting::over).collect()
}

enum Waiting<F: Future> {
    For(Pin<Box<F>>),
    Over(F::Output),
}

impl<F: Future> Waiting<F> {
    fn over(self) -> Option<F::Output> {
        match self {
            Self::Over(output) => Some(output),
            Self::For(_) => None,
        }
    }
}
