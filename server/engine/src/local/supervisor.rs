//! The process that accompanies a session: it starts the session, keeps its log and measurements, ends it, and records how it
//! ended.
//!
//! It outlives the server, which finds it again by the lock it holds. If it is killed itself (SIGKILL, a crash of the machine),
//! the engine settles the session when it next reads the folder. Deliberately absent: threads, and any decision that the engine
//! can make beforehand (see `layout::Plan`).

use super::cgroup::{Group, Hierarchies};
use super::client::Client;
use super::init::{END, Report};
use super::isolation::{Isolation, container};
use super::launch;
use super::layout::{self, Exit, Folder, Plan, Running};
use super::{log, sys, tree, usage};
use crate::{Launch, Stop};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Signal;
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use types::sessions::{Outcome, Usage};

/// The message to the engine that started it: this supervisor has taken the session.
pub(crate) const MINE: &str = "supervised\n";
/// The message to every connected engine: the session is running.
pub(crate) const RUNNING: &str = "running\n";
/// The answer to a request for a terminal when none can be opened.
const REFUSED: &str = "refused\n";
/// The time that processes get to end when the supervisor itself is asked to end.
const OWN_GRACE: Duration = Duration::from_secs(5);
/// Bytes of output that are kept to explain why nothing was started.
const LONGEST_REASON: usize = 1_000;
/// The pause before a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The body of the hidden subcommand `supervise`; returns the exit code of the process.
pub fn supervise(folder: &Path) -> i32 {
    match run(folder) {
        Ok(()) => 0,
        Err(error) => {
            log_own(format_args!("the supervisor failed: {error}"));
            1
        }
    }
}

/// Writes a line to the supervisor's own log. Unlike `eprintln!`, it does not panic when the disk is full.
fn log_own(what: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "{} {what}", sys::now().iso());
}

fn run(path: &Path) -> io::Result<()> {
    // Leaves the server's terminal and process group. This cannot fail: the process was just forked and leads no group.
    let _ = rustix::process::setsid();
    sys::close_on_exec_from_3();
    let signals = sys::signals(&[libc::SIGTERM, libc::SIGINT, libc::SIGHUP])?;
    sys::become_subreaper()?;
    // The lock gets the lowest descriptor: it is closed first when this process dies, before anybody notices the death.
    let path = path.canonicalize()?;
    let folder = Folder::at(&path);
    let lock = folder.lock_file()?;
    let starter = UnixStream::from(sys::take_stdin()?);
    std::env::set_current_dir(&path)?;
    if !sys::try_lock(&lock)? || folder.has(layout::EXIT) || folder.has(layout::STARTED) {
        return Ok(());
    }
    // For whoever must end it because it does not answer. Without it, only that is impossible.
    // An earlier one that started nothing may have left a longer number.
    let _ = lock.set_len(0);
    let _ = (&lock).write_all(std::process::id().to_string().as_bytes());
    let plan: Plan = folder.read_json(layout::SPEC)?.ok_or(io::ErrorKind::NotFound)?;
    // An existing socket was left by a supervisor that died before it started anything.
    if folder.has(layout::CONTROL) {
        std::fs::remove_file(layout::CONTROL)?;
    }
    // A short relative name, because a socket's path has at most 107 bytes.
    let listener = UnixListener::bind(layout::CONTROL)?;
    listener.set_nonblocking(true)?;
    let mut clients = vec![Client::new(starter)?];
    clients.iter_mut().for_each(|client| client.say(MINE));
    let groups =
        if plan.isolation == Isolation::Container { Hierarchies::find(folder.sessions()) } else { Hierarchies::default() };

    // From here on an order to stop cannot be missed: if the file was written before the socket existed, it is read now; if it is
    // written later, its writer finds the socket.
    let stopped = std::fs::read_to_string(layout::STOP).is_ok();
    folder.mark(layout::STARTED)?;
    let mut memory_kills = 0;
    let outcome = if stopped {
        Outcome::Signalled(libc::SIGTERM)
    } else {
        let group = groups.group(plan.id);
        groups.join_supervisors(true);
        let outcome = match Supervisor::launch(&folder, &plan, &group, &groups) {
            Ok(mut session) => {
                // Not earlier, because this is slow in the kernel; the session starts meanwhile.
                groups.join_supervisors(false);
                session.watch(&signals, &listener, &mut clients)
            }
            Err(error) => Outcome::NotStarted(error.to_string()),
        };
        memory_kills = group.oom_kills();
        // A start that failed half-way may have left something as well.
        group.kill();
        group.remove();
        outcome
    };
    let exit = Exit { outcome, at: sys::now(), memory_kills };
    // The disk may be full, often because of this session. Only this process knows how it ended: it keeps the lock and retries.
    while let Err(error) = folder.write_json(layout::EXIT, &exit) {
        if !path.exists() {
            // Somebody removed the session's folder: there is nothing left to record it in.
            return Ok(());
        }
        log_own(format_args!("{}: {error}", layout::EXIT));
        std::thread::sleep(AGAIN);
    }
    folder.forget_env();
    // Closing their connections makes the engines read the session's state.
    drop((clients, listener));
    // Last, because it can take a while. Symbolic links below it are not followed.
    for left in [layout::TMP, container::STATE] {
        let _ = std::fs::remove_dir_all(left);
    }
    let _ = std::fs::remove_file(layout::CONTROL);
    Ok(())
}

