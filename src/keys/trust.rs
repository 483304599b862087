//! Whose certificates the key fetches accept.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The authorities whose certificates servers may show.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Those compiled in, Mozilla's, which are copied only if something is fetched.
    Webpki,
    /// These.
    Roots(RootCertStore),
}

impl Trust {
    /// Those of the system, which takes some milliseconds to read; `None` if it has none.
    pub(crate) fn system() -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        (added > 0).then_some(Self::Roots(roots))
    }

    /// Adds certificates from a PEM text; `None` if there are none, or if one is malformed.
    pub(crate) fn with_pem(self, pem: &[u8]) -> Option<Self> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
        let whole = certificates.len();
        let mut roots = self.roots();
        let (added, _) = roots.add_parsable_certificates(certificates);
        (added > 0 && added == whole).then_some(Self::Roots(roots))
    }

    pub(super) fn roots(self) -> RootCertStore {
        match self {
            Self::Webpki => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
            Self::Roots(roots) => roots,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_that_are_compiled_in_are_trusted_also_beside_ones_own() {
        let own = rcgen::generate_simple_self_signed(["keys.example".to_owned()]).unwrap().cert.pem();
        let compiled_in = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(compiled_in > 100);
        assert_eq!(Trust::Webpki.roots().len(), compiled_in);
        assert_eq!(Trust::Webpki.with_pem(own.as_bytes()).unwrap().roots().len(), compiled_in + 1);
    }
}
