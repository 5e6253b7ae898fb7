//! What can keep the certificates from being kept.

/// What there is trouble with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The Secret cannot be read or written.
    Secret,
    /// The registration cannot be read or written.
    Configuration,
    /// This machine's clock differs from the API server's.
    Clock,
    /// A certificate cannot be made.
    Making,
}

impl Trouble {
    /// All kinds.
    pub(super) const ALL: [Self; 4] = [Self::Secret, Self::Configuration, Self::Clock, Self::Making];

    /// The label of the metric.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Configuration => "configuration",
            Self::Clock => "clock",
            Self::Making => "making",
        }
    }

    /// Its place among all.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Secret => 0,
            Self::Configuration => 1,
            Self::Clock => 2,
            Self::Making => 3,
        }
    }
}
