//! Awaits several futures concurrently in the current task.

use std::pin::Pin;
use std::task::Poll;

/// Runs all of the futures concurrently. The outputs are in the order of the futures.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    join_at_most(usize::MAX, futures).await
}

/// Runs the futures concurrently, at most `at_once` of them at a time and at least one.
pub(crate) async fn join_at_most<F: Future>(at_once: usize, futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let at_once = at_once.max(1);
    // What has ended, or else what is waited for.
    let mut all: Vec<Result<F::Output, Pin<Box<F>>>> =
        futures.into_iter().map(|future| Err(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        let mut under_way = 0_usize;
        for one in &mut all {
            if under_way == at_once {
                break;
            }
            if let Err(future) = one {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *one = Ok(output),
                    Poll::Pending => under_way = under_way.saturating_add(1),
                }
            }
        }
        if under_way == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(Result::ok).collect()
}
