//! An answer whose type only its load knows. Waiting for it, following changes and carrying it from the server's page into the
//! browser's are the same for all loads, and compiled once; only what is in `Question` is compiled for each type.

use super::RwAnswer;
use leptos::prelude::*;
use leptos::server::codee::{Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use types::Problem;

/// An answer of some type.
#[derive(Clone)]
pub(super) enum Answer {
    /// As it came with the page.
    Text(String),
    Good(Good),
    Failed(Problem),
}

/// A good answer, and on the server also how its type is written into the page.
#[derive(Clone)]
pub(super) struct Good {
    value: Arc<dyn Any + Send + Sync>,
    #[cfg(feature = "ssr")]
    write: fn(&(dyn Any + Send + Sync)) -> Option<String>,
}

/// Writes answers into the page, as JSON of a `Result`, and reads them there.
pub(super) struct InPage;

impl Encoder<Answer> for InPage {
    type Error = Infallible;
    type Encoded = String;

    fn encode(answer: &Answer) -> Result<String, Infallible> {
        Ok(match answer {
            Answer::Text(text) => text.clone(),
            #[cfg(feature = "ssr")]
            Answer::Good(Good { value, write }) => write(&**value).unwrap_or_default(),
            // The browser writes no pages.
            #[cfg(not(feature = "ssr"))]
            Answer::Good(_) => String::new(),
            Answer::Failed(problem) => serde_json::to_string(&Err::<(), _>(problem)).unwrap_or_default(),
        })
    }
}

impl Decoder<Answer> for InPage {
    type Error = Infallible;
    type Encoded = str;

    fn decode(text: &str) -> Result<Answer, Infallible> {
        Ok(Answer::Text(text.to_owned()))
    }
}

pub(super) type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Everything about a load that depends on its types.
pub(super) trait Question: Send + Sync {
    /// Asks about the present key; nothing if the page is gone.
    fn ask(&self) -> Option<Asking>;
    /// Shows an answer, or nothing.
    fn show(&self, answer: Option<Answer>);
    /// The state of the shown answer: good, or the problem; nothing before the first answer.
    fn shown(&self) -> Option<Result<(), Problem>>;
}

pub(super) struct Asked<K: Send + Sync + 'static, T: Send + Sync + 'static, A> {
    pub key: Memo<K>,
    pub shown: RwAnswer<T>,
    pub fetch: A,
}

impl<K, T, A, F> Question for Asked<K, T, A>
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    A: Fn(K) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    fn ask(&self) -> Option<Asking> {
        let asked = (self.fetch)(self.key.try_get_untracked()?);
        Some(Box::pin(async move {
            match asked.await {
                Ok(value) => Answer::Good(Good {
                    value: Arc::new(value),
                    #[cfg(feature = "ssr")]
                    write: |value| serde_json::to_string(&Ok::<_, Problem>(value.downcast_ref::<T>()?)).ok(),
                }),
                Err(problem) => Answer::Failed(problem),
            }
        }))
    }

    fn show(&self, answer: Option<Answer>) {
        let answer = answer.map(|answer| match answer {
            Answer::Text(text) => serde_json::from_str(&text).unwrap_or(Err(Problem::Outdated)),
            Answer::Good(good) => match good.value.downcast::<T>() {
                Ok(value) => Ok(Arc::try_unwrap(value).unwrap_or_else(|shared| T::clone(&shared))),
                Err(_) => Err(Problem::Outdated),
            },
            Answer::Failed(problem) => Err(problem),
        });
        // Nothing is shown any more if the page is gone.
        let _ = self.shown.try_set(answer);
    }

    fn shown(&self) -> Option<Result<(), Problem>> {
        self.shown
            .try_with_untracked(|shown| shown.as_ref().map(|answer| answer.as_ref().map(drop).map_err(Clone::clone)))
            .flatten()
    }
}
