//! Output of sessions: their logs as text and as files, their ends, and their terminals.

use crate::Yard;
use axum::Extension;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;
use server::Peer;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use types::sessions::{LogChunk, Outcome, Status};

/// The longest time that anything here may take.
const DEADLINE: Duration = Duration::from_secs(60);

impl Yard {
    async fn download(&self, cookie: &str, id: &str) -> Vec<u8> {
        let request = Request::get(format!("/sessions/{id}/log")).header("cookie", cookie).body(Body::empty()).unwrap();
        let body = self.open(request).await.into_body();
        tokio::time::timeout(DEADLINE, body.collect()).await.unwrap().unwrap().to_bytes().to_vec()
    }
}

/// The same person as the client of the API and in the console.
async fn people(yard: &Yard) -> (String, String) {
    (yard.client("user@example.org").await, yard.cookie_of("user@example.org").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_logs_end_is_read_at_once_and_older_lines_before_it() {
    let yard = Yard::new().await;
    let (user, console) = people(&yard).await;
    let id = yard.run(&user, "lengthy", "seq 1 30000").await;
    let end: LogChunk = yard.done(&console, "session_log_before", json!({ "id": id, "container": 0, "before": null })).await;
    assert!(end.text.ends_with("\n29999\n30000\n") && end.end && end.next == end.size, "{} {}", end.next, end.size);
    let mut whole = end.text.clone();
    let mut from = end.from;
    while from > 0 {
        let older: LogChunk =
            yard.done(&console, "session_log_before", json!({ "id": id, "container": 0, "before": from })).await;
        assert_eq!(older.next, from);
        whole.insert_str(0, &older.text);
        from = older.from;
    }
    assert_eq!(whole, (1..=30_000).map(|n| format!("{n}\n")).collect::<String>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downloaded_log_holds_its_bytes_and_begins_with_what_is_missing() {
    let yard = Yard::new().await;
    let (user, console) = people(&yard).await;
    let bytes = yard.run(&user, "binary", r"printf 'a\377\000b\r\n\033[31mred\n'").await;
    assert_eq!(yard.download(&console, &bytes).await, b"a\xff\x00b\r\n\x1b[31mred\n");
    // More than a log keeps: 8 to 16 MiB of the 20 million bytes are left.
    let long = yard.run(&user, "endless", r"yes 123456789 | head -c 20000000; printf '\377end\n'").await;
    let file = yard.download(&console, &long).await;
    let line = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let first = std::str::from_utf8(&file[..line]).unwrap();
    let missing = 20_000_005 - (file.len() - line);
    assert!((3_000_000..12_000_000).contains(&missing), "{missing}");
    assert!(first.contains(&format!("({missing} bytes) are missing here")), "{first}");
    assert!(file.ends_with(b"123456789\n\xffend\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_download_of_a_log_that_is_written_faster_than_it_is_read_ends() {
    let yard = Yard::new().await;
    let (user, console) = people(&yard).await;
    let id = yard.begin(&user, "floods", "batch", "yes").await;
    yard.reaches(&id, |status| status == Status::Running).await;
    assert!(yard.download(&console, &id).await.len() < 1 << 30);
    yard.call(axum::http::Method::DELETE, "/func/session/floods?forced=true", &user, "").await;
    yard.reaches(&id, Status::is_final).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_command_that_the_shell_could_not_run_is_said_not_to_have_run() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    for (name, command, status, words) in [
        ("missing", "no-such-command --now", Status::Error, "could not be run (exit code 127): "),
        ("printed", "echo at work; no-such-command", Status::Terminated, "Exit code 127"),
        ("late", "sleep 1.5; exit 127", Status::Terminated, "Exit code 127"),
        ("by-itself", "echo done; exit 126", Status::Terminated, "Exit code 126"),
    ] {
        let id = yard.run(&user, name, command).await;
        let session = yard.reaches(&id, Status::is_final).await;
        assert!(session.row.status == status && session.row.info.contains(words), "{name}: {}", session.row.info);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_code_and_the_processes_killed_for_memory_are_both_kept() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let id = yard.run(&user, "hungry", "(x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done); exit 3").await;
    let session = yard.reaches(&id, Status::is_final).await;
    assert_eq!(session.outcome, Some(Outcome::Exited(3)));
    if session.row.memory_kills == 0 {
        println!("skipped: no memory control group can be written here");
        return;
    }
    assert_eq!(session.row.info, "Exit code 3; 1 process was killed for using more memory than 256 MiB");
    let root = yard.cookie_of("root@example.org").await;
    let csv = yard.get("/export/sessions.csv?tab=finished&f=memory_kills.min.1", &root).await.text;
    assert!(csv.lines().next().unwrap().contains("Out-of-memory kills") && csv.contains("hungry"), "{csv}");
    assert!(!yard.get("/export/sessions.csv?tab=finished&f=memory_kills.min.2", &root).await.text.contains("hungry"));
}

/// The page's side of a terminal.
struct Page {
    socket: WebSocketStream<TcpStream>,
    seen: String,
}

impl Page {
    async fn open(yard: &Yard, (user, console): (&str, &str), name: &str) -> Self {
        let id = yard.begin(user, name, "interactive", "").await;
        yard.reaches(&id, |status| status == Status::Running).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = yard.router.clone().layer(Extension(ConnectInfo(Peer::from(address))));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut request = format!("ws://{address}/sessions/{id}/terminal").into_client_request().unwrap();
        request.headers_mut().insert("cookie", console.parse().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        Self { socket, seen: String::new() }
    }

    async fn types(&mut self, text: &str) {
        self.socket.send(Message::Binary(text.to_owned().into_bytes().into())).await.unwrap();
    }

    /// The next message, or nothing when there is none for a while.
    async fn next(&mut self, patience: Duration) -> Option<Message> {
        tokio::time::timeout(patience, self.socket.next()).await.ok().map(|message| message.unwrap().unwrap())
    }

    /// Draws output until it contains `words`; returns its bytes.
    async fn draws_until(&mut self, words: &str) -> usize {
        let mut read = 0;
        while !self.seen.contains(words) {
            if let Message::Binary(bytes) = self.next(DEADLINE).await.unwrap_or_else(|| panic!("no {words}: {}", self.seen)) {
                read += bytes.len();
                // Enough of the past for words that arrive in two pieces.
                let keep = self.seen.len().saturating_sub(200);
                self.seen = self.seen.chars().skip(keep).collect::<String>() + &String::from_utf8_lossy(&bytes);
                self.socket.send(Message::Text(format!("drawn {}", bytes.len()).into())).await.unwrap();
            }
        }
        read
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_in_a_terminal_waits_for_the_page_and_ctrl_c_ends_it_at_once() {
    let yard = Yard::new().await;
    let (user, console) = people(&yard).await;
    let mut page = Page::open(&yard, (&user, &console), "flooded").await;
    page.types("echo ready-$((40+2))\r").await;
    page.draws_until("ready-42").await;
    page.types("yes\r").await;
    let mut undrawn = 0;
    while let Some(message) = page.next(Duration::from_secs(2)).await {
        undrawn += if let Message::Binary(bytes) = message { bytes.len() } else { 0 };
        assert!(undrawn < 1 << 20, "the shell is read although nothing is drawn");
    }
    assert!(undrawn >= 200 << 10, "{undrawn} bytes");
    page.types("\x03").await;
    page.types("echo after-$((40+2))\r").await;
    page.socket.send(Message::Text(format!("drawn {undrawn}").into())).await.unwrap();
    let rest = page.draws_until("after-42").await;
    assert!(rest < 4 << 20, "{rest} bytes came after Ctrl+C");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_of_any_size_reaches_the_shell_while_its_echo_is_drawn() {
    let yard = Yard::new().await;
    let (user, console) = people(&yard).await;
    let mut page = Page::open(&yard, (&user, &console), "pasted").await;
    page.types("head -c 600000 | wc -c | sed s/^/all-/\r").await;
    page.draws_until("sed").await;
    let paste = "a line of a long text that somebody pastes into it\r".repeat(600_000 / 51 + 1);
    let (mut sent, mut taken) = (0, 0);
    while !page.seen.contains("all-600000") {
        while sent < paste.len() && sent - taken < 64 << 10 {
            let piece = &paste[sent..paste.len().min(sent + (8 << 10))];
            page.types(piece).await;
            sent += piece.len();
        }
        match page.next(DEADLINE).await.expect("neither side waits for the other") {
            Message::Text(text) => taken += text.strip_prefix("taken ").unwrap().parse::<usize>().unwrap(),
            Message::Binary(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                page.seen = page.seen.chars().skip(page.seen.len().saturating_sub(100)).collect::<String>() + &text;
                page.socket.send(Message::Text(format!("drawn {}", bytes.len()).into())).await.unwrap();
            }
            _ => {}
        }
    }
}
