//! The order of keys in the reference's YAML: natural, so that `web2` stands before `web10`.

use std::cmp::Ordering;

/// Compares keys the way the reference's YAML encoder sorts them.
///
/// Common text is skipped; at the first difference numbers compare by value, letters stand before other characters
/// unless digits came just before, and everything else compares by code point.
pub fn natural_order(left: &str, right: &str) -> Ordering {
    let mut digits_before = String::new();
    let mut after_digit = false;
    let mut left_rest = left.chars();
    let mut right_rest = right.chars();
    loop {
        let (left_at, right_at) = (left_rest.clone(), right_rest.clone());
        match (left_rest.next(), right_rest.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(same), Some(other)) if same == other => {
                after_digit = same.is_numeric();
                if after_digit {
                    digits_before.push(same);
                } else {
                    digits_before.clear();
                }
            }
            (Some(a), Some(b)) => {
                return match (a.is_alphabetic(), b.is_alphabetic()) {
                    (true, true) => a.cmp(&b),
                    // `a1b` before `a1-`, but `ab` after `a-`.
                    (true, false) => {
                        if after_digit {
                            Ordering::Less
                        } else {
                            Ordering::Greater
                        }
                    }
                    (false, true) => {
                        if after_digit {
                            Ordering::Greater
                        } else {
                            Ordering::Less
                        }
                    }
                    (false, false) => {
                        let significant = digits_before.chars().any(|digit| digit != '0');
                        let lead = u8::from((a == '0' || b == '0') && significant);
                        number(left_at.as_str(), lead)
                            .cmp(&number(right_at.as_str(), lead))
                            .then_with(|| a.cmp(&b))
                    }
                };
            }
        }
    }
}

/// The value of the digits that a text starts with, and how many there are. `lead` is a digit that counts before them.
fn number(text: &str, lead: u8) -> (u128, usize) {
    let mut value = u128::from(lead);
    let mut count = 0;
    for digit in text.chars().map_while(|letter| letter.to_digit(10)) {
        value = value.saturating_mul(10).saturating_add(digit.into());
        count += 1;
    }
    (value, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: &[&str]) {
        let mut sorted = expect.to_vec();
        sorted.reverse();
        sorted.sort_by(|left, right| natural_order(left, right));
        assert_eq!(sorted, expect);
    }

    #[test]
    fn numbers_in_keys_are_ordered_by_value() {
        check(&["web", "web1", "web2", "web10", "web010"]);
        check(&["a1b", "a1-", "a2"]);
    }

    #[test]
    fn other_characters_stand_before_letters_and_capitals_before_small_ones() {
        check(&["_a", "A", "A_B", "AB", "a", "a-b", "ab"]);
    }
}
