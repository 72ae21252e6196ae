//! A server whose disk is full, on a small file system of its own. Needs root for mounting it.

use crate::api_sessions::start;
use crate::{Yard, caller};
use axum::http::StatusCode;
use server::site::Site;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use types::id::SessionId;
use types::sessions::Status;

/// A mounted file system, unmounted at the end.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path, size: &str) -> Option<Self> {
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o"]).arg(format!("size={size}")).arg("small").arg(folder).status();
        mount.is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for piece in [1 << 20, 1 << 12, 1] {
            let bytes = vec![b'x'; piece];
            while file.write_all(&bytes).is_ok() {}
        }
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_people_stay_signed_in_read_and_end_sessions_and_none_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path(), "48m") else {
        eprintln!("not tested: no file system can be mounted here");
        return;
    };
    let yard = Yard::in_folder(folder, Site::Embedded(|_| None)).await;
    yard.control.watch_disk(small.0.clone(), 8 << 20);
    yard.control.keep_spare().await.unwrap();
    let client = yard.client("user@example.org").await;
    let cookie = yard.cookie_of("user@example.org").await;
    let root = caller(&yard.control, "root@example.org").await;
    let filler = small.fill();
    // A look at the disk holds for a moment.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;

    assert_eq!(yard.get("/sessions", &cookie).await.status, StatusCode::OK);

    let id: SessionId = start(&yard, &client, "waits", &[]).await.parse().unwrap();
    yard.control.round().await.unwrap();
    let waiting = yard.control.session(&root, id).await.unwrap().row;
    assert_eq!(waiting.status, Status::Pending);
    assert!(waiting.info.starts_with("Waiting for space on the server's disk: "), "{}", waiting.info);

    for _ in 0..30 {
        let one: SessionId = start(&yard, &client, "more", &[]).await.parse().unwrap();
        yard.control.terminate(&root, one, false).await.unwrap();
    }
    yard.control.terminate(&root, id, false).await.unwrap();
    assert_eq!(yard.control.session(&root, id).await.unwrap().row.status, Status::Cancelled);
    // Signing in works as well.
    yard.cookie_of("monitor@example.org").await;

    std::fs::remove_file(filler).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let id: SessionId = start(&yard, &client, "starts", &[]).await.parse().unwrap();
    yard.control.round().await.unwrap();
    assert_ne!(yard.control.session(&root, id).await.unwrap().row.status, Status::Pending);
    yard.control.terminate(&root, id, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_use_that_cannot_be_written_signs_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path(), "48m") else {
        eprintln!("not tested: no file system can be mounted here");
        return;
    };
    let yard = Yard::in_folder(folder, Site::Embedded(|_| None)).await;
    let cookie = yard.cookie_of("user@example.org").await;
    yard.days_pass(1).await;
    // Nothing was kept for this.
    let _filler = small.fill();
    for _ in 0..3 {
        assert_eq!(yard.get("/sessions", &cookie).await.status, StatusCode::OK);
    }
    // A change says why it cannot be made.
    let (status, text) =
        yard.ask(&cookie, "set_columns", serde_json::json!({ "table": "users", "layout": { "shown": ["email"] } })).await;
    assert!(status == StatusCode::OK || text.contains("disk is full"), "{status} {text}");
}
