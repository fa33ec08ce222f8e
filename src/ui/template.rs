//! `--format` of what lists things: a table, JSON, or a template of Go's `text/template`, with the functions that the docker
//! command adds to it.
//! <https://docs.docker.com/engine/cli/formatting/>

use super::table::table;
use gotmpl::{MissingKey, Template, TemplateError, Value};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

/// How rows are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RowFormat {
    /// Columns under their titles.
    #[default]
    Table,
    /// An object a line.
    Json,
    /// A template for each row.
    Template(String),
    /// The same, laid out in columns under titles: `table {{.Name}}\t{{.Status}}`.
    TableTemplate(String),
}

impl FromStr for RowFormat {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "" | "table" => Self::Table,
            "json" => Self::Json,
            _ => match text.strip_prefix("table ") {
                Some(template) => Self::TableTemplate(unescaped(template)),
                None => Self::Template(unescaped(text)),
            },
        })
    }
}

/// A shell passes `\t` on as it is typed.
fn unescaped(template: &str) -> String {
    template.replace("\\t", "\t").replace("\\n", "\n")
}

/// One thing that is listed.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its fields, an object.
    pub fields: serde_json::Value,
    /// What `.Label "key"` asks.
    pub labels: BTreeMap<String, String>,
}

/// Writes rows by a template; `titles` are the titles of fields where they are not the field's name.
///
/// # Errors
/// The template cannot be read, or names what is not there; the message says which fields there are.
pub fn write(
    rows: &[Row],
    format: &RowFormat,
    titles: &[(&str, &str)],
    known: &[&str],
) -> Result<String, String> {
    match format {
        RowFormat::Table | RowFormat::Json => {
            Ok(rows.iter().map(|row| format!("{}\n", row.fields)).collect())
        }
        RowFormat::Template(template) => {
            check(template, known)?;
            rows.iter().map(|row| fill(template, row, known).map(|line| line + "\n")).collect()
        }
        RowFormat::TableTemplate(template) => {
            check(template, known)?;
            let titles = fill(template, &header(titles, known), known)?;
            let rows: Result<Vec<Vec<String>>, String> = rows
                .iter()
                .map(|row| Ok(fill(template, row, known)?.split('\t').map(ToOwned::to_owned).collect()))
                .collect();
            let titles: Vec<&str> = titles.split('\t').collect();
            Ok(table(&titles, &rows?, 10))
        }
    }
}

/// The first title of a table is a row whose fields are their own titles.
fn header(titles: &[(&str, &str)], known: &[&str]) -> Row {
    let title = |field: &str| {
        let own = titles.iter().find(|(name, _)| *name == field).map(|(_, title)| (*title).to_owned());
        own.unwrap_or_else(|| spelled_out(field))
    };
    let fields = known.iter().map(|field| ((*field).to_owned(), title(field).into()));
    Row { fields: serde_json::Value::Object(fields.collect()), labels: BTreeMap::new() }
}

/// `CreatedAt` as `CREATED AT`.
fn spelled_out(field: &str) -> String {
    let mut title = String::new();
    let mut before = None::<char>;
    for letter in field.chars() {
        if letter.is_uppercase() && before.is_some_and(char::is_lowercase) {
            title.push(' ');
        }
        title.extend(letter.to_uppercase());
        before = Some(letter);
    }
    title
}

/// Whether the template can be read at all, and names what there is: a mistake is one also where there is nothing to list.
fn check(template: &str, known: &[&str]) -> Result<(), String> {
    let template = prepared(template, &BTreeMap::new()).map_err(|error| told(&error, known))?;
    let value = gotmpl::to_value(&header(&[], known).fields).map_err(|error| error.to_string())?;
    match template.execute_to_string(&value) {
        Err(error @ (TemplateError::MissingKey { .. } | TemplateError::UndefinedFunction(_))) => {
            Err(told(&error, known))
        }
        // A title is text where a field may be a list.
        Err(_) | Ok(_) => Ok(()),
    }
}

fn fill(template: &str, row: &Row, known: &[&str]) -> Result<String, String> {
    let value = gotmpl::to_value(&row.fields).map_err(|error| error.to_string())?;
    prepared(template, &row.labels)
        .and_then(|template| template.execute_to_string(&value))
        .map_err(|error| told(&error, known))
}

fn told(error: &TemplateError, known: &[&str]) -> String {
    let fields = known.iter().map(|field| format!("`.{field}`")).collect::<Vec<_>>().join(", ");
    if let TemplateError::MissingKey { key } = error {
        return format!("`.{key}` is no field; there are {fields}");
    }
    format!("the template cannot be used: {error}")
}

