//! The structure of a stack file as a JSON schema, for editors.
//!
//! What is allowed comes from the [`table`], which also checks files; what an attribute means comes from the doc
//! comments of the model. Only what has no place in the model is described here.

use super::table::{self, Kinds, Object, Others, Shape};
use crate::model::{FileObject, Model, Network, Service, Volume};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The schema (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let sections = Sections::json_schema(&mut generator).to_value();
    let docs = Docs { definitions: generator.take_definitions(true) };
    let mut writer = Writer { docs: &docs, definitions: Map::new(), names: BTreeMap::new() };
    let mut root = writer.object(&table::FILE, docs.resolve(&sections));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file",
        "description": "A project of services, networks and volumes, by the Compose Specification.",
    });
    if let (Some(schema), Some(root)) = (schema.as_object_mut(), root.as_object_mut()) {
        schema.append(root);
        schema.insert("$defs".to_owned(), Value::Object(writer.definitions));
    }
    schema
}

/// The top level, for its descriptions.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described, never made")]
struct Sections {
    /// The version of a file format that is no longer in use.
    version: String,
    /// The project's name; the folder's name when it is missing.
    name: String,
    /// Other stack files that this one builds on.
    include: Vec<Include>,
    /// What runs: each service is one kind of container.
    services: BTreeMap<String, Service>,
    /// Models that services use.
    models: BTreeMap<String, Model>,
    /// Networks that services join.
    networks: BTreeMap<String, Network>,
    /// Named volumes that services mount.
    volumes: BTreeMap<String, Volume>,
    /// Sensitive content that services get.
    secrets: BTreeMap<String, FileObject>,
    /// Content that services get.
    configs: BTreeMap<String, FileObject>,
}

/// Another stack file.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described, never made")]
struct Include {
    /// The file, or several that are merged.
    path: String,
    /// Files of variables for it; its own `.env` when they are missing.
    env_file: String,
    /// What its relative paths start from; its own folder when it is missing.
    project_directory: String,
}

/// What the model's doc comments say.
struct Docs {
    definitions: Map<String, Value>,
}

impl Docs {
    /// The object that a description leads to: through references, options, lists and maps.
    fn resolve<'a>(&'a self, doc: &'a Value) -> Option<&'a Value> {
        let mut doc = doc;
        loop {
            if doc.get("properties").is_some() {
                return Some(doc);
            }
            let reference = doc.get("$ref").and_then(Value::as_str);
            doc = if let Some(name) = reference.and_then(|path| path.rsplit('/').next()) {
                self.definitions.get(name)?
            } else if let Some(choices) = doc.get("anyOf").and_then(Value::as_array) {
                choices.first()?
            } else {
                doc.get("items").or_else(|| doc.get("additionalProperties"))?
            };
        }
    }
}

/// Objects of the table are constants, which have no address of their own: what they are called, and the place of
/// their attributes, which objects with the same attributes may share.
type Identity = (&'static str, *const (&'static str, Shape));

struct Writer<'a> {
    docs: &'a Docs,
    definitions: Map<String, Value>,
    /// The definition that each object of the table has.
    names: BTreeMap<Identity, String>,
}

