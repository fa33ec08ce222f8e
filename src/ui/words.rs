//! The words for what happens, as scripts grep for them: `Container p-web-1 Created`.

use crate::event::{Subject, Verb, WatchDeed};

/// While it is being done.
pub(super) fn working(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Creating",
        Verb::Recreate => "Recreate",
        Verb::Update => "Updating",
        Verb::Start => "Starting",
        Verb::Stop => "Stopping",
        Verb::Restart => "Restarting",
        Verb::Kill => "Killing",
        Verb::Remove => "Removing",
        Verb::Rename => "Renaming",
        Verb::Pause => "Pausing",
        Verb::Unpause => "Unpausing",
        Verb::Pull => "Pulling",
        Verb::Build => "Building",
        Verb::Push => "Pushing",
        Verb::Copy => "Copying",
        Verb::Commit => "Committing",
        Verb::Export => "Exporting",
        Verb::Connect => "Connecting",
        Verb::Disconnect => "Disconnecting",
        Verb::WaitRunning | Verb::WaitHealthy | Verb::WaitCompleted => "Waiting",
        Verb::Hook => "Running hook",
        Verb::Provide => "Providing",
        Verb::Prepare => "Preparing",
        Verb::Lock => "Waiting for another run",
        Verb::BringUp => "Bringing up",
        Verb::Command => "Running",
        Verb::TakeDown => "Taking down",
    }
}

/// Once it is done.
pub(super) fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Created",
        Verb::Recreate => "Recreated",
        Verb::Update => "Updated",
        Verb::Start | Verb::WaitRunning => "Started",
        Verb::Stop => "Stopped",
        Verb::Restart => "Restarted",
        Verb::Kill => "Killed",
        Verb::Remove => "Removed",
        Verb::Rename => "Renamed",
        Verb::Pause => "Paused",
        Verb::Unpause => "Unpaused",
        Verb::Pull => "Pulled",
        Verb::Build => "Built",
        Verb::Push => "Pushed",
        Verb::Copy => "Copied",
        Verb::Commit => "Committed",
        Verb::Export => "Exported",
        Verb::Connect => "Connected",
        Verb::Disconnect => "Disconnected",
        Verb::WaitHealthy => "Healthy",
        Verb::WaitCompleted => "Exited",
        Verb::Hook => "Hook done",
        Verb::Provide => "Provided",
        Verb::Prepare | Verb::BringUp => "Ready",
        Verb::Lock => "Free",
        Verb::Command => "Ended",
        Verb::TakeDown => "Gone",
    }
}

/// What was done after files had changed: `Synced 3 files in 12 ms (src/a.py, src/b.py, …)`.
pub(super) fn watched(deed: WatchDeed, count: usize, paths: &[String], took_ms: u64) -> String {
    let what = match deed {
        WatchDeed::Sync => "Synced",
        WatchDeed::Rebuild => "Rebuilt",
        WatchDeed::Restart => "Restarted",
        WatchDeed::Exec => "Ran its command",
        WatchDeed::Reload => "Reloaded",
    };
    let after = match deed {
        WatchDeed::Sync | WatchDeed::Reload => "",
        WatchDeed::Rebuild | WatchDeed::Restart | WatchDeed::Exec => " after",
    };
    let files = match count {
        0 => String::new(),
        1 => format!("{after} 1 file"),
        count => format!("{after} {count} files"),
    };
    let more = if count > paths.len() { ", …" } else { "" };
    let names = if paths.is_empty() { String::new() } else { format!(" ({}{more})", paths.join(", ")) };
    format!("{what}{files} in {took_ms} ms{names}")
}

/// What an event is about, as a row begins.
pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Project(name) => format!("Project {name}"),
        Subject::Network(name) => format!("Network {name}"),
        Subject::Model(name) => format!("Model {name}"),
        Subject::Volume(name) => format!("Volume {name}"),
        Subject::Image(name) => format!("Image {name}"),
        Subject::Container(name) => format!("Container {name}"),
        Subject::Service(name) => format!("Service {name}"),
    }
}
