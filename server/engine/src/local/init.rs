//! The first process inside a session: it runs the command or the terminals' shells, reaps the processes they leave behind, and
//! ends everything else when it ends.
//!
//! It listens only to the socket that its supervisor passed as standard input. When that closes, the supervisor is gone and the
//! session ends. Deliberately absent: isolation and limits, which are in place before this process exists.

use super::isolation::seccomp;
use super::shell::Shell;
use super::{inside, sys, tree};
use crate::Launch;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The supervisor's order to ask every process to end.
pub(crate) const END: &str = "end";

/// The first message from the supervisor to its init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The user and group ids to switch to.
    pub user: Option<(u32, u32)>,
    /// The initial working directory of the session's processes, as they see it.
    pub directory: PathBuf,
    pub what: Launch,
    /// The whole environment of the session's processes.
    pub env: Vec<(String, String)>,
}

/// A message from the init to its supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The command runs, or terminals can be opened.
    Started,
    /// Nothing was started, for this reason.
    Failed(String),
    /// The command exited with this code.
    Exited(i32),
    /// The command was ended by this signal.
    Signalled(i32),
}

/// The body of the hidden subcommand `session-init`, which runs in bubblewrap or as a plain process; returns the exit code.
pub fn session_init() -> i32 {
    sys::close_on_exec_from_3();
    // Without privileges of its own a process may only filter what it gives up privileges for.
    if let Err(error) = sys::no_new_privileges().and_then(|()| seccomp::apply()) {
        eprintln!("{error}");
        return 1;
    }
    run_session()
}

/// The work of the first process inside, whose supervisor is on its standard input.
pub(crate) fn run_session() -> i32 {
    let link = match sys::take_stdin() {
        Ok(link) => link,
        Err(error) => {
            eprintln!("the session's first process has no supervisor: {error}");
            return 1;
        }
    };
    match Init::begin(&link).and_then(|init| init.map_or(Ok(0), Init::run)) {
        Ok(code) => code,
        Err(error) => {
            report(&link, &Report::Failed(error.to_string()));
            1
        }
    }
}

fn report(link: &OwnedFd, report: &Report) {
    if let Ok(text) = serde_json::to_string(report) {
        // If the supervisor is gone, the loop notices it.
        let _ = sys::send(link, &text, None);
    }
}

/// Writes a line to the session's log.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{} {text}", sys::now().iso());
}

struct Init<'a> {
    link: &'a OwnedFd,
    signals: OwnedFd,
    setup: Setup,
    /// The command's process, until it is reaped.
    main: Option<i32>,
    shells: Vec<Shell>,
    /// Whether every process was asked to end.
    ending: bool,
    /// Whether this is process 1 of a pid namespace, so that every other process is below it.
    first: bool,
}

impl<'a> Init<'a> {
    /// Applies the supervisor's setup and starts the command. Returns `None` when the supervisor is gone.
    fn begin(link: &'a OwnedFd) -> io::Result<Option<Self>> {
        let Some((text, _)) = sys::receive(link)? else { return Ok(None) };
        let setup: Setup = serde_json::from_str(&text)?;
        if let Some((uid, gid)) = setup.user {
            sys::become_user(uid, gid)?;
        } else if rustix::process::geteuid().is_root() {
            sys::drop_capabilities();
        }
        sys::keep_to_oneself()?;
        // Not before this point: root without its capabilities may not enter another user's home.
        std::env::set_current_dir(&setup.directory)
            .map_err(|error| io::Error::other(format!("could not enter {}: {error}", setup.directory.display())))?;
        let first = rustix::process::getpid().is_init();
        if !first {
            sys::become_subreaper()?;
        }
        let signals = sys::signals(&[libc::SIGCHLD])?;
        let main = match &setup.what {
            Launch::Interactive => None,
            Launch::Batch(command) => Some(spawn(command, &setup.env)?),
        };
        report(link, &Report::Started);
        if main.is_none() {
            say("The session is ready; terminals can be opened.");
        }
        Ok(Some(Self { link, signals, setup, main, shells: Vec::new(), ending: false, first }))
    }

