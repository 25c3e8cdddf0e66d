//! The client-server API's OpenAPI description (Matrix 1.19), as `spec/client-server.json` holds it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

const BUNDLE: &str = include_str!("../spec/client-server.json");

/// The operations of the client-server API.
pub struct OpenApi {
    operations: Vec<Operation>,
    components: Value,
    validators: Mutex<Validators>,
}

/// By operation and status; `None` where there is no schema.
type Validators = HashMap<(usize, String), Option<Arc<Validator>>>;

/// A method at a path.
#[derive(Debug)]
pub struct Operation {
    /// The specification's name for it.
    pub id: String,
    /// The method, in capitals.
    pub method: String,
    /// The path, with `{parameters}`.
    pub path: String,
    /// In one line, what it is for.
    pub summary: String,
    /// Whether the specification advises against it.
    pub deprecated: bool,
    /// The file of the specification that describes it.
    pub file: String,
    /// It shares method and path with another operation, which requests are taken for unless they
    /// say otherwise: how they do.
    pub told_apart_by: Option<ToldApartBy>,
    /// The operation as the file has it: parameters, request body, responses.
    pub value: Value,
}

/// What tells a request from one for another operation of the same method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldApartBy {
    /// A property of its body.
    Body(&'static str),
    /// A query parameter.
    Query(&'static str),
}

/// The parts of a request that say which operation it is for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The body, if it is JSON.
    pub body: Option<&'a Value>,
}

#[derive(Deserialize)]
struct Bundle {
    paths: BTreeMap<String, BTreeMap<String, Value>>,
    components: Value,
}

impl OpenApi {
    /// The specification, read once.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static BUNDLED: OnceLock<OpenApi> = OnceLock::new();
        BUNDLED.get_or_init(|| {
            Self::read(BUNDLE).expect("the committed specification is an OpenAPI document")
        })
    }

    /// What a schema stands for, if it only names another one.
    #[must_use]
    pub fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let Some(name) = schema["$ref"].as_str() else { return schema };
        let path = name.strip_prefix("#/components").unwrap_or(name);
        self.components.pointer(path).map_or(schema, |named| self.resolve(named))
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let bundle: Bundle = serde_json::from_str(text)?;
        let mut operations = Vec::new();
        for (path, methods) in bundle.paths {
            for (method, value) in methods {
                let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
                let id = text("operationId");
                operations.push(Operation {
                    told_apart_by: told_apart_by(&id),
                    id,
                    method: method.to_uppercase(),
                    // The specification tells a second operation at the same path by a space.
                    path: path.trim().to_owned(),
                    summary: text("summary"),
                    deprecated: value["deprecated"] == true,
                    file: text("x-file"),
                    value,
                });
            }
        }
        operations.sort_by(|a, b| (&a.path, &a.method, &a.id).cmp(&(&b.path, &b.method, &b.id)));
        Ok(Self { operations, components: bundle.components, validators: Mutex::default() })
    }

    /// All operations, by path.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that a request is for; `None` if the specification has none.
    ///
    /// `r0` in a path counts as `v3`: the same operations had that version before.
    #[must_use]
    pub fn operation_of(&self, request: Request<'_>) -> Option<&Operation> {
        self.index_of(request).map(|index| &self.operations[index])
    }

    fn index_of(&self, request: Request<'_>) -> Option<usize> {
        let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
        let path = path.replacen("/r0/", "/v3/", 1);
        let said = |by: ToldApartBy| match by {
            ToldApartBy::Body(name) => request.body.is_some_and(|body| body.get(name).is_some()),
            ToldApartBy::Query(name) => {
                url::form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name)
            }
        };
        let candidates = self.operations.iter().enumerate().filter(|(_, operation)| {
            operation.method == request.method
                && matches(&operation.path, &path)
                && operation.told_apart_by.is_none_or(said)
        });
        // The one that says most: told apart before not, then the fewest parameters in the path.
        candidates
            .max_by_key(|(_, operation)| {
                let parameters = operation.path.matches('{').count();
                (operation.told_apart_by.is_some(), std::cmp::Reverse(parameters))
            })
            .map(|(index, _)| index)
    }

    /// Holds an answer against the operation's schema for its status.
    ///
    /// # Errors
    /// What of the answer is not as the schema says, one line for each fault. Answers of unknown
    /// operations and statuses without a schema have none.
    pub fn check_answer(
        &self,
        request: Request<'_>,
        status: u16,
        answer: &Value,
    ) -> Result<(), String> {
        let Some(index) = self.index_of(request) else { return Ok(()) };
        let Some(validator) = self.validator(index, &status.to_string()) else { return Ok(()) };
        let faults: Vec<String> = validator
            .iter_errors(answer)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!("{} {status}: {}", self.operations[index].id, faults.join("\n")))
    }

    fn validator(&self, index: usize, status: &str) -> Option<Arc<Validator>> {
        let key = (index, status.to_owned());
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        validators.entry(key).or_insert_with(|| self.compile(index, status)).clone()
    }

    fn compile(&self, index: usize, status: &str) -> Option<Arc<Validator>> {
        let responses = &self.operations[index].value["responses"];
        let schema = responses[status]["content"]["application/json"].get("schema")?;
        let whole = json!({ "components": self.components, "allOf": [schema] });
        let validator = jsonschema::draft202012::options()
            .build(&whole)
            .expect("the specification's schemas are valid JSON Schema");
        Some(Arc::new(validator))
    }
}

