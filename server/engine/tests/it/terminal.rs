//! Interactive sessions and their terminals.

use crate::common::*;
use engine::{Engine, EngineError, Launch, Place, RunState, Stop, Terminal};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::sessions::Outcome;

/// Types a line.
async fn enter(terminal: &mut Terminal, line: &str) {
    terminal.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
}

/// Reads until the terminal has printed `words` or ended.
async fn printed(terminal: &mut Terminal, words: &str) -> String {
    let mut all = String::new();
    let mut piece = [0; 4096];
    while !all.contains(words) {
        let read = terminal.output.read(&mut piece);
        let read = tokio::time::timeout(std::time::Duration::from_secs(30), read).await;
        let read = read.unwrap_or_else(|_| panic!("waited in vain for {words:?}, saw {all:?}")).unwrap_or(0);
        if read == 0 {
            break;
        }
        all.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    all
}

async fn interactive(yard: &Yard) -> Place {
    let place = yard.start(Launch::Interactive).await;
    running(&yard.engine, &place).await;
    place
}

#[tokio::test]
async fn a_terminal_runs_commands_and_follows_the_window() {
    for kind in WAYS {
        let yard = way(kind);
        let place = interactive(&yard).await;
        let mut terminal = yard.engine.terminal(&place, 101, 33).await.unwrap();
        // Sums, so that the echoed input is not mistaken for the answer.
        enter(&mut terminal, "stty size; echo $((40 + 2))-$TERM-$COLOUR").await;
        let text = printed(&mut terminal, "42-xterm-256color-blue").await;
        assert!(text.contains("33 101"), "{kind:?} {text}");
        terminal.resize.send((120, 50)).await.unwrap();
        // Input may overtake a change of size, as in any terminal.
        enter(&mut terminal, "while test \"$(stty size)\" != '50 120'; do sleep 0.01; done; echo seen-$((6 * 7))").await;
        printed(&mut terminal, "seen-42").await;
        // Leaving the shell ends the terminal but not the session.
        enter(&mut terminal, "exit").await;
        printed(&mut terminal, "never printed").await;
        assert!(matches!(yard.engine.state(&place).await.unwrap(), RunState::Running(_)));
        assert_eq!(stop(&yard.engine, &place, Stop::Gently(Duration::from_millis(20_000))).await, Outcome::Exited(0));
    }
}

#[tokio::test]
async fn closing_a_terminal_ends_only_its_own_shell() {
    for kind in WAYS {
        let yard = way(kind);
        let place = interactive(&yard).await;
        let (gone, stays) = (marker(), marker());
        let mut first = yard.engine.terminal(&place, 80, 24).await.unwrap();
        let mut second = yard.engine.terminal(&place, 80, 24).await.unwrap();
        enter(&mut first, &format!("bash -c 'exec -a {gone} sleep 1000'")).await;
        enter(&mut second, &format!("bash -c 'exec -a {stays} sleep 1000'")).await;
        let named = |marker: &str| processes(marker).iter().filter(|pid| is_sleep(**pid)).count();
        until("both commands", async || (named(&gone) == 1 && named(&stays) == 1).then_some(())).await;
        drop(first);
        none_left(&gone).await;
        assert_eq!(named(&stays), 1);
        // After a gentle stop, an idle shell and a busy one end at once, not after the grace period.
        assert_eq!(
            stop(&yard.engine, &place, Stop::Gently(Duration::from_millis(1_000_000))).await,
            Outcome::Exited(0),
            "{kind:?}"
        );
        assert_eq!(processes(&stays), [0; 0]);
        printed(&mut second, "never printed").await;
    }
}

fn is_sleep(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
}

#[tokio::test]
async fn a_flood_of_output_arrives_complete() {
    let yard = yard();
    let place = interactive(&yard).await;
    let mut terminal = yard.engine.terminal(&place, 80, 24).await.unwrap();
    enter(&mut terminal, "seq 1 200000; echo end-$((40 + 2))").await;
    let text = printed(&mut terminal, "end-42").await;
    assert!(text.contains("\n199999\r\n200000\r\n"), "{}", &text[text.len() - 200..]);
    // The same for input of more than one piece.
    enter(&mut terminal, "stty -echo -icanon; head -c 100000 | wc -c; stty echo icanon").await;
    terminal.input.write_all("x".repeat(100_000).as_bytes()).await.unwrap();
    printed(&mut terminal, "100000").await;
}

#[tokio::test]
async fn terminals_are_only_for_running_interactive_sessions() {
    let yard = yard();
    let unknown = new_place(&yard.engine).await;
    assert!(matches!(yard.engine.terminal(&unknown, 80, 24).await, Err(EngineError::UnknownContainer)));
    let batch = yard.batch("sleep 1000").await;
    running(&yard.engine, &batch).await;
    assert!(matches!(yard.engine.terminal(&batch, 80, 24).await, Err(EngineError::NotRunning)));
    let place = interactive(&yard).await;
    log_has(&yard.engine, &place, "The session is ready").await;
    assert_eq!(stop(&yard.engine, &place, Stop::Now).await, Outcome::Signalled(9));
    assert!(matches!(yard.engine.terminal(&place, 80, 24).await, Err(EngineError::NotRunning)));
}

#[tokio::test]
async fn a_new_server_can_open_terminals_in_an_old_session() {
    let yard = yard();
    let place = interactive(&yard).await;
    let again = yard.restarted();
    let mut terminal = again.terminal(&place, 80, 24).await.unwrap();
    enter(&mut terminal, "echo $((40 + 2))").await;
    printed(&mut terminal, "42").await;
}
