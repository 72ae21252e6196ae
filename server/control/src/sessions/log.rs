//! The log of a session's container: as text, onwards from any place or backwards from its end, and as bytes for a file.

use super::places;
use crate::{Caller, Control, Needs, Result, engine_failed};
use engine::{EngineError, LogPiece, Place};
use std::time::Duration;
use tokio::time::Instant;
use types::Problem;
use types::id::SessionId;
use types::sessions::{LogChunk, Outcome};

/// The most bytes of a log in one answer.
const LOG_PIECE: usize = 256 << 10;
/// The most bytes that are read backwards at once.
const LOG_BACK: usize = 4 << 20;
/// How long an answer waits for the log to grow.
const LOG_WAIT: Duration = Duration::from_secs(10);
/// The same for a session that has not started.
const UNSTARTED_WAIT: Duration = Duration::from_secs(3);

/// Where a log is read, and whether it is complete even if the engine knows nothing of it.
struct Source {
    place: Option<Place>,
    over: bool,
}

impl Control {
    /// The log of a session's container number `container`, from byte `from` on. With `wait`, waits some seconds for a log that
    /// has nothing new; the wait is one of the caller's open connections.
    pub async fn session_log(&self, caller: &Caller, id: SessionId, container: u32, from: u64, wait: bool) -> Result<LogChunk> {
        let mut permit = if wait { Some(self.permit(caller, Needs::ToSee(id))?) } else { None };
        let source = self.log_source(caller, id, container).await?;
        let give_up = Instant::now() + LOG_WAIT;
        loop {
            // From before the look on, so that nothing is missed between the two.
            let growth = match &source.place {
                Some(place) if wait => Some(self.engine.log_growth(place).await),
                _ => None,
            };
            let chunk = onwards(self.read_log(&source, from, LOG_PIECE).await?, from);
            let nothing_new = !chunk.end && chunk.text.is_empty();
            let Some(permit) = permit.as_mut().filter(|_| nothing_new) else { return Ok(chunk) };
            let grown = permit.while_it_holds(async {
                Ok(match growth {
                    Some(growth) => tokio::time::timeout_at(give_up, growth).await.is_ok(),
                    None => {
                        // Not started yet: the next question finds it started.
                        tokio::time::sleep(UNSTARTED_WAIT).await;
                        false
                    }
                })
            });
            if !grown.await? {
                return Ok(chunk);
            }
        }
    }

    /// Up to `most` bytes of the log before byte `before`, or its last ones. Begins with a whole line if there is one.
    pub async fn session_log_before(
        &self,
        caller: &Caller,
        id: SessionId,
        container: u32,
        before: Option<u64>,
        most: usize,
    ) -> Result<LogChunk> {
        let source = self.log_source(caller, id, container).await?;
        Ok(backwards(self.read_back(&source, before, most.min(LOG_BACK)).await?, before.is_some()))
    }

    /// The log as it was written, from byte `from` on.
    pub async fn session_log_bytes(&self, caller: &Caller, id: SessionId, container: u32, from: u64) -> Result<LogPiece> {
        let source = self.log_source(caller, id, container).await?;
        self.read_log(&source, from, LOG_PIECE).await
    }

    /// The last `most` bytes of a container's log.
    pub(super) async fn end_of_log(&self, place: Place, most: usize) -> Result<LogChunk> {
        let source = Source { place: Some(place), over: false };
        Ok(backwards(self.read_back(&source, None, most).await?, false))
    }

    async fn log_source(&self, caller: &Caller, id: SessionId, container: u32) -> Result<Source> {
        let session = self.session(caller, id).await?;
        if container >= session.row.cluster.size {
            return Err(Problem::NotFound("container".into()));
        }
        let over = session.row.status.is_final();
        let ran = session.row.started_at.is_some() || matches!(session.outcome, Some(Outcome::Exited(_) | Outcome::Signalled(_)));
        // Without a place it was not started yet, or never: nothing has been written.
        let place = places(id, &session.row.agents).nth(container as usize).filter(|_| ran || !over);
        Ok(Source { place, over })
    }

    async fn read_log(&self, source: &Source, from: u64, max: usize) -> Result<LogPiece> {
        let nothing = LogPiece { end: source.over, ..LogPiece::default() };
        let Some(place) = &source.place else { return Ok(nothing) };
        match self.engine.log(place, from, max).await {
            Err(EngineError::UnknownContainer) => Ok(nothing),
            other => other.map_err(engine_failed("reading a log")),
        }
    }

