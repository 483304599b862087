//! Whose certificates the fetches accept, and why they did not accept one.

use std::error::Error;
use std::{fmt, io};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, RootCertStore};

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

/// Why TLS failed, as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsError {
    /// The certificate, or one between it and the authority, has expired.
    Expired,
    /// The certificate, or one between it and the authority, is not valid yet.
    NotYetValid,
    /// The certificate is for another host name.
    NameMismatch,
    /// The certificate is not from an authority that is trusted, or is otherwise invalid.
    NotTrusted,
    /// The server does not speak TLS, or neither of the versions 1.2 and 1.3.
    Handshake,
}

impl TlsError {
    /// What TLS said, if it is what made a request fail.
    pub(super) fn of(error: &reqwest::Error) -> Option<Self> {
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(error.into());
            }
            // `source` of an I/O error skips the error that it wraps.
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            };
        }
        None
    }
}

impl From<&rustls::Error> for TlsError {
    fn from(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::NameMismatch
                }
                _ => Self::NotTrusted,
            },
            _ => Self::Handshake,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::NameMismatch => "certificate_name_mismatch",
            Self::NotTrusted => "certificate_not_trusted",
            Self::Handshake => "tls_failed",
        })
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
