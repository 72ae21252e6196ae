//! Where the console listens: at an address, or at a Unix socket for a proxy on this machine.

use crate::config::Listen;
use crate::connections::{self, Limits};
use anyhow::{Context, Result, ensure};
use axum::Router;
use std::fs::Permissions;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// The rights of the socket's file: its owner's and group's. A proxy is let in by the group; sessions run as other users.
const RIGHTS: u32 = 0o660;

/// A listener that accepts connections already.
pub enum Listening {
    Address(TcpListener),
    Socket(UnixListener, PathBuf),
}

impl Listening {
    /// Begins to listen.
    pub async fn bind(listen: &Listen) -> Result<Self> {
        match listen {
            Listen::Address(address) => {
                let listener = TcpListener::bind(address).await;
                let listener = listener.with_context(|| format!("`listen` = {address}: the address cannot be used"))?;
                Ok(Self::Address(listener))
            }
            Listen::Socket(path) => {
                let listener = socket(path).await.with_context(|| format!("`listen` = unix:{}", path.display()))?;
                Ok(Self::Socket(listener, path.clone()))
            }
        }
    }

    /// The place as a person reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Address(listener) => {
                listener.local_addr().map_or_else(|_| "its address".into(), |address| format!("http://{address}"))
            }
            Self::Socket(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// Serves until `asked_to_end`, and then the requests in flight.
    pub async fn serve(self, router: Router, limits: Limits, asked_to_end: impl Future<Output = ()>) {
        match self {
            Self::Address(listener) => connections::serve(listener, router, limits, asked_to_end).await,
            Self::Socket(listener, path) => {
                connections::serve(listener, router, limits, asked_to_end).await;
                // Left behind, it would only be taken for stale at the next start.
                drop(std::fs::remove_file(path));
            }
        }
    }
}

/// Listens at a socket, in place of a file that an earlier server left there.
async fn socket(path: &Path) -> Result<UnixListener> {
    if let Ok(there) = path.symlink_metadata() {
        ensure!(there.file_type().is_socket(), "there is another file, which is not a socket");
        ensure!(UnixStream::connect(path).await.is_err(), "another server listens there");
    }
    // Given its rights under another name, so that nobody can connect before it has them.
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}", std::process::id()));
    let part = PathBuf::from(part);
    drop(std::fs::remove_file(&part));
    let listener = UnixListener::bind(&part).context("the socket cannot be created")?;
    let moved = std::fs::set_permissions(&part, Permissions::from_mode(RIGHTS)).and_then(|()| std::fs::rename(&part, path));
    if moved.is_err() {
        drop(std::fs::remove_file(&part));
    }
    moved.context("the socket cannot be put there")?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_one_in_use_or_another_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let first = socket(&path).await.unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, RIGHTS);
        assert!(socket(&path).await.unwrap_err().to_string().contains("another server listens"));
        drop(first);
        assert!(path.exists(), "as a server that was killed leaves it");
        let second = socket(&path).await.unwrap();
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(second);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "kept").unwrap();
        assert!(socket(&path).await.unwrap_err().to_string().contains("not a socket"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
