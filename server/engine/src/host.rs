//! The environment of agents without images: the agent's own programs.

use crate::{EngineError, Image};
use types::quantity::{Quantity, Slots};
use types::sessions::launch::ImageOffer;

const NAME: &str = "host";

/// Returns the offer for this environment.
pub(crate) fn offer() -> ImageOffer {
    ImageOffer {
        name: NAME.into(),
        label: "host — this machine's own tools".into(),
        // A shell does not start with less.
        minimum: Slots::cpu_mem(Quantity::thousandths(100), 64 << 20),
    }
}

/// Checks that the image is one of those offered.
pub(crate) fn check_image(name: &str, offered: &[Image]) -> Result<(), EngineError> {
    if offered.iter().any(|image| image.offer.name == name) {
        return Ok(());
    }
    let names: Vec<_> = offered.iter().map(|image| image.offer.name.as_str()).collect();
    Err(EngineError::unsupported(format!("This engine has no image “{name}”; it has: {}.", names.join(", "))))
}
