//! Secrets that must be read again, such as a keypair's secret key. They are encrypted with a key that is kept beside the
//! database and never in it, so that nobody can sign requests with a copy of the database alone.
//!
//! Deliberately absent: passwords. Nobody needs to read them, so they are hashed (`password.rs`).

use crate::{Result, internal};
use anyhow::Context;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use store::Store;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Encrypts and decrypts secrets with the server's key.
#[derive(Clone)]
pub struct Vault(ChaCha20Poly1305);

impl Vault {
    /// Reads the key file, or creates it: 32 random bytes that only the server's own user can read. An empty file is an order to
    /// make a new key.
    ///
    /// # Errors
    /// When the file cannot be read or created, or does not hold such a key.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let at = || format!("the key file {}", file.display());
        if std::fs::metadata(file).map_or(true, |file| file.len() == 0) {
            let mut key = [0u8; KEY_BYTES];
            getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
            // Written to a file beside it and then renamed, so that a crash leaves a complete key or none, never half of one.
            let part = file.with_extension("part");
            let mut out =
                std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(at)?;
            out.write_all(&key).and_then(|()| out.sync_all()).with_context(at)?;
            std::fs::rename(&part, file).with_context(at)?;
            if let Some(folder) = file.parent() {
                std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(at)?;
            }
        }
        let key = std::fs::read(file).with_context(at)?;
        anyhow::ensure!(key.len() == KEY_BYTES, "{} holds {} bytes instead of {KEY_BYTES}", at(), key.len());
        let key = chacha20poly1305::Key::from_slice(&key);
        Ok(Self(ChaCha20Poly1305::new(key)))
    }

    /// Opens the key of a database. Unlike [`Vault::open`], makes no new key for one that already holds secrets: they could never be
    /// read again, and nobody would notice until they are needed.
    ///
    /// # Errors
    /// When the key of such a database is missing, and as [`Vault::open`].
    pub async fn of_database(file: &Path, store: &Store) -> anyhow::Result<Self> {
        anyhow::ensure!(
            file.exists() || !store.holds_secrets().await?,
            "the key file {0} is missing, and the database holds secrets that only it can read. Restore it from the backup. If it is lost \
             for good, put an empty file in its place: a new key is made, and secret keys, authenticators and hidden variables have to be \
             given anew",
            file.display()
        );
        Self::open(file)
    }

    /// Encrypts `secret` for `owner`. It cannot be read back under another owner's name.
    pub(crate) fn seal(&self, secret: &str, owner: &str) -> Result<Vec<u8>> {
        let mut nonce = [0u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(internal("asking for randomness"))?;
        let payload = Payload { msg: secret.as_bytes(), aad: owner.as_bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload).map_err(internal("encrypting a secret"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a secret that [`Vault::seal`] encrypted for `owner`.
    pub(crate) fn read(&self, sealed: &[u8], owner: &str) -> Result<String> {
        let unreadable = internal("reading a secret");
        self.open_text(sealed, owner).ok_or_else(|| unreadable("it was not made with this key, or was changed"))
    }

    /// Decrypts something that came from outside; `None` if the vault did not encrypt it for `owner`.
    pub(crate) fn open_text(&self, sealed: &[u8], owner: &str) -> Option<String> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        let secret = self.0.decrypt(Nonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(secret).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_readable_only_with_its_key_file_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let sealed = Vault::open(&file).unwrap().seal("open sesame", "AKIA1").unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"open"));
        let again = Vault::open(&file).unwrap();
        assert_eq!(again.read(&sealed, "AKIA1").unwrap(), "open sesame");
        assert!(again.read(&sealed, "AKIA2").is_err());
        assert!(Vault::open(&folder.path().join("other.key")).unwrap().read(&sealed, "AKIA1").is_err());
        assert!(again.read(&sealed[..5], "AKIA1").is_err());
    }

    #[test]
    fn only_its_owner_can_read_the_key_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        Vault::open(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
