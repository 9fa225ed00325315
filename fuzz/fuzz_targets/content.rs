#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hoptrail_fuzz::targets::content(data));