impl Writer<'_> {
    fn object(&mut self, object: &Object, doc: Option<&Value>) -> Value {
        let mut properties = Map::new();
        for (attribute, shape) in object.attributes {
            let own = doc.and_then(|doc| doc.get("properties")).and_then(|all| all.get(*attribute));
            let mut value = self.shape(shape, own.and_then(|own| self.docs.resolve(own)));
            if let (Some(value), Some(pattern)) = (value.as_object_mut(), pattern(attribute)) {
                value.insert("pattern".to_owned(), pattern.into());
            }
            let description = own.and_then(|own| own.get("description")).and_then(Value::as_str);
            let description = description.or_else(|| described_here(attribute));
            if let (Some(value), Some(description)) = (value.as_object_mut(), description) {
                value.insert("description".to_owned(), one_line(description).into());
            }
            properties.insert((*attribute).to_owned(), value);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if let Some(schema) = schema.as_object_mut() {
            if !object.required.is_empty() {
                schema.insert("required".to_owned(), json!(object.required));
            }
            match object.others {
                Others::Extensions => {
                    schema.insert("patternProperties".to_owned(), json!({"^x-": {}}));
                    schema.insert("additionalProperties".to_owned(), false.into());
                }
                Others::None => {
                    schema.insert("additionalProperties".to_owned(), false.into());
                }
                Others::Any => {}
            }
        }
        schema
    }

    fn shape(&mut self, shape: &'static Shape, doc: Option<&Value>) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Scalar(kinds) => json!({"type": types(*kinds)}),
            Shape::Text(..) => json!({"type": "string"}),
            Shape::Whole(low, high) => {
                let mut schema = json!({"type": ["integer", "string"], "minimum": low});
                if let (Some(schema), true) = (schema.as_object_mut(), *high < i64::MAX) {
                    schema.insert("maximum".to_owned(), json!(high));
                }
                schema
            }
            Shape::Word(words) => json!({"type": "string", "enum": words}),
            Shape::List(item) => json!({"type": "array", "items": self.shape(item, doc)}),
            Shape::Set(item) => {
                json!({"type": "array", "items": self.shape(item, doc), "uniqueItems": true})
            }
            Shape::Map(value) | Shape::Keyed(value) => json!({
                "type": "object",
                "propertyNames": {"minLength": 1},
                "additionalProperties": self.shape(value, doc),
            }),
            Shape::Named(value) => json!({
                "type": "object",
                "patternProperties": {"^[a-zA-Z0-9._-]+$": self.shape(value, doc)},
                "additionalProperties": false,
            }),
            Shape::Loose(value) => json!({
                "type": "object",
                "patternProperties": {"^[a-zA-Z0-9._-]+$": self.shape(value, doc)},
            }),
            Shape::Either(shapes) => {
                let choices: Vec<Value> = shapes.iter().map(|shape| self.shape(shape, doc)).collect();
                json!({"anyOf": choices})
            }
            Shape::Object(object) => self.definition(object, doc),
        }
    }

    /// Objects stand once, under `$defs`.
    fn definition(&mut self, object: &'static Object, doc: Option<&Value>) -> Value {
        let identity = (object.what, object.attributes.as_ptr());
        if let Some(name) = self.names.get(&identity) {
            return json!({"$ref": format!("#/$defs/{name}")});
        }
        let words = object.what.split(' ').filter(|word| !matches!(*word, "a" | "an"));
        let words: Vec<&str> = words.map(|word| word.trim_matches('`')).collect();
        let mut name = words.join("_").to_lowercase();
        while self.names.values().any(|taken| *taken == name) {
            name.push('_');
        }
        self.names.insert(identity, name.clone());
        let value = self.object(object, doc);
        self.definitions.insert(name.clone(), value);
        json!({"$ref": format!("#/$defs/{name}")})
    }
}

/// The names of kinds: one, or a list.
fn types(kinds: Kinds) -> Value {
    let all = [
        (Kinds::NULL, "null"),
        (Kinds::BOOL, "boolean"),
        (Kinds::INT, "integer"),
        (Kinds::NUMBER, "number"),
        (Kinds::TEXT, "string"),
    ];
    let names: Vec<&str> =
        all.into_iter().filter(|(kind, _)| kinds.has(*kind)).map(|(_, name)| name).collect();
    match names.as_slice() {
        [one] => json!(one),
        _ => json!(names),
    }
}

/// What the table's [`Shape::Text`] checks in code.
fn pattern(attribute: &str) -> Option<&'static str> {
    match attribute {
        "container_name" => Some("[a-zA-Z0-9][a-zA-Z0-9_.-]+"),
        "pull_policy" => {
            Some("always|never|build|missing|if_not_present|refresh|daily|weekly|every_([0-9]+[wdhms])+")
        }
        _ => None,
    }
}

/// Attributes that the model knows in another form.
fn described_here(attribute: &str) -> Option<&'static str> {
    Some(match attribute {
        "soft" => "The limit that is enforced; a process may raise it up to the hard one.",
        "hard" => "The most that the soft limit can be raised to.",
        "name" => "The name in the engine.",
        _ => return None,
    })
}

/// Doc comments are broken into lines and may link to items of the library.
fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("[`", "`").replace("`]", "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undescribed(value: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let path = format!("{path}.{name}");
                if property.get("description").is_none() {
                    found.push(path);
                }
            }
        }
    }

    #[test]
    fn every_attribute_is_described() {
        let schema = schema();
        let mut found = Vec::new();
        undescribed(&schema, "", &mut found);
        for (name, definition) in schema.get("$defs").and_then(Value::as_object).unwrap() {
            undescribed(definition, name, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
