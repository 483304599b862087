//! Names that a discovery document gives: what they resolve to is judged before it is connected to.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::inward::is_inward;

/// How a name becomes addresses: by the system, or by a test.
pub(super) type Lookup = fn(String) -> Looking;
pub(super) type Looking = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

pub(super) fn by_the_system(host: String) -> Looking {
    Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
}

/// Resolves the name that a discovery document gave, and refuses it whole if any of its addresses is not to be asked. What is
/// connected to is what was judged. Any other name is that of a proxy, which is configured.
pub(super) struct Judged {
    /// Without a dot at its end; `None` if it is an address, which was judged as it was written.
    pub(super) host: Option<String>,
    pub(super) lookup: Lookup,
    pub(super) refused: Arc<AtomicBool>,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = name.as_str().trim_end_matches('.');
        let is_proxy = !self.host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(asked));
        let (looking, refused) = ((self.lookup)(name.as_str().to_owned()), Arc::clone(&self.refused));
        Box::pin(async move {
            let addresses = looking.await?;
            if !is_proxy && addresses.iter().any(|address| is_inward(address.ip())) {
                refused.store(true, Ordering::Relaxed);
                return Err("the address is not allowed".into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
