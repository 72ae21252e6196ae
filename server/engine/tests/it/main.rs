//! Tests of the engines: the local one with real processes, in every combination of the machine's abilities; the simulated one;
//! and several engines as one.

mod batch;
mod common;
mod ends;
mod isolation;
mod machine;
mod refusals;
mod restart;
mod several;
mod simulated;
mod terminal;
