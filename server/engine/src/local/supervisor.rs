//! The process beside a session: it starts it, keeps its log and its measurements, ends it, and writes down how it ended.
//!
//! It outlives the server and is found again by the lock it holds. Everything it does not survive itself (SIGKILL, the machine's
//! end) is settled by the engine's next look at the folder. Deliberately absent: any thread, and any decision that the engine can
//! make before it (see `layout::Plan`).

use super::cgroup::{Group, Hierarchies};
use super::client::Client;
use super::init::{END, Report};
use super::launch::launch;
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
use std::process::Child;
use std::time::{Duration, Instant};
use types::sessions::{Outcome, Usage};

/// What the engine that started it is told: the session is this supervisor's.
pub(crate) const MINE: &str = "supervised\n";
/// What every engine that is connected is told.
pub(crate) const RUNNING: &str = "running\n";
/// The answer to who asks for a terminal where there is none.
const REFUSED: &str = "refused\n";
/// The time that processes get when the supervisor itself is asked to end.
const OWN_GRACE: Duration = Duration::from_secs(5);
/// Bytes of output that explain why nothing was started.
const LONGEST_REASON: usize = 1_000;
/// What could not be written is tried again after this long.
const AGAIN: Duration = Duration::from_secs(1);

/// The body of the hidden subcommand `supervise`; returns the exit code of the process.
pub fn supervise(folder: &Path) -> i32 {
    match run(folder) {
        Ok(()) => 0,
        Err(error) => {
            note(format_args!("the supervisor failed: {error}"));
            1
        }
    }
}

/// Says something in the supervisor's own log. It must not end a session when the disk is full, as `eprintln!` would.
fn note(what: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "{} {what}", sys::now().iso());
}

fn run(path: &Path) -> io::Result<()> {
    // Away from the server's terminal and process group. It cannot fail: this process was just forked and leads nothing.
    let _ = rustix::process::setsid();
    sys::close_on_exec_from_3();
    let signals = sys::signals(&[libc::SIGTERM, libc::SIGINT, libc::SIGHUP])?;
    sys::become_subreaper()?;
    // The lowest descriptor of all is the lock: it is closed first when this process dies, before anybody hears of that.
    let path = path.canonicalize()?;
    let folder = Folder::at(&path);
    let lock = folder.lock_file()?;
    let starter = UnixStream::from(sys::take_stdin()?);
    std::env::set_current_dir(&path)?;
    if !sys::try_lock(&lock)? || folder.has(layout::EXIT) || folder.has(layout::STARTED) {
        return Ok(());
    }
    let plan: Plan = folder.read_json(layout::SPEC)?.ok_or(io::ErrorKind::NotFound)?;
    // One that is there was left by a supervisor that died before it started anything.
    if folder.has(layout::CONTROL) {
        std::fs::remove_file(layout::CONTROL)?;
    }
    // A short name, relative: a socket's path has at most 107 bytes.
    let listener = UnixListener::bind(layout::CONTROL)?;
    listener.set_nonblocking(true)?;
    let mut clients = vec![Client::new(starter)?];
    clients.iter_mut().for_each(|client| client.say(MINE));
    let groups = if plan.cgroups { Hierarchies::find() } else { Hierarchies::default() };

    // From here on there are two ways to be told to stop, and one is always open: whoever wrote this file before the socket was
    // there is heard now, and whoever writes it later finds the socket.
    let stopped = std::fs::read_to_string(layout::STOP).is_ok();
    folder.mark(layout::STARTED)?;
    let outcome = if stopped {
        Outcome::Signalled(libc::SIGTERM)
    } else {
        let mut group = groups.group(plan.id);
        group.create(&plan.launch);
        let outcome = match Supervisor::launch(&folder, &plan, &group, &groups) {
            Ok(mut session) => {
                // Not before: the kernel takes its time, and the session is starting meanwhile.
                groups.join_supervisors();
                session.watch(&signals, &listener, &mut clients)
            }
            Err(error) => Outcome::NotStarted(error.to_string()),
        };
        group.remove();
        outcome
    };
    let exit = Exit { outcome, at: sys::now() };
    // A disk may be full, often by this session itself: how it ended is known here and nowhere else. The lock stays held meanwhile.
    while let Err(error) = folder.write_json(layout::EXIT, &exit) {
        note(format_args!("{}: {error}", layout::EXIT));
        std::thread::sleep(AGAIN);
    }
    folder.forget_env();
    // The end of their connections tells the engines to look.
    drop((clients, listener));
    // After that, because it can take a while. Nothing below it is followed out of the folder.
    let _ = std::fs::remove_dir_all(layout::TMP);
    let _ = std::fs::remove_file(layout::CONTROL);
    Ok(())
}

/// A session that was spawned.
struct Supervisor<'a> {
    folder: &'a Folder,
    plan: &'a Plan,
    group: &'a Group,
    child: Child,
    link: OwnedFd,
    output: PipeReader,
    /// The session still has its output open.
    output_open: bool,
    log: Option<log::Writer>,
    recorder: usage::Recorder,
    /// The last measurement could not be written.
    unrecorded: bool,
    /// That it runs, while it is not written down yet.
    running: Option<Running>,
    started: bool,
    /// What it printed before it started: why it did not.
    reason: Vec<u8>,
    report: Option<Report>,
    /// It was told to stop, and is killed at this time.
    deadline: Option<Instant>,
    /// An order to stop came before there was anybody to pass it to.
    asked: bool,
}