/// A session that has been spawned.
struct Supervisor<'a> {
    folder: &'a Folder,
    plan: &'a Plan,
    group: &'a Group,
    /// The outermost process, a child of this one.
    pid: i32,
    link: OwnedFd,
    output: PipeReader,
    /// Whether the session still has its output open.
    output_open: bool,
    log: log::Writer,
    recorder: usage::Recorder,
    /// Whether the last measurement could not be written.
    unrecorded: bool,
    /// The content of `running.json`, as long as it still has to be written.
    running: Option<Running>,
    started: bool,
    /// The output before the start, which explains a failed start.
    reason: Vec<u8>,
    report: Option<Report>,
    /// Set after an order to stop: the session is killed at this time.
    deadline: Option<Instant>,
    /// Whether there was an order to stop.
    asked: bool,
}

impl<'a> Supervisor<'a> {
    fn launch(folder: &'a Folder, plan: &'a Plan, group: &'a Group, groups: &Hierarchies) -> io::Result<Self> {
        let log = log::Writer::create(&folder.file(layout::LOG), plan.log_limit)?;
        let recorder = usage::Recorder::create(&folder.file(layout::USAGE))?;
        // Last, because a failure after this would leave a process behind.
        let launched = launch::launch(folder, plan, groups)?;
        Ok(Self {
            folder,
            plan,
            group,
            pid: launched.pid,
            link: launched.link,
            output: launched.output,
            output_open: true,
            log,
            recorder,
            unrecorded: false,
            running: None,
            started: false,
            reason: Vec::new(),
            report: None,
            deadline: None,
            asked: false,
        })
    }

    /// Serves the session until it has ended and none of its processes is left.
    fn watch(&mut self, signals: &OwnedFd, listener: &UnixListener, clients: &mut Vec<Client>) -> Outcome {
        let mut measure = Instant::now() + Duration::from_secs(1);
        loop {
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                self.kill();
                // Not again at once: processes that cannot die now will not die in the next moment either.
                self.deadline = Some(now + Duration::from_secs(5));
            }
            if measure <= now {
                self.measure();
                self.write_running();
                measure = now + Duration::from_secs(1);
            }
            let until = self.deadline.map_or(measure, |deadline| deadline.min(measure)).saturating_duration_since(now);

            let mut fds = vec![
                PollFd::new(signals, PollFlags::IN),
                PollFd::new(listener, PollFlags::IN),
                PollFd::new(&self.link, PollFlags::IN),
            ];
            fds.extend(clients.iter().map(|client| PollFd::new(&client.stream, PollFlags::IN)));
            if self.output_open {
                fds.push(PollFd::new(&self.output, PollFlags::IN));
            }
            // Rounded up, so that the time has passed when it wakes up.
            let timeout = Timespec::try_from(until + Duration::from_millis(1)).ok();
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => log_own(format_args!("poll: {error}")),
            }
            let events: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            let event = |at: usize| events.get(at).copied().unwrap_or(false);
            let output = self.output_open && events.last().copied().unwrap_or(false);

