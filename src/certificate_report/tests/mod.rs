//! What is found wrong in clusters of every kind, and how it is told.

mod judging;
mod text;
mod world;