fn prepared(template: &str, labels: &BTreeMap<String, String>) -> Result<Template, TemplateError> {
    let labels: Arc<BTreeMap<String, String>> = Arc::new(labels.clone());
    Template::new("format")
        .missing_key(MissingKey::Error)
        .func("json", |args| Ok(text(json(args.first().unwrap_or(&Value::Nil)).to_string())))
        .func("lower", |args| Ok(text(shown(args, 0).to_lowercase())))
        .func("upper", |args| Ok(text(shown(args, 0).to_uppercase())))
        .func("title", |args| Ok(text(title(&shown(args, 0)))))
        .func("split", |args| {
            let (subject, by) = (shown(args, 0), shown(args, 1));
            Ok(Value::List(subject.split(by.as_str()).map(|part| text(part.to_owned())).collect()))
        })
        .func("join", |args| {
            let parts: Vec<String> = match args.first() {
                Some(Value::List(items)) => items.iter().map(ToString::to_string).collect(),
                Some(other) => vec![other.to_string()],
                None => Vec::new(),
            };
            Ok(text(parts.join(&shown(args, 1))))
        })
        .func("pad", |args| {
            let blanks = |place| " ".repeat(number(args, place));
            let subject = shown(args, 0);
            Ok(text(if subject.is_empty() {
                subject
            } else {
                format!("{}{subject}{}", blanks(1), blanks(2))
            }))
        })
        .func("truncate", |args| Ok(text(shown(args, 0).chars().take(number(args, 1)).collect())))
        .func("table", |args| Ok(text(shown(args, 0))))
        .func("label_of_row", move |args| Ok(text(labels.get(&shown(args, 0)).cloned().unwrap_or_default())))
        .parse(&labels_by_name(template))
}

/// `.Label "key"` is a method there; here it is a function.
fn labels_by_name(template: &str) -> String {
    template
        .replace("{{.Label ", "{{label_of_row ")
        .replace(" .Label ", " label_of_row ")
        .replace("(.Label ", "(label_of_row ")
}

fn text(text: String) -> Value {
    Value::String(text.into())
}

fn shown(args: &[Value], place: usize) -> String {
    args.get(place).map(ToString::to_string).unwrap_or_default()
}

fn number(args: &[Value], place: usize) -> usize {
    shown(args, place).parse().unwrap_or_default()
}

/// The first letter of each word as a capital.
fn title(text: &str) -> String {
    let mut start = true;
    let capital = |letter: char| {
        let big = std::mem::replace(&mut start, !letter.is_alphanumeric());
        if big { letter.to_uppercase().to_string() } else { letter.to_string() }
    };
    text.chars().map(capital).collect()
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil | Value::Function(_) => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(value) => serde_json::Value::String(value.to_string()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(members) => members.iter().map(|(key, value)| (key.to_string(), json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |name: &str, state: &str| Row {
            fields: serde_json::json!({ "Name": name, "State": state, "CreatedAt": "now" }),
            labels: [("a.b".to_owned(), format!("of {name}"))].into(),
        };
        vec![row("p-web-1", "running"), row("p-db-1", "exited")]
    }

    fn written(format: &str) -> Result<String, String> {
        write(&rows(), &format.parse().unwrap(), &[("State", "STATUS")], &["Name", "State", "CreatedAt"])
    }

    #[test]
    fn templates_are_go_s_with_docker_s_functions() {
        for (format, expect) in [
            ("{{.Name}}: {{.State}}", "p-web-1: running\np-db-1: exited\n"),
            ("{{upper .Name}}", "P-WEB-1\nP-DB-1\n"),
            ("{{.Name | title}}", "P-Web-1\nP-Db-1\n"),
            ("{{join (split .Name \"-\") \"/\"}}", "p/web/1\np/db/1\n"),
            ("{{if eq .State \"running\"}}up{{else}}down{{end}}", "up\ndown\n"),
            ("{{json .State}}", "\"running\"\n\"exited\"\n"),
            ("{{.Label \"a.b\"}}", "of p-web-1\nof p-db-1\n"),
            ("{{pad .State 1 2}}|", " running  |\n exited  |\n"),
            ("{{truncate .Name 3}}", "p-w\np-d\n"),
            ("{{printf \"%-10s|\" .Name}}", "p-web-1   |\np-db-1    |\n"),
            (r"{{.Name}}\t{{.State}}", "p-web-1\trunning\np-db-1\texited\n"),
            ("plain", "plain\nplain\n"),
        ] {
            assert_eq!(written(format).as_deref(), Ok(expect), "{format}");
        }
    }

    #[test]
    fn a_table_has_titles_over_its_columns() {
        assert_eq!(
            written(r"table {{.Name}}\t{{.State}}\t{{.CreatedAt}}").unwrap(),
            "NAME      STATUS    CREATED AT\np-web-1   running   now\np-db-1    exited    now\n"
        );
        assert_eq!("json".parse(), Ok(RowFormat::Json));
        assert_eq!("table".parse(), Ok(RowFormat::Table));
    }

    #[test]
    fn mistakes_are_told_with_what_there_is() {
        assert_eq!(
            written("{{.Nmae}}"),
            Err("`.Nmae` is no field; there are `.Name`, `.State`, `.CreatedAt`".to_owned())
        );
        assert!(written("{{.Name").unwrap_err().contains("cannot be used"));
        let none = write(&[], &RowFormat::Template("{{nosuch .Name}}".to_owned()), &[], &["Name"]);
        assert!(none.unwrap_err().contains("nosuch"), "also where nothing is listed");
    }
}