            if output {
                self.read_output(1);
            }
            if event(0) {
                self.hear_signals(signals);
            }
            if event(2) && !self.hear_init(clients) {
                return self.end();
            }
            let waiting = (0..clients.len()).map(|at| event(3 + at)).collect::<Vec<_>>();
            self.serve(clients, &waiting);
            if event(1) {
                while let Ok((stream, _)) = listener.accept() {
                    if let Ok(mut client) = Client::new(stream) {
                        if self.started {
                            client.say(RUNNING);
                        }
                        clients.push(client);
                    }
                }
            }
        }
    }

    fn hear_signals(&mut self, signals: &OwnedFd) {
        while let Some(signal) = sys::next_signal(signals) {
            // The other signals come from terminals, which do not concern a supervisor.
            if signal == libc::SIGTERM {
                self.stop(Stop::Gently(OWN_GRACE));
            }
        }
    }

    /// Handles a message from the init. Returns false when the init is gone.
    fn hear_init(&mut self, clients: &mut [Client]) -> bool {
        let Ok(Some((text, _))) = sys::receive(&self.link) else { return false };
        match serde_json::from_str(&text) {
            Ok(Report::Started) => {
                self.started = true;
                self.running = Some(Running { pid: self.pid.unsigned_abs(), since: sys::now() });
                self.write_running();
                clients.iter_mut().for_each(|client| client.say(RUNNING));
                if self.asked {
                    let _ = sys::send(&self.link, END, None);
                }
            }
            Ok(report) => self.report = Some(report),
            Err(error) => log_own(format_args!("the init sent an unreadable message {text:?}: {error}")),
        }
        true
    }

    /// Records that the session is running. Called again until this has worked.
    fn write_running(&mut self) {
        let Some(running) = &self.running else { return };
        match self.folder.write_json(layout::RUNNING, running) {
            Ok(()) => self.running = None,
            Err(error) => log_own(format_args!("{}: {error}", layout::RUNNING)),
        }
    }

    fn serve(&mut self, clients: &mut Vec<Client>, waiting: &[bool]) {
        let mut waiting = waiting.iter().copied();
        clients.retain_mut(|client| {
            if !waiting.next().unwrap_or(false) {
                return true;
            }
            let (lines, open) = client.lines();
            for line in lines {
                if let Some(order) = line.strip_prefix("stop ") {
                    self.stop(layout::stop_order(order));
                } else if line.starts_with("terminal ") {
                    if self.started && self.plan.launch.what == Launch::Interactive {
                        // From now on the connection belongs to the init.
                        return sys::send(&self.link, &line, Some(client.stream.as_fd())).is_err();
                    }
                    client.say(REFUSED);
                }
            }
            open
        });
    }

    fn stop(&mut self, how: Stop) {
        let grace = match how {
            Stop::Gently(grace) => grace,
            Stop::Now => Duration::ZERO,
        };
        let deadline = Instant::now() + grace;
        // A second order can only make the end sooner.
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        if !self.asked && !grace.is_zero() && self.started {
            let _ = sys::send(&self.link, END, None);
        }
        self.asked = true;
    }

    /// Kills every process of the session that can be found now.
    fn kill(&mut self) {
        if !self.group.kill() || self.plan.isolation != Isolation::Container {
            tree::signal_below(Signal::KILL);
        }
    }

    fn measure(&mut self) {
        let measured = self.group.measure().unwrap_or_else(|| {
            let processes = tree::descendants(std::process::id().cast_signed());
            Usage {
                at: sys::now(),
                cpu_ms: processes.iter().map(|process| process.cpu_ms).sum(),
                mem: processes.iter().map(|process| process.mem).sum(),
                processes: u32::try_from(processes.len()).unwrap_or(u32::MAX),
            }
        });
        let processes = measured.processes.saturating_sub(self.plan.isolation.own_processes());
        match self.recorder.add(Usage { processes, ..measured }) {
            Ok(()) => self.unrecorded = false,
            Err(error) => {
                // Logged only once, because a full disk stays full for a while.
                if !std::mem::replace(&mut self.unrecorded, true) {
                    log_own(format_args!("{}: {error}", layout::USAGE));
                }
            }
        }
    }

    /// Moves output to the log, at most this many pieces.
    fn read_output(&mut self, pieces: usize) {
        let mut piece = vec![0; 64 << 10];
        for _ in 0..pieces {
            match self.output.read(&mut piece) {
                Ok(0) => self.output_open = false,
                Ok(read) => {
                    let bytes = &piece[..read];
                    if !self.started && self.reason.len() < LONGEST_REASON {
                        self.reason.extend(bytes.iter().take(LONGEST_REASON));
                    }
                    if let Err(error) = self.log.write(bytes) {
                        // The disk is full. The session's output is still read, so it never blocks; the log goes on when it can.
                        log_own(format_args!("{}: {error}", layout::LOG));
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.output_open = false,
            }
            return;
        }
    }

    /// Handles the end of the init: kills the remaining processes, and returns how the session ended.
    fn end(&mut self) -> Outcome {
        self.measure();
        tree::signal(self.pid, Signal::KILL);
        let status = sys::wait(self.pid);
        // Processes that have escaped the first one, which only plain ones can.
        self.group.kill();
        tree::kill_below();
        // All writers are dead, so at most one pipe's content is left, unless a process escaped.
        self.read_output(64);
        if self.started {
            if let Some(Report::Failed(why)) = &self.report {
                log_own(format_args!("the init failed: {why}"));
            }
        } else if self.asked {
            return Outcome::Signalled(libc::SIGTERM);
        } else {
            return Outcome::NotStarted(self.why_not(status));
        }
        let outcome = match &self.report {
            Some(Report::Exited(code)) => Outcome::Exited(*code),
            Some(Report::Signalled(signal)) => Outcome::Signalled(*signal),
            // The init itself was killed, by us or because memory ran out.
            _ => Outcome::Signalled(libc::SIGKILL),
        };
        // Only of the command itself: one that survives the death of a child has an end of its own, which the count goes with.
        let killed = outcome == Outcome::Signalled(libc::SIGKILL) && !self.asked;
        if killed && self.group.oom_kills() > 0 { Outcome::OutOfMemory } else { outcome }
    }

    fn why_not(&self, status: io::Result<ExitStatus>) -> String {
        if let Some(Report::Failed(why)) = &self.report {
            return why.clone();
        }
        let said = String::from_utf8_lossy(&self.reason);
        match (said.trim(), status) {
            ("", Ok(status)) if self.group.oom_kills() > 0 => format!("there is not enough memory to start ({status})"),
            ("", Ok(status)) => format!("its first process ended immediately ({status})"),
            ("", Err(error)) => error.to_string(),
            (said, _) => said.to_owned(),
        }
    }
}
