//! The admission webhook: its flags, its settings, and the path from a call to its answer.

pub mod admission;
pub mod app;
pub mod args;
pub mod association_status;
pub mod discovery;
pub mod metrics;
pub(crate) mod serve;
pub mod settings;
pub mod sources_args;

pub use app::App;
pub use metrics::Metrics;
pub use settings::Settings;
