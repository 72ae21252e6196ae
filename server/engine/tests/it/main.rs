//! The engines: the local one with real processes, in every combination of what a machine may offer, the simulated one, and
//! several together.

mod batch;
mod common;
mod ends;
mod machine;
mod refusals;
mod restart;
mod several;
mod simulated;
mod terminal;
