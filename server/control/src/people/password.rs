//! Passwords: hashed with argon2id, off the async threads, on at most half of the cores, since each takes 19 MiB and a whole core
//! for about 20 ms. The queue in front has an end: beyond it, an answer would come too late for anybody.

use crate::{Result, internal};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use types::Problem;

/// The most passwords that wait for their turn.
const MOST_WAITING: usize = 64;

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
    /// Places in the queue, with those whose turn it is.
    places: Semaphore,
    /// The hash of a random password, checked if there is no such account, so that both answers take the same time.
    decoy: OnceCell<String>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from).div_euclid(2).max(1);
        let places = Semaphore::new(turns + MOST_WAITING);
        Self { turns: Arc::new(Semaphore::new(turns)), places, decoy: OnceCell::new() }
    }

    /// Hashes a password that somebody chose.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let _place = self.place()?;
        self.hash_in_task(password, Hashed::Chosen).await
    }

    /// Hashes a password as slowly as its origin needs, for a background task: waits however long the queue is.
    pub(crate) async fn hash_in_task(&self, password: &str, how: Hashed) -> Result<String> {
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
        let _place = self.place()?;
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

    /// A place in the queue; refused when it is full.
    fn place(&self) -> Result<SemaphorePermit<'_>> {
        self.places.try_acquire().map_err(|_| Problem::Busy)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_leaves_cores_to_others() {
        let passwords = Passwords::new();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(passwords.turns.available_permits(), (cores / 2).max(1));
        let waiting: Vec<_> = std::iter::from_fn(|| passwords.place().ok()).collect();
        assert!(waiting.len() > MOST_WAITING);
        assert_eq!(passwords.check("Correct-Horse-9", Some("$argon2id$".into())).await, Err(Problem::Busy));
        assert_eq!(Problem::Busy.status(), 429);
        // A task that was begun goes on.
        assert!(passwords.hash_in_task("Correct-Horse-9", Hashed::MadeUp).await.is_ok());
        drop(waiting);
        assert!(passwords.hash("Correct-Horse-9").await.is_ok());
    }
}