impl<'a> Supervisor<'a> {
    fn launch(folder: &'a Folder, plan: &'a Plan, group: &'a Group, groups: &Hierarchies) -> io::Result<Self> {
        let log = log::Writer::create(&folder.file(layout::LOG), plan.log_limit)?;
        let recorder = usage::Recorder::create(&folder.file(layout::USAGE))?;
        // Last: what fails after it would leave a process behind.
        let launched = launch(folder, plan, group, groups)?;
        Ok(Self {
            folder,
            plan,
            group,
            child: launched.child,
            link: launched.link,
            output: launched.output,
            output_open: true,
            log: Some(log),
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

    /// Serves the session until it has ended and nothing of it is left.
    fn watch(&mut self, signals: &OwnedFd, listener: &UnixListener, clients: &mut Vec<Client>) -> Outcome {
        let mut measure = Instant::now() + Duration::from_secs(1);
        loop {
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                self.kill();
                // Once: what cannot die now cannot be helped by trying again at once.
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
            // Rounded up, so that the time has come when it wakes.
            let timeout = Timespec::try_from(until + Duration::from_millis(1)).ok();
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => note(format_args!("poll: {error}")),
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
            // The others belong to terminals, which a supervisor has nothing to do with.
            if signal == libc::SIGTERM {
                self.stop(Stop::Gently(OWN_GRACE));
            }
        }
    }

    /// Hears the init out; false when it is gone.
    fn hear_init(&mut self, clients: &mut [Client]) -> bool {
        let Ok(Some((text, _))) = sys::receive(&self.link) else { return false };
        match serde_json::from_str(&text) {
            Ok(Report::Started) => {
                self.started = true;
                self.running = Some(Running { pid: self.child.id(), since: sys::now() });
                self.write_running();
                clients.iter_mut().for_each(|client| client.say(RUNNING));
                if self.asked {
                    let _ = sys::send(&self.link, END, None);
                }
            }
            Ok(report) => self.report = Some(report),
            Err(error) => note(format_args!("the init said {text:?}: {error}")),
        }
        true
    }

    /// Writes down that the session runs, until that has worked.
    fn write_running(&mut self) {
        let Some(running) = &self.running else { return };
        match self.folder.write_json(layout::RUNNING, running) {
            Ok(()) => self.running = None,
            Err(error) => note(format_args!("{}: {error}", layout::RUNNING)),
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
                        // The connection is the init's from now on.
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
        // A second order can only make it sooner.
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        if !self.asked && !grace.is_zero() && self.started {
            let _ = sys::send(&self.link, END, None);
        }
        self.asked = true;
    }

    /// Kills every process of the session that can be found now.
    fn kill(&mut self) {
        if self.group.is_empty() || !self.group.kill() {
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
                // Said once: a full disk stays full for a while.
                if !std::mem::replace(&mut self.unrecorded, true) {
                    note(format_args!("{}: {error}", layout::USAGE));
                }
            }
        }
    }

    /// Moves output to the log, at most this many pieces of it.
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
                    if let Some(log) = &mut self.log
                        && let Err(error) = log.write(bytes)
                    {
                        // A full disk: the session goes on without a log, and its output is still taken off its hands.
                        note(format_args!("{}: {error}", layout::LOG));
                        self.log = None;
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

    /// The init is gone: takes the rest with it, and says how the session ended.
    fn end(&mut self) -> Outcome {
        self.measure();
        let all_dead = !self.group.is_empty() && self.group.kill();
        if !all_dead {
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        if !all_dead {
            tree::kill_below();
        }
        // Everybody who could write is dead; what is left is what fits in a pipe, unless somebody escaped.
        self.read_output(64);
        if self.started {
            if let Some(Report::Failed(why)) = &self.report {
                note(format_args!("the init failed: {why}"));
            }
        } else if self.asked {
            return Outcome::Signalled(libc::SIGTERM);
        } else {
            return Outcome::NotStarted(self.why_not(status));
        }
        let outcome = match &self.report {
            Some(Report::Exited(code)) => Outcome::Exited(*code),
            Some(Report::Signalled(signal)) => Outcome::Signalled(*signal),
            // The init itself was killed, by us or for memory.
            _ => Outcome::Signalled(libc::SIGKILL),
        };
        // One process of many may have been killed for memory while the command went on and ended well.
        let ended_badly = outcome != Outcome::Exited(0) && !self.asked;
        if ended_badly && self.group.oom_kills() > 0 { Outcome::OutOfMemory } else { outcome }
    }

    fn why_not(&self, status: io::Result<std::process::ExitStatus>) -> String {
        if let Some(Report::Failed(why)) = &self.report {
            return why.clone();
        }
        let said = String::from_utf8_lossy(&self.reason);
        match (said.trim(), status) {
            ("", Ok(status)) if self.group.oom_kills() > 0 => format!("the memory is too small to start in ({status})"),
            ("", Ok(status)) => format!("its first process ended at once ({status})"),
            ("", Err(error)) => error.to_string(),
            (said, _) => said.to_owned(),
        }
    }
}
