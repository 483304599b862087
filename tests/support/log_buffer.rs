//! A buffer for a log. The unit tests of the library include this file, too.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::subscriber::{NoSubscriber, Subscriber};

/// A writer that collects everything written to it or its clones.
#[derive(Clone, Default)]
pub(crate) struct LogBuffer(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A dispatcher for one thread. While a process has only one dispatcher, `tracing` asks just the thread that first reaches a line
/// whether the line is enabled, and caches a "no" for all threads. A second dispatcher, which enables nothing, prevents that.
pub(crate) fn dispatch(subscriber: impl Subscriber + Send + Sync + 'static) -> Dispatch {
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&ANOTHER);
    Dispatch::new(subscriber)
}
