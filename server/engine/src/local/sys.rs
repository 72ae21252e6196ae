//! The few system calls that neither the standard library nor one line of rustix covers, to keep `unsafe` in few places.
//!
//! Deliberately absent: any knowledge of sessions.

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{SystemTime, UNIX_EPOCH};
use types::time::Millis;

/// The largest message between a supervisor and its init, in bytes: the command, the environment and a little more.
pub(crate) const LARGEST_MESSAGE: usize = 128 << 10;

/// Returns the current time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Turns `signals` into events of a descriptor. Children inherit the blocking, so they call [`standard_signals`] before exec.
pub(crate) fn signals(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is used, and the new descriptor belongs to nobody else.
    unsafe {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed().assume_init();
        check(libc::sigemptyset(&mut set))?;
        for signal in signals {
            check(libc::sigaddset(&mut set, *signal))?;
        }
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))?;
        Ok(OwnedFd::from_raw_fd(check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?))
    }
}

/// Returns the next pending signal of a descriptor made by [`signals`].
pub(crate) fn next_signal(fd: &OwnedFd) -> Option<libc::c_int> {
    let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
    let read = rustix::io::read(fd, &mut info[..]).ok()?;
    let number = info.first_chunk::<4>().filter(|_| read == info.len())?;
    i32::try_from(u32::from_ne_bytes(*number)).ok()
}

/// Unblocks every signal. Async-signal-safe: for use between fork and exec.
pub(crate) fn standard_signals() -> io::Result<()> {
    // SAFETY: as in `signals`.
    unsafe {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed().assume_init();
        check(libc::sigemptyset(&mut set))?;
        check(libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut())).map(drop)
    }
}

/// Makes orphans among this process's descendants its children, instead of init's.
pub(crate) fn become_subreaper() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Prevents this process and its children from gaining privileges by executing a program, including set-user-id programs.
pub(crate) fn no_new_privileges() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}

/// Keeps other processes of the same user from inspecting this one or taking its descriptors. Exec undoes this for children.
pub(crate) fn keep_to_oneself() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) }).map(drop)
}

/// Drops root's capabilities, so that the next executed program has none. Where they cannot be dropped, there are none to drop.
pub(crate) fn drop_capabilities() {
    for capability in 0..64 {
        // SAFETY: takes no pointers. It fails beyond the last capability and where CAP_SETPCAP is missing.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
}

/// Switches to another user for good, without any of the previous user's groups.
pub(crate) fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: an empty list of groups needs no memory; the others take numbers.
    unsafe {
        check(libc::setgroups(0, std::ptr::null()))?;
        check(libc::setgid(gid))?;
        check(libc::setuid(uid)).map(drop)
    }
}

/// Marks every descriptor from 3 on to be closed at exec.
pub(crate) fn close_on_exec_from_3() {
    // SAFETY: takes no pointers. A kernel without this call (before 5.11) keeps the marks that std and rustix have set.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Closes every descriptor from 3 on, whoever owns it: for a process that was cloned and uses none of them.
pub(crate) fn close_from_3() {
    // SAFETY: takes no pointers; nothing that owns one of the descriptors is used or dropped afterwards.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0) };
}

/// Lets a descriptor survive exec. Async-signal-safe: for use between fork and exec.
pub(crate) fn keep_over_exec(fd: i32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }).map(drop)
}

/// Makes the terminal on standard input the controlling one. Async-signal-safe.
pub(crate) fn control_terminal_on_stdin() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) }).map(drop)
}

/// Limits the private writable memory of each process. Async-signal-safe.
pub(crate) fn limit_data(bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the pointer is to a value that lives through the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) }).map(drop)
}

/// Waits for the end of a child.
pub(crate) fn wait(pid: i32) -> io::Result<ExitStatus> {
    loop {
        match rustix::process::waitpid(rustix::process::Pid::from_raw(pid), rustix::process::WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the socket that the parent passed as standard input, and leaves `/dev/null` there.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    let null = std::fs::File::open("/dev/null")?;
    // SAFETY: nobody else owns the duplicate.
    let taken = unsafe { OwnedFd::from_raw_fd(check(libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3))?) };
    // SAFETY: takes no pointers; standard input is replaced by an open descriptor, never left closed.
    check(unsafe { libc::dup2(null.as_raw_fd(), 0) })?;
    Ok(taken)
}

/// Locks a whole file for as long as its descriptor, or a copy of it, is open. Returns false when somebody else holds the lock.
///
/// This is an open-file-description lock and not flock, because it can be checked without taking it for a moment.
pub(crate) fn try_lock(file: impl AsFd) -> io::Result<bool> {
    let lock = whole_file();
    // SAFETY: the pointer is to a value that lives through the call.
    match check(unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_OFD_SETLK, &lock) }) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns whether somebody else holds the lock of a file.
pub(crate) fn is_locked(file: impl AsFd) -> io::Result<bool> {
    let mut lock = whole_file();
    // SAFETY: as in `try_lock`.
    check(unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_OFD_GETLK, &mut lock) })?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Creates two connected sockets that preserve message boundaries.
pub(crate) fn message_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message, with a descriptor if one is to be passed.
pub(crate) fn send(socket: impl AsFd, text: &str, fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<BorrowedFd<'_>> = fd.into_iter().collect();
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&fds));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for one message. Returns `None` when the other side is gone.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Option<(String, Option<OwnedFd>)>> {
    let mut text = vec![0u8; LARGEST_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            other => break other?,
        }
    };
    let mut fd = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            fd = fds.last();
        }
    }
    text.truncate(received.bytes);
    Ok((received.bytes > 0).then(|| (String::from_utf8_lossy(&text).into_owned(), fd)))
}
