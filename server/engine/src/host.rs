//! The environment of agents that have no images: their own programs.

use crate::{EngineError, Image};
use types::quantity::{Quantity, Slots};
use types::sessions::launch::ImageOffer;

const NAME: &str = "host";

/// The environment as it is offered.
pub(crate) fn offer() -> ImageOffer {
    ImageOffer {
        name: NAME.into(),
        label: "host — this machine's own tools".into(),
        // Less would not start a shell.
        minimum: Slots::cpu_mem(Quantity::thousandths(100), 64 << 20),
    }
}

/// Refuses every image that is not among those offered.
pub(crate) fn check_image(name: &str, offered: &[Image]) -> Result<(), EngineError> {
    if offered.iter().any(|image| image.offer.name == name) {
        return Ok(());
    }
    let names: Vec<_> = offered.iter().map(|image| image.offer.name.as_str()).collect();
    Err(EngineError::unsupported(format!("This engine has no image “{name}”; it has: {}.", names.join(", "))))
}
