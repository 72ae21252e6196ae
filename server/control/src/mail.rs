//! Mail to people, through the SMTP server that the settings name.

use anyhow::Context;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// A mail server, and the sender's address.
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mail {
    /// Parses `server`, such as `smtps://yard@mail.example.org` or `smtp://127.0.0.1:25`, and the sender `from`. Does not connect
    /// yet.
    ///
    /// # Errors
    /// When either cannot be parsed.
    pub fn open(server: &str, password: Option<&str>, from: &str) -> anyhow::Result<Self> {
        let from = from.parse().with_context(|| format!("{from:?} is not an address such as yard@example.org"))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server)
            .context("not an address such as smtps://user@mail.example.org")?;
        let user = server
            .split_once("://")
            .and_then(|(_, rest)| rest.rsplit_once('@'))
            .map(|(user, _)| percent_decode_str(user).decode_utf8_lossy().into_owned());
        if let (Some(user), Some(password)) = (user, password) {
            builder = builder.credentials(Credentials::new(user, password.to_owned()));
        }
        Ok(Self { server: builder.timeout(Some(Duration::from_secs(20))).build(), from })
    }

    /// Sends one message. Its text must not be logged, since it may contain a link.
    pub(crate) async fn send(&self, to: &str, subject: &str, text: String) -> anyhow::Result<()> {
        let message = Message::builder().from(self.from.clone()).to(to.parse()?).subject(subject).body(text)?;
        self.server.send(message).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn invalid_mail_servers_and_addresses_are_refused() {
        assert!(Mail::open("smtp://127.0.0.1:2525", None, "Yard <yard@example.org>").is_ok());
        assert!(Mail::open("smtps://yard@mail.example.org", Some("secret"), "yard@example.org").is_ok());
        for (server, from) in [("http://mail", "yard@example.org"), ("mail", "yard@example.org"), ("smtp://mail", "nobody")] {
            assert!(Mail::open(server, None, from).is_err(), "{server} {from}");
        }
    }
}
