//! `stack scale`.

use super::{Context, Failure, run};
use crate::model::ServiceName;
use crate::ops::up::{self, Request};
use crate::plan::Policy;
use crate::ui::LogFormat;
use std::collections::BTreeMap;

/// Set how many containers services have.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack scale web=3              two more, or fewer: the highest numbers go first\n  stack scale --no-deps web=3    leave alone what it depends on"
)]
pub struct Args {
    /// A service and its number of containers.
    #[arg(value_name = "SERVICE=REPLICAS", required = true)]
    replicas: Vec<String>,

    /// Leave out what the services depend on.
    #[arg(long)]
    no_deps: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scale = args.scale()?;
    let services: Vec<String> = scale.keys().map(ToString::to_string).collect();
    let loaded = run::load(context, &services, args.no_deps)?;
    let policy = Policy { selected: scale.keys().cloned().collect(), scale, ..Policy::default() };
    super::up::check_scale(&policy, &loaded)?;
    let request = Request { policy, attach: None };
    run::with_session(context, Some(&loaded), LogFormat::default(), async |session| {
        Box::pin(up::run(session, &loaded, &request)).await
    })
}

impl Args {
    fn scale(&self) -> Result<BTreeMap<ServiceName, u32>, Failure> {
        let mut scale = BTreeMap::new();
        for entry in &self.replicas {
            let Some((service, count)) = entry.split_once('=') else {
                return Err(Failure::message(format!("invalid scale specifier: {entry}"))
                    .hint("it must look like `web=3`"));
            };
            let count = count.parse().map_err(|_not_a_number| {
                Failure::message(format!(
                    "invalid scale specifier: can't parse replica value as int: {entry}"
                ))
                .hint("it must look like `web=3`")
            })?;
            scale.insert(ServiceName::new(service), count);
        }
        Ok(scale)
    }
}
