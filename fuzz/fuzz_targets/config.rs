#![no_main]

use apigw_jwt_authorizer_fuzz::config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| config::run(data));
