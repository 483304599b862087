#![no_main]

use apigw_jwt_authorizer_fuzz::header_and_claims;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| header_and_claims::run(data));
