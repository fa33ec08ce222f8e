//! The words for what happens, as scripts grep for them: `Container p-web-1 Created`.

use crate::event::{Subject, Verb};

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
        Verb::Connect => "Connecting",
        Verb::Disconnect => "Disconnecting",
        Verb::WaitRunning | Verb::WaitHealthy | Verb::WaitCompleted => "Waiting",
        Verb::Hook => "Running hook",
        Verb::Provide => "Providing",
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
        Verb::Connect => "Connected",
        Verb::Disconnect => "Disconnected",
        Verb::WaitHealthy => "Healthy",
        Verb::WaitCompleted => "Exited",
        Verb::Hook => "Hook done",
        Verb::Provide => "Provided",
    }
}

/// What an event is about, as a row begins.
pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Project(name) => format!("Project {name}"),
        Subject::Network(name) => format!("Network {name}"),
        Subject::Volume(name) => format!("Volume {name}"),
        Subject::Image(name) => format!("Image {name}"),
        Subject::Container(name) => format!("Container {name}"),
        Subject::Service(name) => format!("Service {name}"),
    }
}
