//! Any bytes: a review, or an error whose text is short and one line.
#![no_main]

use std::sync::LazyLock;

use injection::Review;
use injection::annotation::Prefix;
use libfuzzer_sys::fuzz_target;

static PREFIX: LazyLock<Prefix> = LazyLock::new(|| Prefix::new("eks.amazonaws.com").unwrap());

fuzz_target!(|body: &[u8]| {
    match Review::decode(body, &PREFIX) {
        Ok(review) => assert!(!review.uid.is_empty()),
        Err(error) => {
            // What was sent may be a secret: the longest of the webhook's own texts is well below this.
            let text = error.to_string();
            assert!(text.len() < 200 && text.is_ascii(), "{text}");
        }
    }
});
