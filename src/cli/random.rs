//! Names that nobody has had before: the standard library seeds its hashers at random.

use std::hash::{BuildHasher, Hasher, RandomState};

fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// 64 hexadecimal digits.
pub fn digits() -> String {
    (0..4).map(|_| format!("{:016x}", number())).collect()
}

/// Five letters and digits, for people to type: hard to hit twice among the few that are there at once.
pub fn letters() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut number = number();
    let mut text = String::new();
    for _ in 0..5 {
        let letter = usize::try_from(number % 32).ok().and_then(|index| LETTERS.get(index));
        text.extend(letter.map(|letter| char::from(*letter)));
        number /= 32;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (digits(), digits());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_ne!(one.get(..16), one.get(16..32));
        assert!(letters().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(letters(), letters());
    }
}
