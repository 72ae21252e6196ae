//! News of containers, from one engine or from several at once.

use crate::Place;
use futures::future::select_all;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The state of this container changed.
    Of(Place),
    /// The listener was too slow: any container may have changed.
    Missed,
}

/// News from one or several engines, for one listener.
pub struct Changes(Vec<Receiver<Place>>);

impl Changes {
    pub(crate) fn of(receiver: Receiver<Place>) -> Self {
        Self(vec![receiver])
    }

    /// Merges the news of several engines.
    pub(crate) fn merged(all: impl Iterator<Item = Self>) -> Self {
        Self(all.flat_map(|changes| changes.0).collect())
    }

    /// Waits for the next piece of news; `None` when no engine is left. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        while !self.0.is_empty() {
            let (news, sender, _) = select_all(self.0.iter_mut().map(|receiver| Box::pin(receiver.recv()))).await;
            match news {
                Ok(place) => return Some(Change::Of(place)),
                Err(RecvError::Lagged(_)) => return Some(Change::Missed),
                Err(RecvError::Closed) => drop(self.0.remove(sender)),
            }
        }
        None
    }

    /// Returns the next piece of news if one has already arrived. Does not wait.
    pub fn next_now(&mut self) -> Option<Change> {
        self.0.iter_mut().find_map(|receiver| match receiver.try_recv() {
            Ok(place) => Some(Change::Of(place)),
            Err(TryRecvError::Lagged(_)) => Some(Change::Missed),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast::channel;
    use types::id::ContainerId;

    #[tokio::test]
    async fn news_of_several_engines_arrives_and_a_slow_listener_sees_a_gap() {
        let place = |agent: &str| Place::new(agent, ContainerId(uuid::Uuid::from_u128(1)));
        let ((first, one), (second, two)) = (channel(1), channel(2));
        let mut changes = Changes::merged([Changes::of(one), Changes::of(two)].into_iter());
        assert_eq!(changes.next_now(), None);
        second.send(place("b")).unwrap();
        assert_eq!(changes.next().await, Some(Change::Of(place("b"))));
        first.send(place("a")).unwrap();
        first.send(place("a")).unwrap();
        assert_eq!(changes.next().await, Some(Change::Missed));
        drop(first);
        assert_eq!(changes.next().await, Some(Change::Of(place("a"))));
        second.send(place("b")).unwrap();
        assert_eq!(changes.next().await, Some(Change::Of(place("b"))), "the news of the other engine still arrives");
        drop(second);
        assert_eq!(changes.next().await, None);
    }
}
