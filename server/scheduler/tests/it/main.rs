//! The scheduler as its callers see it: random clusters and queues, the placements by name, and the vectors that the browser reads
//! as well.

mod placement;
mod properties;
mod vectors;
mod yard;