    fn run(mut self) -> io::Result<i32> {
        loop {
            let events = self.wait()?;
            let mut events = events.into_iter();
            let mut next = || events.next().unwrap_or((PollFlags::empty(), PollFlags::empty()));
            let ((signal, _), (message, _)) = (next(), next());
            for shell in &mut self.shells {
                let (connection, master) = next();
                shell.serve(connection, master);
            }
            if !signal.is_empty() && self.reap() {
                return Ok(self.finish());
            }
            if !message.is_empty() && !self.obey()? {
                return Ok(self.finish());
            }
            self.shells.retain(|shell| {
                if shell.is_over() {
                    shell.hang_up();
                    say("A terminal was closed.");
                }
                !shell.is_over()
            });
        }
    }

    /// Waits for something to do. Returns the events of the signals, the supervisor and every shell's (connection, terminal).
    fn wait(&self) -> io::Result<Vec<(PollFlags, PollFlags)>> {
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(self.link, PollFlags::IN)];
        let mut counts = vec![1, 1];
        for shell in &self.shells {
            let interest = shell.interest();
            counts.push(interest.len());
            fds.extend(interest.into_iter().map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)));
        }
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = fds.iter().map(PollFd::revents);
        let mut next = || found.next().unwrap_or(PollFlags::empty());
        Ok(counts.into_iter().map(|count| (next(), if count > 1 { next() } else { PollFlags::empty() })).collect())
    }

    /// Reaps every process that has ended. Returns true when this ends the session.
    fn reap(&mut self) -> bool {
        while sys::next_signal(&self.signals).is_some() {}
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let pid = pid.as_raw_nonzero().get();
                    if self.main == Some(pid) {
                        self.main = None;
                        let end = status.terminating_signal().map(Report::Signalled);
                        report(self.link, &end.unwrap_or(Report::Exited(status.exit_status().unwrap_or(-1))));
                        // Its remaining processes end with it, unless all were asked to end and still have time.
                        if !self.ending {
                            return true;
                        }
                    }
                    for shell in &mut self.shells {
                        if shell.ended(pid) {
                            say("A terminal's shell has ended.");
                        }
                    }
                }
                Ok(None) => return false,
                Err(Errno::INTR) => {}
                // No children are left.
                Err(_) => return self.ending,
            }
        }
    }

    /// Follows an order from the supervisor. Returns false when the session is over.
    fn obey(&mut self) -> io::Result<bool> {
        let Some((text, fd)) = sys::receive(self.link)? else { return Ok(false) };
        let mut words = text.split_whitespace();
        match (words.next(), fd) {
            (Some(END), _) => {
                self.ending = true;
                say("Terminating the session.");
                self.signal(Signal::TERM);
                // An interactive shell ignores SIGTERM and ends when its terminal does. A stopped process reacts to neither.
                self.shells.iter().for_each(Shell::hang_up);
                self.signal(Signal::CONT);
                Ok(!self.reap())
            }
            (Some("terminal"), Some(connection)) => {
                let mut number = |otherwise| words.next().and_then(|word| word.parse().ok()).unwrap_or(otherwise);
                let (columns, rows) = (number(80), number(24));
                let copy = connection.as_fd().try_clone_to_owned()?;
                match Shell::open(connection, columns, rows, &self.setup.env) {
                    Ok(shell) => {
                        self.shells.push(shell);
                        say("A terminal was opened.");
                    }
                    Err(error) => {
                        let _ = rustix::io::write(&copy, format!("refused {error}\n").as_bytes());
                    }
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    fn signal(&self, signal: Signal) {
        if self.first {
            // Every process except this one. Outside a pid namespace that would be half the machine.
            // SAFETY: takes no pointers.
            unsafe { libc::kill(-1, signal.as_raw()) };
        } else {
            tree::signal_below(signal);
        }
    }

    /// Ends every process that is left. In a pid namespace the kernel does this when this process ends.
    fn finish(self) -> i32 {
        if self.ending && self.setup.what == Launch::Interactive {
            // All processes ended in time, as they were asked to.
            report(self.link, &Report::Exited(0));
        }
        if !self.first {
            tree::kill_below();
        }
        0
    }
}

/// Runs the command of a batch session.
fn spawn(command: &str, env: &[(String, String)]) -> io::Result<i32> {
    let mut shell = Command::new(inside::shell());
    shell.arg("-c").arg(command).env_clear().envs(env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    shell.arg0(inside::shell_name());
    // SAFETY: only system calls that are safe between fork and exec.
    unsafe {
        shell.pre_exec(|| {
            sys::standard_signals()?;
            // A session of its own, so that a signal to its process group stays in it.
            rustix::process::setsid()?;
            Ok(())
        });
    }
    Ok(shell.spawn()?.id().cast_signed())
}
