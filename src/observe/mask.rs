//! Values as people may see them: short, and hidden where their name says that they are secret.

use serde_json::Value;

/// The longest text that is shown whole.
const LONGEST: usize = 80;

/// A field's value for a plan's reasons.
pub fn mask(field: &str, value: &Value) -> String {
    if is_secret(field) {
        return "********".to_owned();
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Null => "(from the image)".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let text = text.replace('\n', "⏎");
    if text.chars().count() > LONGEST {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    } else {
        text
    }
}

/// Whether an attribute's name says that its value is secret.
pub fn is_secret(field: &str) -> bool {
    const WORDS: [&str; 9] =
        ["PASSWORD", "PASSWD", "PASS", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "APIKEY", "KEY"];
    let Some((section, name)) = field.split_once('.') else { return false };
    if !matches!(section, "environment" | "labels" | "build") {
        return false;
    }
    let name = name.to_ascii_uppercase();
    // Addresses such as `postgres://user:password@host` are hidden by their usual names.
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.clone().any(|word| WORDS.contains(&word))
        || WORDS[..4].iter().any(|word| name.contains(word))
        || name.ends_with("_DSN")
        || name.ends_with("DATABASE_URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_by_their_names() {
        for (field, secret) in [
            ("environment.POSTGRES_PASSWORD", true),
            ("environment.db_pass", true),
            ("environment.API_KEY", true),
            ("environment.GITHUB_TOKEN", true),
            ("environment.DATABASE_URL", true),
            ("environment.MONKEY", false),
            ("environment.LOG_LEVEL", false),
            ("image", false),
            ("healthcheck.test", false),
        ] {
            assert_eq!(is_secret(field), secret, "{field}");
        }
        assert_eq!(mask("environment.TOKEN", &Value::from("abc")), "********");
    }

    #[test]
    fn long_values_are_cut_and_lists_read_as_lists() {
        assert_eq!(mask("command", &serde_json::json!(["a", "b"])), "[a, b]");
        assert_eq!(mask("image", &Value::from("x".repeat(200))).chars().count(), LONGEST);
    }
}
