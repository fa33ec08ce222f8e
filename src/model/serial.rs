//! Small pieces that the serde attributes of the model name.

/// Whether a value is its type's default, and so is left out of the output (the reference's `omitempty`).
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
