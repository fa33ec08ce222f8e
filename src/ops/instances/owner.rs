//! Whose an instance is: the machine that its folder is on, and, for one that is to be thrown away, the process that it lives
//! as long as.
//!
//! Both are texts in labels, so that whoever finds the containers can tell. What another machine says of itself cannot be
//! looked at from here, and is never taken for dead.

use std::path::Path;

/// Whether somebody is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It is there.
    Alive,
    /// It is gone.
    Dead,
    /// It is of another machine or container, and nobody can say from here.
    Unknown,
}

/// A process, told apart from every other one that is or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pid: i32,
    /// When it began, in ticks since the system did; 0 where the system does not say.
    began: u64,
    /// The namespace that its number counts in.
    namespace: String,
    /// The run of the system.
    boot: String,
}

/// This machine: its name and, where it has one, its id. Containers are machines of their own.
pub fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    format!("{name}/{}", id.trim().get(..8).unwrap_or_default())
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self { pid, began: began(pid).unwrap_or(0), namespace: namespace(), boot: boot() }
    }

    /// Whether it is still there, as seen from here. `host` is its machine's, [`host()`] there.
    pub fn life(&self, host: &str) -> Life {
        if host != self::host() {
            return Life::Unknown;
        }
        if self.boot != boot() {
            return Life::Dead;
        }
        if self.namespace != namespace() {
            return Life::Unknown;
        }
        let Some(pid) = rustix::process::Pid::from_raw(self.pid) else { return Life::Dead };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            return Life::Dead;
        }
        // Its number may have been given to another one.
        match began(self.pid) {
            Some(began) if began != self.began => Life::Dead,
            Some(_) | None => Life::Alive,
        }
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Reads it from a label.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let mut next = || parts.next().map(ToOwned::to_owned);
        let (pid, began) = (next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self { pid, began, namespace: next()?, boot: next()? })
    }
}

/// As the label has it.
impl std::fmt::Display for Owner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pid, began, namespace, boot } = self;
        write!(formatter, "{pid}/{began}/{namespace}/{boot}")
    }
}

/// Whether a project's folder is still there.
pub(super) fn folder(path: &str, host: &str) -> Life {
    match Path::new(path).try_exists() {
        Ok(true) => Life::Alive,
        Ok(false) if host == self::host() => Life::Dead,
        Ok(false) | Err(_) => Life::Unknown,
    }
}

/// The 22nd field of `/proc/PID/stat`; the second one may hold spaces and ends with the last `)`.
fn began(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_ended_does_not() {
        let this = Owner::this();
        assert_eq!(Owner::parse(&this.to_string()), Some(this.clone()));
        assert_eq!(this.life(&host()), Life::Alive);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        child.wait().unwrap();
        let gone = Owner { pid, ..this.clone() };
        assert_eq!(gone.life(&host()), Life::Dead);
        let successor = Owner { began: this.began + 1, ..this.clone() };
        assert_eq!(successor.life(&host()), Life::Dead, "its number is another one's now");
        let rebooted = Owner { boot: "x".to_owned(), ..this.clone() };
        assert_eq!(rebooted.life(&host()), Life::Dead);
        assert_eq!(Owner { namespace: "1".to_owned(), ..this.clone() }.life(&host()), Life::Unknown);
        assert_eq!(this.life("elsewhere/"), Life::Unknown);
    }

    #[test]
    fn a_folder_of_another_machine_is_not_taken_for_gone() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone").display().to_string();
        assert_eq!(self::folder(&folder.path().display().to_string(), "elsewhere/"), Life::Alive);
        assert_eq!(self::folder(&gone, &host()), Life::Dead);
        assert_eq!(self::folder(&gone, "elsewhere/"), Life::Unknown);
    }
}
