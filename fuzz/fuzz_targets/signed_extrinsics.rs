#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sn1_fuzz::signed_extrinsics::check(input));
