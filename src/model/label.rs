//! The labels by which tools that know Compose know a project's containers, networks and volumes.

/// Project name.
pub const PROJECT: &str = "com.docker.compose.project";
/// Service key.
pub const SERVICE: &str = "com.docker.compose.service";
/// Version of the tool that made it.
pub const VERSION: &str = "com.docker.compose.version";
/// Project directory.
pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
/// Stack files, comma separated.
pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// `--env-file` arguments, comma separated; only with that flag.
pub const ENVIRONMENT_FILE: &str = "com.docker.compose.project.environment_file";
/// `True` on containers of `run`, `False` on others.
pub const ONEOFF: &str = "com.docker.compose.oneoff";
/// Hash of the definition.
pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// Replica number; absent on one-offs.
pub const CONTAINER_NUMBER: &str = "com.docker.compose.container-number";
/// `service:condition:restart`, comma separated.
pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// Digest of the image it was created from.
pub const IMAGE: &str = "com.docker.compose.image";
/// Id of the container it was created to replace.
pub const REPLACE: &str = "com.docker.compose.replace";
/// Random part of a one-off's name.
pub const SLUG: &str = "com.docker.compose.slug";
/// Network key.
pub const NETWORK: &str = "com.docker.compose.network";
/// Volume key.
pub const VOLUME: &str = "com.docker.compose.volume";
/// The hook a helper container was made for.
pub const HOOK: &str = "com.docker.compose.hook";

/// Hashes of the contents of the configs and secrets a container was given: `config:KEY=hash,secret:KEY=hash`. Ours; the
/// config hash says only which files, not what is in them.
pub const CONTENTS: &str = "dev.stack.contents";
/// Hash of what of a definition can only be changed by a new container. Ours: two equal ones prove that what else differs
/// can change in place.
pub const BASE_HASH: &str = "dev.stack.base-hash";
/// On the network that keeps what containers were changed to in place: the project.
pub const NOTES: &str = "dev.stack.notes";
/// On the same: counts up.
pub const NOTES_GENERATION: &str = "dev.stack.notes.generation";
/// On the same, before a container's id: the hash of the definition it was changed to; empty while it is being changed.
pub const NOTE: &str = "dev.stack.note.";
/// On the network that says that a container's `post_start` hooks have not all run: the project.
pub const HOOKS: &str = "dev.stack.hooks";
/// On the same: the container's id.
pub const HOOKS_OF: &str = "dev.stack.hooks.container";
/// On a volume that keeps the data of another one while that is replaced: the other's name.
pub const MOVES: &str = "dev.stack.moves";
/// On a container that deletes in another one: the project that this one is of.
pub const DELETES_FOR: &str = "dev.stack.deletes-for";
/// On what belongs to an instance: the instance's name.
pub const INSTANCE: &str = "dev.stack.instance";
/// On the same: the project it is an instance of.
pub const INSTANCE_OF: &str = "dev.stack.instance.of";
/// On the same: the machine whose folders and processes it belongs to.
pub const INSTANCE_HOST: &str = "dev.stack.instance.host";
/// On the same, for one that is to be thrown away: the process it lives as long as.
pub const INSTANCE_OWNER: &str = "dev.stack.instance.owner";
/// On a volume of the same that holds nothing: it is to be kept, although its owner is gone.
pub const INSTANCE_KEPT: &str = "dev.stack.instance.kept";
/// On its containers: the host ports that the fixed ones became, `8080=20123,5432=24004`.
pub const INSTANCE_PORTS: &str = "dev.stack.instance.ports";
/// What all labels of our own begin with.
pub const OWN: &str = "dev.stack.";

/// The value of [`VERSION`]: the Compose release whose labels, names and hashes these are.
pub const COMPATIBLE_VERSION: &str = "5.5.0";
