#![no_main]

use apigw_jwt_authorizer_fuzz::key_set;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| key_set::run(data));
