//! The attributes of the Compose Specification: which keys a mapping may have, and what kind of value each takes.
//!
//! One row an attribute, in the order of the specification's pages. Values are only looked at as far as their kind goes;
//! what a text says (a size, a duration) is the decoder's business.

/// The scalar kinds an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub const NULL: Self = Self(1);
    pub const BOOL: Self = Self(2);
    pub const INT: Self = Self(4);
    /// Any number.
    pub const NUMBER: Self = Self(8);
    pub const TEXT: Self = Self(16);
    /// What a whole number is: good as either kind of number.
    pub const WHOLE: Self = Self(4 | 8);
    /// Neither scalar that an attribute could take.
    pub const NONE: Self = Self(0);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any kind of `other` is among these.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// A scalar of one of the kinds.
    Scalar(Kinds),
    /// A text that the function accepts; the text says which.
    Text(fn(&str) -> bool, &'static str),
    /// A whole number in a range, or text.
    Whole(i64, i64),
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A list without repetition.
    Set(&'static Shape),
    /// A mapping with free keys.
    Map(&'static Shape),
    /// A mapping with free keys that are not empty.
    Keyed(&'static Shape),
    /// A mapping whose keys are names: letters, digits, `.`, `_`, `-`.
    Named(&'static Shape),
    /// A mapping whose keys are names; other keys are let through unchecked, as the reference does.
    Loose(&'static Shape),
    /// A mapping with known keys.
    Object(&'static Object),
    /// One of several.
    Either(&'static [Shape]),
}

/// A mapping with known keys.
#[derive(Debug)]
pub struct Object {
    /// What it is, for messages: `a service`.
    pub what: &'static str,
    pub attributes: &'static [(&'static str, Shape)],
    pub required: &'static [&'static str],
    pub others: Others,
}

/// What keys an [`Object`] may have besides its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// `x-*`.
    Extensions,
    /// None at all.
    None,
    /// Any.
    Any,
}

use Shape::{Any, Either, Keyed, List, Loose, Map, Named, Scalar, Set, Text, Whole, Word};

const fn object(what: &'static str, attributes: &'static [(&'static str, Shape)]) -> Object {
    Object { what, attributes, required: &[], others: Others::Extensions }
}

const fn needing(
    what: &'static str,
    required: &'static [&'static str],
    attributes: &'static [(&'static str, Shape)],
) -> Object {
    Object { what, attributes, required, others: Others::Extensions }
}

const TEXT: Shape = Scalar(Kinds::TEXT);
const BOOL: Shape = Scalar(Kinds::BOOL);
const INT: Shape = Scalar(Kinds::INT);
const NUMBER: Shape = Scalar(Kinds::NUMBER);
const BOOL_TEXT: Shape = Scalar(Kinds::BOOL.or(Kinds::TEXT));
const INT_TEXT: Shape = Scalar(Kinds::INT.or(Kinds::TEXT));
const NUMBER_TEXT: Shape = Scalar(Kinds::NUMBER.or(Kinds::TEXT));
const NULL: Shape = Scalar(Kinds::NULL);
const SIMPLE: Shape = Scalar(Kinds::TEXT.or(Kinds::NUMBER).or(Kinds::BOOL));
const ANY_SCALAR: Shape = Scalar(Kinds::TEXT.or(Kinds::NUMBER).or(Kinds::BOOL).or(Kinds::NULL));
const TEXTS: Shape = List(&TEXT);
const TEXT_SET: Shape = Set(&TEXT);
const TEXT_OR_TEXTS: Shape = Either(&[TEXT, TEXT_SET]);
const PAIRS: Shape = Either(&[Keyed(&ANY_SCALAR), TEXT_SET]);
const HOSTS: Shape = Either(&[Keyed(&Either(&[TEXT, TEXTS])), TEXT_SET]);
const COMMAND: Shape = Either(&[NULL, TEXT, TEXTS]);
const OPTIONS: Shape = Map(&NUMBER_TEXT);

const ULIMIT: Object = needing("a ulimit", &["soft", "hard"], &[("hard", INT_TEXT), ("soft", INT_TEXT)]);
const ULIMITS: Shape = Map(&Either(&[INT_TEXT, Shape::Object(&ULIMIT)]));

const FILE_REFERENCE: Object = object(
    "a reference",
    &[("source", TEXT), ("target", TEXT), ("uid", TEXT), ("gid", TEXT), ("mode", NUMBER_TEXT)],
);
const FILE_REFERENCES: Shape = List(&Either(&[TEXT, Shape::Object(&FILE_REFERENCE)]));

const HOOK: Object = needing(
    "a hook",
    &["command"],
    &[
        ("command", COMMAND),
        ("user", TEXT),
        ("privileged", BOOL_TEXT),
        ("working_dir", TEXT),
        ("environment", PAIRS),
    ],
);
const PRE_START_HOOK: Object = object(
    "a hook",
    &[
        ("command", COMMAND),
        ("image", TEXT),
        ("user", TEXT),
        ("privileged", BOOL_TEXT),
        ("working_dir", TEXT),
        ("environment", PAIRS),
        ("per_replica", BOOL_TEXT),
    ],
);

const BUILD: Object = object(
    "`build`",
    &[
        ("context", TEXT),
        ("dockerfile", TEXT),
        ("dockerfile_inline", TEXT),
        ("entitlements", TEXTS),
        ("args", PAIRS),
        ("ssh", PAIRS),
        ("labels", PAIRS),
        ("cache_from", TEXTS),
        ("cache_to", TEXTS),
        ("no_cache", BOOL_TEXT),
        ("no_cache_filter", TEXT_OR_TEXTS),
        ("additional_contexts", PAIRS),
        ("network", TEXT),
        ("provenance", BOOL_TEXT),
        ("sbom", BOOL_TEXT),
        ("pull", BOOL_TEXT),
        ("target", TEXT),
        ("shm_size", INT_TEXT),
        ("extra_hosts", HOSTS),
        ("isolation", TEXT),
        ("privileged", BOOL_TEXT),
        ("secrets", FILE_REFERENCES),
        ("tags", TEXTS),
        ("ulimits", ULIMITS),
        ("platforms", TEXTS),
    ],
);

const THROTTLE: Object = Object {
    what: "a device limit",
    attributes: &[("path", TEXT), ("rate", INT_TEXT)],
    required: &[],
    others: Others::None,
};
const WEIGHT: Object = Object {
    what: "a device weight",
    attributes: &[("path", TEXT), ("weight", INT_TEXT)],
    required: &[],
    others: Others::None,
};
const BLKIO: Object = Object {
    what: "`blkio_config`",
    attributes: &[
        ("device_read_bps", List(&Shape::Object(&THROTTLE))),
        ("device_read_iops", List(&Shape::Object(&THROTTLE))),
        ("device_write_bps", List(&Shape::Object(&THROTTLE))),
        ("device_write_iops", List(&Shape::Object(&THROTTLE))),
        ("weight", INT_TEXT),
        ("weight_device", List(&Shape::Object(&WEIGHT))),
    ],
    required: &[],
    others: Others::None,
};

const UPDATE: Object = object(
    "an update rule",
    &[
        ("parallelism", INT_TEXT),
        ("delay", TEXT),
        ("failure_action", TEXT),
        ("monitor", TEXT),
        ("max_failure_ratio", NUMBER_TEXT),
        ("order", Word(&["start-first", "stop-first"])),
    ],
);
const DEVICE_REQUEST: Object = needing(
    "a device request",
    &["capabilities"],
    &[
        ("capabilities", TEXT_SET),
        ("count", INT_TEXT),
        ("device_ids", TEXT_SET),
        ("driver", TEXT),
        ("options", PAIRS),
    ],
);
const GPU: Object = Object {
    what: "a GPU request",
    attributes: &[
        ("capabilities", TEXT_SET),
        ("count", INT_TEXT),
        ("device_ids", TEXT_SET),
        ("driver", TEXT),
        ("options", PAIRS),
    ],
    required: &[],
    others: Others::Any,
};
const DISCRETE: Object = object("a discrete resource", &[("kind", TEXT), ("value", NUMBER_TEXT)]);
const GENERIC: Object = object("a generic resource", &[("discrete_resource_spec", Shape::Object(&DISCRETE))]);
const LIMITS: Object = object("`limits`", &[("cpus", NUMBER_TEXT), ("memory", TEXT), ("pids", INT_TEXT)]);
const RESERVATIONS: Object = object(
    "`reservations`",
    &[
        ("cpus", NUMBER_TEXT),
        ("memory", TEXT),
        ("generic_resources", List(&Shape::Object(&GENERIC))),
        ("devices", List(&Shape::Object(&DEVICE_REQUEST))),
    ],
);
const RESOURCES: Object = object(
    "`resources`",
    &[("limits", Shape::Object(&LIMITS)), ("reservations", Shape::Object(&RESERVATIONS))],
);
const RESTART_POLICY: Object = object(
    "`restart_policy`",
    &[("condition", TEXT), ("delay", TEXT), ("max_attempts", INT_TEXT), ("window", TEXT)],
);
const PREFERENCE: Object = object("a placement preference", &[("spread", TEXT)]);
const PLACEMENT: Object = object(
    "`placement`",
    &[
        ("constraints", TEXTS),
        ("preferences", List(&Shape::Object(&PREFERENCE))),
        ("max_replicas_per_node", INT_TEXT),
    ],
);
const DEPLOY: Object = object(
    "`deploy`",
    &[
        ("mode", TEXT),
        ("endpoint_mode", TEXT),
        ("replicas", INT_TEXT),
        ("labels", PAIRS),
        ("rollback_config", Shape::Object(&UPDATE)),
        ("update_config", Shape::Object(&UPDATE)),
        ("resources", Shape::Object(&RESOURCES)),
        ("restart_policy", Shape::Object(&RESTART_POLICY)),
        ("placement", Shape::Object(&PLACEMENT)),
    ],
);

const WATCH: Object = needing(
    "a watch rule",
    &["path", "action"],
    &[
        ("ignore", TEXT_OR_TEXTS),
        ("include", TEXT_OR_TEXTS),
        ("path", TEXT),
        ("action", Word(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"])),
        ("target", TEXT),
        ("exec", Shape::Object(&HOOK)),
        ("initial_sync", BOOL),
    ],
);
const DEVELOP: Object = object("`develop`", &[("watch", List(&Shape::Object(&WATCH)))]);

const CREDENTIAL_SPEC: Object =
    object("`credential_spec`", &[("config", TEXT), ("file", TEXT), ("registry", TEXT)]);
const DEPENDENCY: Object = needing(
    "a dependency",
    &["condition"],
    &[
        ("restart", BOOL_TEXT),
        ("required", BOOL),
        ("condition", Word(&["service_started", "service_healthy", "service_completed_successfully"])),
    ],
);
const DEVICE: Object =
    needing("a device", &["source"], &[("source", TEXT), ("target", TEXT), ("permissions", TEXT)]);
const ENV_FILE: Object = Object {
    what: "an env file",
    attributes: &[("path", TEXT), ("format", TEXT), ("required", BOOL_TEXT)],
    required: &["path"],
    others: Others::None,
};
const EXTENDS: Object = Object {
    what: "`extends`",
    attributes: &[("service", TEXT), ("file", TEXT)],
    required: &["service"],
    others: Others::None,
};
const PROVIDER: Object =
    needing("`provider`", &["type"], &[("type", TEXT), ("options", Map(&Either(&[SIMPLE, List(&SIMPLE)])))]);
const HEALTHCHECK: Object = object(
    "`healthcheck`",
    &[
        ("disable", BOOL_TEXT),
        ("interval", TEXT),
        ("retries", NUMBER_TEXT),
        ("test", Either(&[TEXT, TEXTS])),
        ("timeout", TEXT),
        ("start_period", TEXT),
        ("start_interval", TEXT),
    ],
);
const LOGGING: Object = object(
    "`logging`",
    &[("driver", TEXT), ("options", Map(&Scalar(Kinds::TEXT.or(Kinds::NUMBER).or(Kinds::NULL))))],
);
const SERVICE_MODEL: Object = object("a model reference", &[("endpoint_var", TEXT), ("model_var", TEXT)]);
const SERVICE_NETWORK: Object = object(
    "a network attachment",
    &[
        ("aliases", TEXT_SET),
        ("interface_name", TEXT),
        ("ipv4_address", TEXT),
        ("ipv6_address", TEXT),
        ("link_local_ips", TEXT_SET),
        ("mac_address", TEXT),
        ("driver_opts", OPTIONS),
        ("priority", NUMBER),
        ("gw_priority", NUMBER),
    ],
);
const PORT: Object = object(
    "a port",
    &[
        ("name", TEXT),
        ("mode", TEXT),
        ("host_ip", TEXT),
        ("target", INT_TEXT),
        ("published", INT_TEXT),
        ("protocol", TEXT),
        ("app_protocol", TEXT),
    ],
);
const BIND: Object = object(
    "`bind`",
    &[
        ("propagation", TEXT),
        ("create_host_path", BOOL_TEXT),
        ("recursive", Word(&["enabled", "disabled", "writable", "readonly"])),
        ("selinux", Word(&["z", "Z"])),
    ],
);
const MOUNT_VOLUME: Object =
    object("`volume`", &[("labels", PAIRS), ("nocopy", BOOL_TEXT), ("subpath", TEXT)]);
const MOUNT_TMPFS: Object = object("`tmpfs`", &[("size", Whole(0, i64::MAX)), ("mode", NUMBER_TEXT)]);
const MOUNT_IMAGE: Object = object("`image`", &[("subpath", TEXT)]);
const MOUNT: Object = needing(
    "a volume mount",
    &["type"],
    &[
        ("type", Word(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])),
        ("source", TEXT),
        ("target", TEXT),
        ("read_only", BOOL_TEXT),
        ("consistency", TEXT),
        ("bind", Shape::Object(&BIND)),
        ("volume", Shape::Object(&MOUNT_VOLUME)),
        ("tmpfs", Shape::Object(&MOUNT_TMPFS)),
        ("image", Shape::Object(&MOUNT_IMAGE)),
    ],
);

const SERVICE: Object = object(
    "a service",
    &[
        ("develop", Either(&[Shape::Object(&DEVELOP), NULL])),
        ("deploy", Either(&[Shape::Object(&DEPLOY), NULL])),
        ("annotations", PAIRS),
        ("attach", BOOL_TEXT),
        ("build", Either(&[TEXT, Shape::Object(&BUILD)])),
        ("blkio_config", Shape::Object(&BLKIO)),
        ("cap_add", TEXT_SET),
        ("cap_drop", TEXT_SET),
        ("cgroup", Word(&["host", "private"])),
        ("cgroup_parent", TEXT),
        ("command", COMMAND),
        ("configs", FILE_REFERENCES),
        ("container_name", Text(container_name, "two or more letters, digits, `_`, `.` or `-`")),
        ("cpu_count", Whole(0, i64::MAX)),
        ("cpu_percent", Whole(0, 100)),
        ("cpu_shares", NUMBER_TEXT),
        ("cpu_quota", NUMBER_TEXT),
        ("cpu_period", NUMBER_TEXT),
        ("cpu_rt_period", NUMBER_TEXT),
        ("cpu_rt_runtime", NUMBER_TEXT),
        ("cpus", NUMBER_TEXT),
        ("cpuset", TEXT),
        ("credential_spec", Shape::Object(&CREDENTIAL_SPEC)),
        ("depends_on", Either(&[TEXT_SET, Named(&Shape::Object(&DEPENDENCY))])),
        ("device_cgroup_rules", TEXT_SET),
        ("devices", List(&Either(&[TEXT, Shape::Object(&DEVICE)]))),
        ("dns", TEXT_OR_TEXTS),
        ("dns_opt", TEXT_SET),
        ("dns_search", TEXT_OR_TEXTS),
        ("domainname", TEXT),
        ("entrypoint", COMMAND),
        ("env_file", Either(&[TEXT, List(&Either(&[TEXT, Shape::Object(&ENV_FILE)]))])),
        ("label_file", Either(&[TEXT, TEXTS])),
        ("environment", PAIRS),
        ("expose", Set(&NUMBER_TEXT)),
        ("extends", Either(&[TEXT, Shape::Object(&EXTENDS)])),
        ("provider", Shape::Object(&PROVIDER)),
        ("external_links", TEXT_SET),
        ("extra_hosts", HOSTS),
        ("gpus", Either(&[Word(&["all"]), List(&Shape::Object(&GPU))])),
        ("group_add", Set(&NUMBER_TEXT)),
        ("healthcheck", Shape::Object(&HEALTHCHECK)),
        ("hostname", TEXT),
        ("image", TEXT),
        ("init", BOOL_TEXT),
        ("ipc", TEXT),
        ("isolation", TEXT),
        ("labels", PAIRS),
        ("links", TEXT_SET),
        ("logging", Shape::Object(&LOGGING)),
        ("mac_address", TEXT),
        ("mem_limit", NUMBER_TEXT),
        ("mem_reservation", INT_TEXT),
        ("mem_swappiness", INT_TEXT),
        ("memswap_limit", NUMBER_TEXT),
        ("network_mode", TEXT),
        ("models", Either(&[TEXT_SET, Loose(&Either(&[Shape::Object(&SERVICE_MODEL), NULL]))])),
        ("networks", Either(&[TEXT_SET, Named(&Either(&[Shape::Object(&SERVICE_NETWORK), NULL]))])),
        ("oom_kill_disable", BOOL_TEXT),
        ("oom_score_adj", Whole(-1000, 1000)),
        ("pid", Scalar(Kinds::TEXT.or(Kinds::NULL))),
        ("pids_limit", NUMBER_TEXT),
        ("platform", TEXT),
        ("ports", Set(&Either(&[NUMBER_TEXT, Shape::Object(&PORT)]))),
        ("pre_start", List(&Shape::Object(&PRE_START_HOOK))),
        ("post_start", List(&Shape::Object(&HOOK))),
        ("pre_stop", List(&Shape::Object(&HOOK))),
        ("privileged", BOOL_TEXT),
        ("profiles", TEXT_SET),
        (
            "pull_policy",
            Text(
                pull_policy,
                "`always`, `never`, `missing`, `build`, `daily`, `weekly` or `every_<duration>`",
            ),
        ),
        ("pull_refresh_after", TEXT),
        ("read_only", BOOL_TEXT),
        ("restart", TEXT),
        ("runtime", TEXT),
        ("scale", INT_TEXT),
        ("security_opt", TEXT_SET),
        ("shm_size", NUMBER_TEXT),
        ("secrets", FILE_REFERENCES),
        ("sysctls", PAIRS),
        ("stdin_open", BOOL_TEXT),
        ("stop_grace_period", TEXT),
        ("stop_signal", TEXT),
        ("storage_opt", Map(&Any)),
        ("tmpfs", TEXT_OR_TEXTS),
        ("tty", BOOL_TEXT),
        ("ulimits", ULIMITS),
        ("use_api_socket", BOOL),
        ("user", TEXT),
        ("uts", TEXT),
        ("userns_mode", TEXT),
        ("volumes", Set(&Either(&[TEXT, Shape::Object(&MOUNT)]))),
        ("volumes_from", TEXT_SET),
        ("working_dir", TEXT),
    ],
);

const EXTERNAL: Object = object("`external`", &[("name", TEXT)]);
const OPEN_EXTERNAL: Object =
    Object { what: "`external`", attributes: &[("name", TEXT)], required: &[], others: Others::Any };
const IPAM_POOL: Object = object(
    "an address pool",
    &[("subnet", TEXT), ("ip_range", TEXT), ("gateway", TEXT), ("aux_addresses", Keyed(&TEXT))],
);
const IPAM: Object = object(
    "`ipam`",
    &[("driver", TEXT), ("config", List(&Shape::Object(&IPAM_POOL))), ("options", Keyed(&TEXT))],
);
const NETWORK: Object = object(
    "a network",
    &[
        ("name", TEXT),
        ("driver", TEXT),
        ("driver_opts", OPTIONS),
        ("ipam", Shape::Object(&IPAM)),
        ("external", Either(&[BOOL_TEXT, Shape::Object(&EXTERNAL)])),
        ("internal", BOOL_TEXT),
        ("enable_ipv4", BOOL_TEXT),
        ("enable_ipv6", BOOL_TEXT),
        ("attachable", BOOL_TEXT),
        ("labels", PAIRS),
    ],
);
const VOLUME: Object = object(
    "a volume",
    &[
        ("name", TEXT),
        ("driver", TEXT),
        ("driver_opts", OPTIONS),
        ("external", Either(&[BOOL_TEXT, Shape::Object(&EXTERNAL)])),
        ("labels", PAIRS),
    ],
);
const SECRET: Object = object(
    "a secret",
    &[
        ("name", TEXT),
        ("environment", TEXT),
        ("file", TEXT),
        ("external", Either(&[BOOL_TEXT, Shape::Object(&OPEN_EXTERNAL)])),
        ("labels", PAIRS),
        ("driver", TEXT),
        ("driver_opts", OPTIONS),
        ("template_driver", TEXT),
    ],
);
const CONFIG: Object = object(
    "a config",
    &[
        ("name", TEXT),
        ("content", TEXT),
        ("environment", TEXT),
        ("file", TEXT),
        ("external", Either(&[BOOL_TEXT, Shape::Object(&OPEN_EXTERNAL)])),
        ("labels", PAIRS),
        ("template_driver", TEXT),
    ],
);
const MODEL: Object = needing(
    "a model",
    &["model"],
    &[("name", TEXT), ("model", TEXT), ("context_size", INT), ("runtime_flags", TEXTS)],
);
const INCLUDE: Object = Object {
    what: "an include",
    attributes: &[("path", TEXT_OR_TEXTS), ("env_file", TEXT_OR_TEXTS), ("project_directory", TEXT)],
    required: &[],
    others: Others::None,
};

/// A stack file.
pub const FILE: Object = object(
    "a stack file",
    &[
        ("version", TEXT),
        ("name", TEXT),
        ("include", List(&Either(&[TEXT, Shape::Object(&INCLUDE)]))),
        ("services", Named(&Shape::Object(&SERVICE))),
        ("models", Loose(&Shape::Object(&MODEL))),
        ("networks", Loose(&Either(&[Shape::Object(&NETWORK), NULL]))),
        ("volumes", Named(&Either(&[Shape::Object(&VOLUME), NULL]))),
        ("secrets", Named(&Shape::Object(&SECRET))),
        ("configs", Named(&Shape::Object(&CONFIG))),
    ],
);

/// The attributes of a request for GPUs.
pub fn gpu_attributes() -> impl Iterator<Item = &'static str> {
    GPU.attributes.iter().map(|(attribute, _)| *attribute)
}

/// The attributes of a service, to tell where a misplaced one belongs.
pub fn is_service_attribute(name: &str) -> bool {
    SERVICE.attributes.iter().any(|(attribute, _)| *attribute == name)
}

/// Anywhere in the text, as the reference's schema has it.
fn container_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).any(|pair| {
        matches!(pair, [first, second] if first.is_ascii_alphanumeric()
            && (second.is_ascii_alphanumeric() || matches!(second, b'_' | b'.' | b'-')))
    })
}

/// Anywhere in the text, as the reference's schema has it.
fn pull_policy(text: &str) -> bool {
    let words = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"];
    words.iter().any(|word| text.contains(word))
        || text.match_indices("every_").any(|(at, every)| {
            let rest = text.get(at + every.len()..).unwrap_or_default();
            let unit = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            unit.len() < rest.len() && unit.starts_with(['w', 'd', 'h', 'm', 's'])
        })
}
