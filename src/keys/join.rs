//! Waiting for several things at once, in the task that waits for them.

use std::pin::Pin;
use std::task::Poll;

/// What each of these comes to, in their order.
pub(crate) async fn side_by_side<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    so_many_at_once(usize::MAX, futures).await
}

/// The same, with at most `at_once` of them under way: the next begins when one is over.
pub(crate) async fn so_many_at_once<F: Future>(at_once: usize, futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<Waiting<F>> = futures.into_iter().map(|future| Waiting::For(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        let mut under_way = 0_usize;
        for one in &mut all {
            if under_way == at_once {
                break;
            }
            if let Waiting::For(future) = one {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *one = Waiting::Over(output),
                    Poll::Pending => under_way = under_way.saturating_add(1),
                }
            }
        }
        if under_way == 0 { Poll::Ready(()) } else { Poll::Pending }
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
