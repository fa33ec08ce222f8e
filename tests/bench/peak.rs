//! How much memory a program held at most.

use std::process::Command;

/// Runs a program to its end: the most memory that it, or a process that it waited for, had resident; in bytes.
/// `None` where the system does not tell.
#[expect(clippy::zombie_processes, reason = "`wait4` is what waits")]
pub fn memory(command: &mut Command) -> Option<f64> {
    let child = command.spawn().expect("the program starts");
    let id = libc::pid_t::try_from(child.id()).expect("a process id");
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "the one way to what a single child used")]
    // SAFETY: both pointers are to live values of the right types, and nobody else waits for this child.
    let usage = unsafe {
        if libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) != id {
            return None;
        }
        usage.assume_init()
    };
    assert_eq!(status, 0, "{command:?} failed");
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1.0 } else { 1024.0 };
    Some(f64::from(u32::try_from(usage.ru_maxrss).ok()?) * unit)
}
