//! Any bytes: a key set whose every key has an id by its DER and fits that, and of which each that is left out is
//! told on one short line; or an error that is such a line too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokens::key_set::{KeySetError, LeftOut, MAX_KEYS};
use tokens::{Algorithm, JsonWebKeySet, kid_of_spki};

fuzz_target!(|bytes: &[u8]| {
    let set = match JsonWebKeySet::parse(bytes) {
        Ok(set) => set,
        Err(error) => {
            said(&error.to_string());
            if let KeySetError::NoUsableKey(left_out) = error {
                told(&left_out);
            }
            return;
        }
    };
    assert!((1..=MAX_KEYS).contains(&set.keys().len()));
    told(set.left_out());
    for key in set.keys() {
        assert_eq!(kid_of_spki(key.spki()).len(), 43);
        let length = key.spki().len();
        assert!(match key.algorithm() {
            Algorithm::Rs256 => (292..=1100).contains(&length),
            Algorithm::Es256 => length == 91,
            Algorithm::Es384 => length == 120,
            Algorithm::Es512 => length == 158,
        });
    }
});

fn told(left_out: &[LeftOut]) {
    left_out.iter().for_each(|key| said(&key.to_string()));
}

/// An id has at most 256 bytes, each of which may be escaped.
fn said(text: &str) {
    assert!(text.len() < 3000 && !text.contains(char::is_control), "{text:?}");
}
