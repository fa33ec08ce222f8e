//! How single values are read and written where the plain derive would not do: named by the serde attributes of the
//! model.

use super::Ulimit;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Whether a value is its type's default, and so is left out of the output (the reference's `omitempty`).
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Describes a type that is written by hand as another type, for the schema.
macro_rules! schema_as {
    ($type:ty, $other:ty) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other>::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$other>::json_schema(generator)
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}
pub(super) use schema_as;

schema_as!(Ulimit, BTreeMap<String, i64>);

/// `extra_hosts`: name → addresses in the model, a sorted list of `name=address` outside.
pub(super) mod hosts {
    use super::{
        BTreeMap, Deserialize, Deserializer, MapAccess, SeqAccess, Serialize, Serializer, Visitor, de, fmt,
    };

    /// Writes the list.
    pub fn serialize<S: Serializer>(
        hosts: &BTreeMap<String, Vec<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        lines(hosts).serialize(serializer)
    }

    /// `name=address` lines in the order in which they are written.
    fn lines(hosts: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let mut lines: Vec<String> = hosts
            .iter()
            .flat_map(|(name, addresses)| addresses.iter().map(move |address| format!("{name}={address}")))
            .collect();
        lines.sort();
        lines
    }

    /// Reads a mapping of a name to one address or several, or lines of `name=address` or `name:address`.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
        deserializer.deserialize_any(HostsVisitor)
    }

    struct HostsVisitor;

    impl<'de> Visitor<'de> for HostsVisitor {
        type Value = BTreeMap<String, Vec<String>>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of `name=address` or a mapping of names to addresses")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut hosts = BTreeMap::new();
            while let Some(line) = items.next_element::<HostLine>()? {
                let addresses: &mut Vec<String> = hosts.entry(line.name).or_default();
                addresses.push(line.address);
            }
            Ok(hosts)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut hosts = BTreeMap::new();
            while let Some((name, Addresses(addresses))) = entries.next_entry()? {
                hosts.insert(name, addresses.iter().map(|address| bare(address)).collect());
            }
            Ok(hosts)
        }
    }

    /// An IPv6 address may stand in brackets; the engine takes it bare.
    fn bare(address: &str) -> String {
        let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(address).to_owned()
    }

    struct HostLine {
        name: String,
        address: String,
    }

    impl<'de> Deserialize<'de> for HostLine {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            let (name, address) = text.split_once('=').or_else(|| text.split_once(':')).ok_or_else(|| {
                de::Error::custom(format_args!("`{text}` has no address|expected `name=address`"))
            })?;
            Ok(Self { name: name.to_owned(), address: bare(address) })
        }
    }

    struct Addresses(Vec<String>);

    impl<'de> Deserialize<'de> for Addresses {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(AddressesVisitor)
        }
    }

    struct AddressesVisitor;

    impl<'de> Visitor<'de> for AddressesVisitor {
        type Value = Addresses;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an address or a list of addresses")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Addresses, E> {
            Ok(Addresses(vec![text.to_owned()]))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Addresses, A::Error> {
            let mut addresses = Vec::new();
            while let Some(address) = items.next_element()? {
                addresses.push(address);
            }
            Ok(Addresses(addresses))
        }
    }
}

/// File mode bits of configs and secrets: a number as it is, text as octal; written as octal text.
pub(super) mod mode {
    use super::{Deserializer, Serializer, Visitor, de, fmt};

    /// Writes `"0440"`.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        clippy::ref_option,
        reason = "the signature that serde asks for"
    )]
    pub fn serialize<S: Serializer>(mode: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        match mode {
            Some(mode) => serializer.collect_str(&format_args!("0{mode:o}")),
            None => serializer.serialize_none(),
        }
    }

    /// Reads `0440`, `288` or `"0440"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
        deserializer.deserialize_any(ModeVisitor).map(Some)
    }

    struct ModeVisitor;

    impl Visitor<'_> for ModeVisitor {
        type Value = u32;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("file mode bits such as `0440`")
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<u32, E> {
            u32::try_from(value).map_err(|_error| E::invalid_value(de::Unexpected::Signed(value), &self))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u32, E> {
            u32::from_str_radix(text, 8).map_err(|_error| {
                E::custom(format_args!(
                    "`{text}` is not an octal number|expected file mode bits such as `0440`"
                ))
            })
        }
    }
}

/// File mode bits of a tmpfs: only ever a number, since text could mean decimal or octal.
pub(super) fn bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer.deserialize_any(BitsVisitor)
}

struct BitsVisitor;

impl Visitor<'_> for BitsVisitor {
    type Value = u32;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number such as `0755`, without quotes")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u32, E> {
        u32::try_from(value).map_err(|_error| E::invalid_value(de::Unexpected::Signed(value), &self))
    }
}

/// A list of texts and whole numbers, where a fraction or a boolean has no meaning.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<WholeText>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|text| text.0).collect())
}

/// A mapping whose values are texts, whole numbers or nothing.
pub(super) fn text_values<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let texts = BTreeMap::<String, WholeText>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|(key, text)| (key, text.0)).collect())
}

struct WholeText(String);

impl<'de> Deserialize<'de> for WholeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeTextVisitor)
    }
}

struct WholeTextVisitor;

impl Visitor<'_> for WholeTextVisitor {
    type Value = WholeText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text or a whole number")
    }

    fn visit_unit<E: de::Error>(self) -> Result<WholeText, E> {
        Ok(WholeText(String::new()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<WholeText, E> {
        Ok(WholeText(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<WholeText, E> {
        Ok(WholeText(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WholeText, E> {
        Ok(WholeText(text.to_owned()))
    }
}

/// A number of devices: `all` is `-1`.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_any(CountVisitor)
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = i64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`all` or a whole number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(-1);
        }
        text.parse().map_err(|_error| {
            E::custom(format_args!("`{text}` is not a number of devices|expected `all` or a whole number"))
        })
    }
}

impl Serialize for Ulimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        if self.single != 0 {
            return serializer.serialize_i64(self.single);
        }
        let mut limits = serializer.serialize_struct("Ulimit", 2)?;
        limits.serialize_field("soft", &self.soft)?;
        limits.serialize_field("hard", &self.hard)?;
        limits.end()
    }
}

impl<'de> Deserialize<'de> for Ulimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UlimitVisitor)
    }
}

struct UlimitVisitor;

impl<'de> Visitor<'de> for UlimitVisitor {
    type Value = Ulimit;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number, or `soft` and `hard`")
    }

    fn visit_i64<E: de::Error>(self, single: i64) -> Result<Ulimit, E> {
        Ok(Ulimit { single, ..Ulimit::default() })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ulimit, E> {
        let single = text.parse().map_err(|_error| E::invalid_type(de::Unexpected::Str(text), &self))?;
        Ok(Ulimit { single, ..Ulimit::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Ulimit, A::Error> {
        let mut limits = Ulimit::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "soft" => limits.soft = entries.next_value()?,
                "hard" => limits.hard = entries.next_value()?,
                extension if extension.starts_with("x-") => {
                    entries.next_value::<de::IgnoredAny>()?;
                }
                _ => return Err(de::Error::unknown_field(&key, &["soft", "hard"])),
            }
        }
        Ok(limits)
    }
}
