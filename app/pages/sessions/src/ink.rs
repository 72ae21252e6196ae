//! How the output of programs is coloured, in logs and in terminals.
//!
//! Colours beyond the sixteen are mapped to the nearest of them: no style attribute is needed, and all stay readable.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    #[default]
    Default,
    Index(u8),
    Rgb(u8, u8, u8),
}

/// The look of a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ink {
    pub text: Color,
    pub ground: Color,
    pub bold: bool,
    pub italic: bool,
    pub underline: bool,
    pub inverse: bool,
}

impl Ink {
    /// Returns the classes of `style/pages/terminal.css` for this look; empty for plain text.
    pub fn class(self) -> String {
        let mut class = String::new();
        let (text, ground) = if self.inverse { ('b', 'f') } else { ('f', 'b') };
        for (which, color) in [(text, self.text), (ground, self.ground)] {
            match color {
                Color::Default if self.inverse => class.push_str(if which == 'f' { "t-fx " } else { "t-bx " }),
                Color::Default => {}
                Color::Index(n) => class.push_str(&format!("t-{which}{} ", nearest(n))),
                Color::Rgb(r, g, b) => class.push_str(&format!("t-{which}{} ", nearest_rgb(r, g, b))),
            }
        }
        for (on, name) in [(self.bold, "t-bold "), (self.italic, "t-italic "), (self.underline, "t-underline ")] {
            if on {
                class.push_str(name);
            }
        }
        class
    }
}

fn nearest(n: u8) -> u8 {
    match n {
        0..=15 => n,
        16..=231 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
            let n = n - 16;
            nearest_rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => [0, 8, 7, 15][usize::from((n - 232) / 6)],
    }
}

fn nearest_rgb(r: u8, g: u8, b: u8) -> u8 {
    let most = r.max(g).max(b);
    if most < 48 {
        return 0;
    }
    let bit = |value: u8, bit: u8| if u16::from(value) * 2 > u16::from(most) { bit } else { 0 };
    let color = bit(r, 1) | bit(g, 2) | bit(b, 4);
    if most > 192 { color + 8 } else { color }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_one_of_sixteen_and_plain_text_has_no_class() {
        assert_eq!(Ink::default().class(), "");
        let red = Ink { text: Color::Index(1), bold: true, ..Ink::default() };
        assert_eq!(red.class(), "t-f1 t-bold ");
        assert_eq!(Ink { inverse: true, ..red }.class(), "t-b1 t-fx t-bold ");
        assert_eq!(Ink { text: Color::Rgb(250, 10, 10), ..Ink::default() }.class(), "t-f9 ");
        assert!((0..=255).all(|n| nearest(n) < 16));
    }
}
