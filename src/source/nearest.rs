//! The known name that a mistyped one most likely meant.

/// How many names are looked at: thousands of mistakes among thousands of names would take minutes.
const MAX_NAMES: usize = 500;

/// The nearest of `names`, when it is near enough to be what was meant: at most a third of its letters differ.
pub fn nearest<'name>(mistyped: &str, names: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
    let wanted: Vec<char> = mistyped.to_lowercase().replace('-', "_").chars().collect();
    let (distance, name) = names
        .into_iter()
        .take(MAX_NAMES)
        .map(|name| {
            let known: Vec<char> = name.to_lowercase().replace('-', "_").chars().collect();
            (distance(&wanted, &known), name)
        })
        .min_by_key(|(distance, _)| *distance)?;
    let limit = (wanted.len().max(name.chars().count()) / 3).max(1);
    (distance <= limit).then_some(name)
}

/// Letters to insert, remove or replace, or neighbours to swap, to get from one word to the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in other.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX / 2);
            let replaced = cell(&above, column) + usize::from(left != right);
            let mut best = replaced.min(cell(&above, column + 1) + 1).min(cell(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && one.get(row - 1) == Some(right)
                && other.get(column - 1) == Some(left);
            if swapped {
                best = best.min(cell(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["image", "environment", "ports", "port_range", "depends_on"];
        assert_eq!(nearest("imgae", names), Some("image"));
        assert_eq!(nearest("enviroment", names), Some("environment"));
        assert_eq!(nearest("depends-on", names), Some("depends_on"));
        assert_eq!(nearest("port", names), Some("ports"));
        assert_eq!(nearest("flavour", names), None);
    }
}
