//! What these tests share; what others use too is in the crate `test-support`.

pub mod credentials;
pub mod instance_metadata;
pub mod kubeconfig;
pub mod pair_files;
pub mod process;
pub mod program;
pub mod raw;
pub mod relay;

pub use test_support::{cases, client, fake_api, mounted, reviews, server, wait};
