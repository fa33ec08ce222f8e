//! What differs between a container and the wish for it, field by field.

use crate::observe::{Fields, mask};
use crate::plan::FieldChange;
use std::collections::BTreeSet;

/// Every field that differs, by name, with short texts for both sides and secrets masked.
pub(super) fn changes(old: &Fields, new: &Fields) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            old: old.get(name).map(|value| mask(name, value)),
            new: new.get(name).map(|value| mask(name, value)),
        })
        .map(tell_masked_values_apart)
        .collect()
}

/// Two masked values look the same; say that they are not.
fn tell_masked_values_apart(mut change: FieldChange) -> FieldChange {
    if let (Some(old), Some(new)) = (&change.old, &mut change.new)
        && old == new
    {
        new.push_str(" (another value)");
    }
    change
}
