//! What the commands that need no engine do with whole projects.

#[cfg(test)]
mod artifact;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod graph;
mod help;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod remote_up;
#[cfg(test)]
mod report;
#[cfg(test)]
mod same;
