//! The system calls that no process of a session may make: those that change namespaces, mounts, kernel and clock, and those with
//! which faults of the kernel are usually reached.
//!
//! They are refused with `EPERM`, as they would be without the privileges they need. `clone3` is refused with `ENOSYS`: a filter
//! cannot look at its flags, and programs then use `clone`, whose flags it can see.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::io;

const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// The first number of the system calls of x32: the same calls as others, of the same architecture, by other numbers.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// Refuses all system calls of x32, which the list would not recognize.
#[cfg(target_arch = "x86_64")]
fn without_x32() -> BpfProgram {
    use seccompiler::sock_filter;
    let instruction = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    vec![
        // The number of the call is the first field of what a filter looks at.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// Applies the filter to this process and to every process that it starts. It must have given up new privileges before.
pub(crate) fn apply() -> io::Result<()> {
    let failed = |error: seccompiler::Error| io::Error::other(format!("the filter of system calls failed: {error}"));
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| failed(error.into()))?;
    let refused = REFUSED.iter().map(|call| (*call, Vec::new())).chain([(libc::SYS_clone, vec![new_namespace()?])]);
    for (calls, error) in [(refused.collect(), libc::EPERM), (BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)] {
        let answer = SeccompAction::Errno(error.unsigned_abs());
        let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, arch).map_err(|error| failed(error.into()))?;
        let program = BpfProgram::try_from(filter).map_err(|error| failed(error.into()))?;
        seccompiler::apply_filter(&program).map_err(failed)?;
    }
    #[cfg(target_arch = "x86_64")]
    seccompiler::apply_filter(&without_x32()).map_err(failed)?;
    Ok(())
}

/// A `clone` that asks for a user namespace, in which it would have every privilege.
fn new_namespace() -> io::Result<SeccompRule> {
    let flag = u64::from(libc::CLONE_NEWUSER.unsigned_abs());
    SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|error| io::Error::other(format!("the filter of system calls failed: {error}")))
}
