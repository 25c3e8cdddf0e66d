//! The table of operations in `docs/compliance.md`.

use std::{collections::BTreeMap, fmt::Write};

use serde::Deserialize;

use crate::{
    calls::Calls,
    openapi::{OpenApi, Operation},
};

/// How many tests a row names.
const TESTS_NAMED: usize = 2;

const HEAD: &str = "\
# Compliance

Made by `cargo xtask compliance` from the specification's OpenAPI description (Matrix 1.19) and from
the requests that the tests of `crates/pli/tests/api` make. Their JSON answers are held against the
description's schema, but for the exceptions that `support/conformance.rs` gives reasons for. `make test`
fails when this file is stale.

An operation is *served* when a test gets a 2xx or 3xx answer from it. *Refused* operations answer with
an error of the specification, for the reason given.

";

/// Why operations are not served: `crates/xtask/reasons.toml`.
#[derive(Debug, Default, Deserialize)]
pub struct Reasons {
    /// Operation, and why it is refused.
    #[serde(default)]
    pub refused: BTreeMap<String, String>,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing<'a> {
    Served,
    Refused(&'a str),
    Missing,
}

/// The table, as the file holds it.
#[must_use]
pub fn table(api: &OpenApi, calls: &Calls, reasons: &Reasons) -> String {
    let rows: Vec<_> = api
        .operations()
        .iter()
        .map(|operation| (operation, standing(operation, calls, reasons)))
        .collect();
    let count = |wanted: fn(&Standing<'_>) -> bool| {
        rows.iter().filter(|(_, standing)| wanted(standing)).count()
    };
    let served = count(|standing| *standing == Standing::Served);
    let refused = count(|standing| matches!(standing, Standing::Refused(_)));
    let missing = count(|standing| *standing == Standing::Missing);

    let mut text = HEAD.to_owned();
    let _ = write!(
        text,
        "**{} operations: {served} served, {refused} refused with a reason, {missing} missing.**\n\n\
         | Operation | Method and path | | Tests |\n|---|---|---|---|\n",
        rows.len()
    );
    for (operation, standing) in rows {
        let standing = match standing {
            Standing::Served => "served".to_owned(),
            Standing::Refused(reason) => format!("refused: {reason}"),
            Standing::Missing => "**missing**".to_owned(),
        };
        let deprecated = if operation.deprecated { " (deprecated)" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} `{}`{deprecated} | {standing} | {} |",
            operation.id,
            operation.method,
            operation.path,
            tests(operation, calls)
        );
    }
    text
}

fn standing<'a>(operation: &Operation, calls: &Calls, reasons: &'a Reasons) -> Standing<'a> {
    if let Some(reason) = reasons.refused.get(&operation.id) {
        return Standing::Refused(reason);
    }
    let succeeds = |status: &u16| (200..400).contains(status);
    let called = calls.get(&operation.id);
    let is_served = called.is_some_and(|tests| tests.values().flatten().any(succeeds));
    if is_served { Standing::Served } else { Standing::Missing }
}

/// The first tests that the operation succeeds in, or that are refused if it never does.
fn tests(operation: &Operation, calls: &Calls) -> String {
    let Some(tests) = calls.get(&operation.id) else { return String::new() };
    let succeeds = |statuses: &std::collections::BTreeSet<u16>| {
        statuses.iter().any(|status| (200..400).contains(status))
    };
    let mut names: Vec<_> =
        tests.iter().filter(|(_, statuses)| succeeds(statuses)).map(|(test, _)| test).collect();
    if names.is_empty() {
        names = tests.keys().collect();
    }
    // Tests named after the operation's theme say more than those that merely need it.
    let theme = operation.file.trim_end_matches(".yaml").replace(['-', '_'], "");
    names.sort_by_key(|name| !name.replace('_', "").contains(theme.trim_end_matches('s')));
    let named: Vec<String> =
        names.iter().take(TESTS_NAMED).map(|name| format!("`{name}`")).collect();
    named.join(", ")
}
