//! Tables as the docker command line lays them out: columns padded with blanks, no rules.

use unicode_width::UnicodeWidthStr;

/// Lays out a table: every cell but the last of a row is padded to its column's width, at least `minimum`, plus three
/// blanks of distance.
pub fn table(header: &[&str], rows: &[Vec<String>], minimum: usize) -> String {
    laid_out(header, rows, minimum, 3)
}

/// The same with another distance.
pub fn laid_out(header: &[&str], rows: &[Vec<String>], minimum: usize, distance: usize) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&header).chain(rows) {
        for (position, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if position + 1 < row.len() {
                let width = widths.get(position).copied().unwrap_or(0);
                let padded = (width + distance).max(minimum);
                text.extend(std::iter::repeat_n(' ', padded.saturating_sub(cell.width())));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_three_blanks() {
        let rows = vec![
            vec!["p-web-1".to_owned(), "Up".to_owned()],
            vec!["p-database-1".to_owned(), "Exited".to_owned()],
        ];
        assert_eq!(
            table(&["NAME", "STATUS"], &rows, 10),
            "NAME           STATUS\np-web-1        Up\np-database-1   Exited\n"
        );
    }

    #[test]
    fn narrow_columns_are_padded_to_the_minimum() {
        assert_eq!(
            table(&["NAME", "STATUS"], &[vec!["p".to_owned(), "x".to_owned()]], 20),
            "NAME                STATUS\np                   x\n"
        );
    }
}