fn told_apart_by(operation_id: &str) -> Option<ToldApartBy> {
    match operation_id {
        "inviteBy3PID" => Some(ToldApartBy::Body("medium")),
        "peekEvents" => Some(ToldApartBy::Query("room_id")),
        _ => None,
    }
}

/// Whether a path is one of a template's. A state key may be missing, with its slash.
fn matches(template: &str, path: &str) -> bool {
    let mut wanted = template.split('/').peekable();
    let mut given = path.split('/');
    while let Some(part) = wanted.next() {
        let is_parameter = part.starts_with('{');
        match given.next() {
            Some(value) if is_parameter || value == part => {}
            None if part == "{stateKey}" || (part.is_empty() && wanted.peek().is_none()) => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{OpenApi, Request};

    fn id(method: &str, path: &str, body: Option<&serde_json::Value>) -> Option<&'static str> {
        let request = Request { method, path, body };
        OpenApi::bundled().operation_of(request).map(|operation| operation.id.as_str())
    }

    #[test]
    fn requests_are_known_by_path_version_and_what_tells_them_apart() {
        assert_eq!(OpenApi::bundled().operations().len(), 166);
        assert_eq!(id("GET", "/_matrix/client/r0/joined_rooms", None), Some("getJoinedRooms"));
        assert_eq!(
            id("GET", "/_matrix/client/v3/rooms/!a/state/m.room.name", None),
            Some("getRoomStateWithKey")
        );
        let invite = "/_matrix/client/v3/rooms/!a/invite";
        assert_eq!(id("POST", invite, Some(&json!({ "user_id": "@a:b" }))), Some("inviteUser"));
        assert_eq!(id("POST", invite, Some(&json!({ "medium": "email" }))), Some("inviteBy3PID"));
        assert_eq!(id("GET", "/_matrix/client/v3/nothing", None), None);
    }

    #[test]
    fn an_answer_with_a_wrong_type_is_a_fault() {
        let request =
            Request { method: "GET", path: "/_matrix/client/v3/joined_rooms", body: None };
        let check = |answer| OpenApi::bundled().check_answer(request, 200, &answer);
        assert_eq!(check(json!({ "joined_rooms": ["!a:b"] })), Ok(()));
        assert!(check(json!({ "joined_rooms": [1] })).is_err());
        assert!(check(json!({})).is_err());
    }
}
