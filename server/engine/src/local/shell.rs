//! A terminal inside a session: a pseudo-terminal with a login shell, and the connection it serves.
//!
//! This runs in the only loop of the session's init, so nothing here may block.

use super::frame::{Frame, OPEN, take_frame};
use super::{inside, sys, tree};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::pty::OpenptFlags;
use rustix::termios::{InputModes, OptionalActions, Winsize};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Bytes read at a time.
const PIECE: usize = 32 << 10;

/// An open terminal.
pub(crate) struct Shell {
    connection: OwnedFd,
    master: OwnedFd,
    pid: i32,
    /// Whether the shell's process is not reaped yet, so that its pid is still its own.
    alive: bool,
    /// Received bytes that are not a complete frame yet.
    received: Vec<u8>,
    to_shell: Vec<u8>,
    to_reader: Vec<u8>,
    /// Whether the shell's output has ended.
    master_done: bool,
    connection_done: bool,
}

impl Shell {
    /// Opens a terminal for a connection and confirms it there.
    pub(crate) fn open(connection: OwnedFd, columns: u16, rows: u16, env: &[(String, String)]) -> io::Result<Self> {
        let (master, mut command) = prepare(columns, rows, env)?;
        let child = command.spawn()?;
        // The init reaps the child by its pid, along with all others.
        let pid = child.id().cast_signed();
        Ok(Self {
            connection,
            master,
            pid,
            alive: true,
            received: Vec::new(),
            to_shell: Vec::new(),
            to_reader: OPEN.into(),
            master_done: false,
            connection_done: false,
        })
    }

    /// Returns the events to wait for: of the connection, and of the terminal as long as it can still have output.
    pub(crate) fn interest(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        // Neither side is read until its previous bytes have been passed on.
        let flags = |may_read: bool, must_write: bool| {
            let read = if may_read { PollFlags::IN } else { PollFlags::empty() };
            if must_write { read | PollFlags::OUT } else { read }
        };
        let mut interest = vec![(self.connection.as_fd(), flags(self.to_shell.is_empty(), !self.to_reader.is_empty()))];
        if !self.master_done {
            interest.push((self.master.as_fd(), flags(self.to_reader.is_empty(), !self.to_shell.is_empty())));
        }
        interest
    }

    /// Moves bytes in both directions, as many as possible without blocking.
    pub(crate) fn serve(&mut self, connection: PollFlags, master: PollFlags) {
        let gone = PollFlags::HUP | PollFlags::ERR;
        if connection.intersects(PollFlags::IN | gone) && self.to_shell.is_empty() {
            self.read_connection();
        }
        if connection.intersects(gone) {
            self.connection_done = true;
        }
        if master.intersects(gone) || (master.contains(PollFlags::IN) && self.to_reader.is_empty()) {
            self.read_master(master.intersects(gone));
        }
        if !self.master_done && !write_some(&self.master, &mut self.to_shell) {
            self.to_shell.clear();
        }
        if !write_some(&self.connection, &mut self.to_reader) {
            self.connection_done = true;
        }
    }

    /// Handles the end of a process. If it is this shell, its last output is still sent, but its remaining processes are not
    /// waited for. Returns whether it was this shell.
    pub(crate) fn ended(&mut self, pid: i32) -> bool {
        if self.pid != pid || !self.alive {
            return false;
        }
        self.alive = false;
        self.read_master(true);
        self.master_done = true;
        write_some(&self.connection, &mut self.to_reader);
        true
    }

    /// Returns whether only [`Shell::hang_up`] is left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.connection_done || (self.master_done && self.to_reader.is_empty())
    }

    /// Signals the shell and its foreground processes that their terminal is gone.
    pub(crate) fn hang_up(&self) {
        let foreground = rustix::termios::tcgetpgrp(&self.master).ok();
        let own = rustix::process::Pid::from_raw(self.pid).filter(|_| self.alive);
        for group in foreground.into_iter().chain(own) {
            for signal in [Signal::HUP, Signal::CONT] {
                let _ = rustix::process::kill_process_group(group, signal);
            }
        }
        if self.alive {
            tree::signal(self.pid, Signal::HUP);
        }
    }

    fn read_connection(&mut self) {
        let mut piece = [0; PIECE];
        match rustix::io::read(&self.connection, &mut piece[..]) {
            Ok(0) => self.connection_done = true,
            Ok(read) => self.received.extend(&piece[..read]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.connection_done = true,
        }
        loop {
            match take_frame(&mut self.received) {
                Ok(Some(Frame::Input(bytes))) => self.to_shell.extend(bytes),
                Ok(Some(Frame::Resize { columns, rows })) => {
                    let _ = rustix::termios::tcsetwinsize(&self.master, size(columns, rows));
                }
                Ok(None) => break,
                Err(_) => {
                    self.connection_done = true;
                    break;
                }
            }
        }
    }

    /// Reads the terminal's output: one piece, or everything available.
    fn read_master(&mut self, everything: bool) {
        let mut piece = [0; PIECE];
        while !self.master_done {
            match rustix::io::read(&self.master, &mut piece[..]) {
                Ok(read) if read > 0 => self.to_reader.extend(&piece[..read]),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => break,
                // EIO: no process has the terminal open any longer.
                _ => self.master_done = true,
            }
            if !everything {
                break;
            }
        }
    }
}

/// Writes as much as possible without blocking. Returns false when nobody will ever read it.
fn write_some(to: &OwnedFd, bytes: &mut Vec<u8>) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(written) => drop(bytes.drain(..written)),
            Err(Errno::AGAIN) => break,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows.max(1), ws_col: columns.max(1), ws_xpixel: 0, ws_ypixel: 0 }
}

/// Creates a pseudo-terminal and the command of the login shell that runs in it.
fn prepare(columns: u16, rows: u16, env: &[(String, String)]) -> io::Result<(OwnedFd, Command)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    // Opened by descriptor and not by name, so it does not matter what is mounted on /dev/pts.
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::termios::tcsetwinsize(&master, size(columns, rows))?;
    let mut modes = rustix::termios::tcgetattr(&slave)?;
    // So that the backspace key deletes a whole character.
    modes.input_modes |= InputModes::IUTF8;
    rustix::termios::tcsetattr(&slave, OptionalActions::Now, &modes)?;
    rustix::io::ioctl_fionbio(&master, true)?;

    let shell = env.iter().rev().find(|(name, _)| name == "SHELL").map(|(_, shell)| shell.as_str());
    let shell = shell.filter(|shell| std::path::Path::new(shell).is_file()).unwrap_or(inside::shell());
    let mut command = Command::new(shell);
    // A leading hyphen in its name makes it a login shell.
    command.arg0(format!("-{}", shell.rsplit('/').next().unwrap_or(shell)));
    command.env_clear().envs(env.iter().map(|(name, value)| (name, value))).env("TERM", "xterm-256color");
    command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?)).stderr(Stdio::from(slave));
    // SAFETY: only system calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            sys::standard_signals()?;
            rustix::process::setsid()?;
            sys::control_terminal_on_stdin()
        });
    }
    Ok((master, command))
}
