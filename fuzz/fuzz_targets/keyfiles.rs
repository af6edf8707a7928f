#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sn1_fuzz::keyfiles::check(input));
