//! Passwords: argon2id, off the async threads, and only as many at once as there are cores, since each takes 19 MiB and a
//! whole core for some 20 ms.

use crate::{Result, internal};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// A hash of nothing anybody knows: checked when there is no such account, so that both answers take the same time.
    decoy: OnceCell<String>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(cores)), decoy: OnceCell::new() }
    }

    /// The hash to keep of a password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hash =
            self.in_turn(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await?;
        hash.map_err(internal("hashing a password"))
    }

    /// Whether `password` is the one that `hash` was made of; takes as long when there is no hash.
    pub(crate) async fn check(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let real = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| async { self.hash(&crate::random_text(32)?).await }).await?.clone(),
        };
        let password = password.to_owned();
        let fits = self
            .in_turn(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(fits && real)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = self.turns.clone().acquire_owned().await.map_err(internal("waiting to check a password"))?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(internal("checking a password"))
    }
}
