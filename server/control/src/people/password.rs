//! Passwords: hashed with argon2id, off the async threads. At most one runs per core at a time, since each takes 19 MiB and a
//! whole core for about 20 ms.

use crate::{Result, internal};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};

/// Memory of the quick hash, in KiB.
const QUICK_KIB: u32 = 256;

/// Where a password came from, which decides how slowly it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hashed {
    Chosen,
    /// Made of 80 random bits by `made_up_password`. That cannot be guessed however quick a try is, so a quick hash is safe, and
    /// thousands of accounts can be created in a moment. The password that a person chooses instead is hashed slowly.
    MadeUp,
}

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// The hash of a random password, checked if there is no such account, so that both answers take the same time.
    decoy: OnceCell<String>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(cores)), decoy: OnceCell::new() }
    }

    /// Hashes a password that somebody chose.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        self.hash_with(password, Hashed::Chosen).await
    }

    /// Hashes a password as slowly as its origin needs.
    pub(crate) async fn hash_with(&self, password: &str, how: Hashed) -> Result<String> {
        let password = password.to_owned();
        let argon2 = match how {
            Hashed::Chosen => Argon2::default(),
            Hashed::MadeUp => {
                let quick = Params::new(QUICK_KIB, 1, 1, None).map_err(internal("hashing a password"))?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, quick)
            }
        };
        let hash = self.in_turn(move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string())).await?;
        hash.map_err(internal("hashing a password"))
    }

    /// Whether `password` is the one that `hash` was made of. Takes equally long if there is no hash.
    pub(crate) async fn check(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let real = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy().await?,
        };
        // Checking a quick hash alone would reveal by its speed that there is such an account.
        let decoy = if hash.contains(&format!("$m={QUICK_KIB},")) { Some(self.decoy().await?) } else { None };
        let password = password.to_owned();
        let fits = self
            .in_turn(move || {
                let fits = |hash: &str| {
                    let parsed = PasswordHash::new(hash);
                    parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
                };
                if let Some(decoy) = decoy {
                    std::hint::black_box(fits(&decoy));
                }
                fits(&hash)
            })
            .await?;
        Ok(fits && real)
    }

    async fn decoy(&self) -> Result<String> {
        let made = self.decoy.get_or_try_init(|| async { self.hash(&crate::random_text(32)?).await }).await?;
        Ok(made.clone())
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
