//! The local engine with real processes, in every combination of what a machine may offer.

mod batch;
mod common;
mod ends;
mod machine;
mod restart;
mod simulated;
mod terminal;
