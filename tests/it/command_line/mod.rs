//! The command line: what is taken, what is refused and how, and what a start that fails says.

mod flags;
mod help;
mod refused;
mod settings;
mod start;