    async fn read_back(&self, source: &Source, before: Option<u64>, most: usize) -> Result<LogPiece> {
        let reach = self.read_log(source, u64::MAX, 0).await?;
        let until = before.unwrap_or(reach.size).min(reach.size);
        let start = until.saturating_sub(most as u64).max(reach.first).min(until);
        let mut all = LogPiece { bytes: Vec::new(), at: start, end: reach.end && until == reach.size, ..reach };
        while all.next() < until {
            let max = usize::try_from(until - all.next()).unwrap_or(most);
            let piece = self.read_log(source, all.next(), max).await?;
            if piece.bytes.is_empty() {
                break;
            }
            if piece.at > all.next() {
                // Meanwhile the log has dropped what was being read.
                all = LogPiece { bytes: Vec::new(), at: piece.at.min(until), first: piece.first, ..all };
            }
            let wanted = usize::try_from(until - all.next()).unwrap_or(most).min(piece.bytes.len());
            all.bytes.extend(&piece.bytes[..wanted]);
        }
        Ok(all)
    }
}

/// A piece that was read from byte `from` on, without a character that is cut in two.
fn onwards(piece: LogPiece, from: u64) -> LogChunk {
    // After a gap the first bytes may be the rest of a character that was dropped.
    let torn = if piece.at > from { rest_of_character(&piece.bytes) } else { 0 };
    // A cut character at the end of the whole log stays cut. Anywhere else its rest is still to come.
    let whole = if piece.end { piece.bytes.len() } else { piece.bytes.len() - unfinished(&piece.bytes) };
    chunk(&piece, torn.min(whole), whole)
}

/// A piece that was read backwards, from the beginning of its first whole line on. `bounded` means that another piece follows.
fn backwards(piece: LogPiece, bounded: bool) -> LogChunk {
    let bytes = &piece.bytes;
    let whole = if piece.end || bounded { bytes.len() } else { bytes.len() - unfinished(bytes) };
    let line = bytes[..whole / 2].iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    let start = match line {
        _ if piece.at == 0 => 0,
        // The rest of the line belongs to the piece before this, if that is still kept.
        Some(line) if piece.at > piece.first => line,
        _ => rest_of_character(bytes),
    };
    chunk(&piece, start.min(whole), whole)
}

fn chunk(piece: &LogPiece, start: usize, end: usize) -> LogChunk {
    LogChunk {
        text: String::from_utf8_lossy(piece.bytes.get(start..end).unwrap_or_default()).into_owned(),
        from: piece.at + start as u64,
        next: piece.at + end as u64,
        first: piece.first,
        size: piece.size,
        end: piece.end,
    }
}

/// Counts the bytes at the beginning that continue a character.
fn rest_of_character(bytes: &[u8]) -> usize {
    bytes.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count()
}

/// Counts the bytes at the end that start a character whose rest is missing.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0b1111_0000..=0b1111_0111 => 4,
            0b1110_0000..=0b1110_1111 => 3,
            0b1100_0000..=0b1101_1111 => 2,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: &[u8], at: u64, end: bool) -> LogPiece {
        LogPiece { bytes: bytes.to_vec(), at, first: 0, size: at + bytes.len() as u64, end }
    }

    #[test]
    fn a_partial_character_waits_for_its_rest_unless_the_log_has_ended() {
        let now = onwards(piece(b"ok \xe2\x82", 0, false), 0);
        assert_eq!((now.text.as_str(), now.next, now.end), ("ok ", 3, false));
        let last = onwards(piece(b"\xe2\x82", 3, true), 3);
        assert_eq!((last.text.as_str(), last.next, last.end), ("\u{fffd}", 5, true));
        assert_eq!(onwards(piece(b"a\xffb", 0, false), 0).text, "a\u{fffd}b");
    }

    #[test]
    fn a_character_cut_by_a_gap_is_left_out() {
        let after = onwards(piece("€€€".as_bytes().split_at(2).1, 6, true), 0);
        assert_eq!((after.text.as_str(), after.from, after.next), ("€€", 7, 13));
    }

    #[test]
    fn a_piece_from_the_middle_begins_with_a_whole_line() {
        let chunk = backwards(piece(b"rest\nline\nlast line\n", 100, false), false);
        assert_eq!((chunk.text.as_str(), chunk.from, chunk.next), ("line\nlast line\n", 105, 120));
        let first = backwards(LogPiece { first: 100, ..piece(b"rest\nline\n", 100, false) }, true);
        assert_eq!((first.text.as_str(), first.from), ("rest\nline\n", 100), "nothing older is kept");
        let binary = backwards(piece(b"\x82\xac\x00\x01\x02\x03", 100, false), false);
        assert_eq!((binary.from, binary.next), (102, 106), "without lines it begins with a whole character");
    }
}
