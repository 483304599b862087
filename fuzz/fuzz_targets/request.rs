#![no_main]

use apigw_jwt_authorizer_fuzz::request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    request::run(data);
});
