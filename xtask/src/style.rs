//! The style sheet: style/main.css with its imports inlined.

use crate::context::Context;
use anyhow::{Result, anyhow};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};

/// Returns the bundled text, minified in release. Deliberately without browser targets: `light-dark()`, nesting, `@layer` and
/// `system-ui` then stay as written, which today's browsers understand best.
pub fn bundle(context: &Context) -> Result<String> {
    let main = context.root.join("style/main.css");
    if !main.exists() {
        return Ok(String::new());
    }
    let files = FileProvider::new();
    let mut sheet =
        Bundler::new(&files, None, ParserOptions::default()).bundle(&main).map_err(|e| anyhow!("style sheet: {e}"))?;
    if context.release() {
        sheet.minify(MinifyOptions::default()).map_err(|e| anyhow!("style sheet: {e}"))?;
    }
    let printed = sheet.to_css(PrinterOptions { minify: context.release(), ..Default::default() });
    Ok(printed.map_err(|e| anyhow!("style sheet: {e}"))?.code)
}
