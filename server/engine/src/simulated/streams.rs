//! The terminals and ports of simulated containers.

use crate::Terminal;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Opens a terminal that says that it is simulated, and echoes its input.
pub(super) fn terminal() -> Terminal {
    let (input, mut typed) = tokio::io::duplex(4_096);
    let (mut screen, output) = tokio::io::duplex(4_096);
    let (resize, _sizes) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let greeting = b"This session is simulated: nothing runs behind it.\r\n$ ";
        let mut buffer = [0u8; 1_024];
        let mut going = screen.write_all(greeting).await.is_ok();
        while going {
            going = match typed.read(&mut buffer).await {
                // Control-D, as at a shell.
                Ok(n) if n > 0 && !buffer[..n].contains(&4) => {
                    let echo = String::from_utf8_lossy(&buffer[..n]).replace('\r', "\r\n$ ");
                    screen.write_all(echo.as_bytes()).await.is_ok()
                }
                _ => false,
            };
        }
    });
    Terminal { output: Box::new(output), input: Box::new(input), resize }
}

/// Opens a connection that sends everything back.
pub(super) fn echo() -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(4_096);
    tokio::spawn(async move {
        let (mut received, mut sent) = tokio::io::split(theirs);
        // It ends when the caller closes it, which is no error.
        drop(tokio::io::copy(&mut received, &mut sent).await);
        drop(sent.shutdown().await);
    });
    ours
}
