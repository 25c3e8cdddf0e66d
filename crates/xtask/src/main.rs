//! `cargo xtask`: what the project checks about itself.
#![forbid(unsafe_code)]

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Parser;
use xtask::{
    calls::{self, FOLDER_VARIABLE},
    compliance::{self, Reasons},
    openapi::OpenApi,
};

const TABLE: &str = "docs/compliance.md";
const REASONS: &str = "crates/xtask/reasons.toml";

#[derive(Parser)]
enum Task {
    /// Write docs/compliance.md: every operation, whether it is served, the tests that call it.
    Compliance {
        /// Compare the file instead of writing it; fail if it is stale.
        #[arg(long)]
        check: bool,
        /// A folder with what the tests recorded; without it the tests are run.
        #[arg(long)]
        from: Option<PathBuf>,
    },
}

#[derive(Debug, thiserror::Error)]
enum TaskError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{REASONS}: {0}")]
    Reasons(#[from] toml::de::Error),
    #[error("the tests failed: mend them first")]
    Tests,
    #[error("{TABLE} is stale: run `cargo xtask compliance` and commit it")]
    Stale,
}

fn main() -> ExitCode {
    let Task::Compliance { check, from } = Task::parse();
    match write_compliance(check, from) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_compliance(check: bool, from: Option<PathBuf>) -> Result<(), TaskError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    let folder = match from {
        Some(folder) => folder,
        None => run_tests(root)?,
    };
    let reasons: Reasons = toml::from_str(&read(&root.join(REASONS))?)?;
    let calls = calls::read(&folder).map_err(io(&folder))?;
    let table = compliance::table(OpenApi::bundled(), &calls, &reasons);

    let path = root.join(TABLE);
    if check {
        let is_current = path.exists() && read(&path)? == table;
        return if is_current { Ok(()) } else { Err(TaskError::Stale) };
    }
    std::fs::write(&path, table).map_err(io(&path))
}

/// Runs the tests of the API; they record their calls in a folder of the target directory.
fn run_tests(root: &Path) -> Result<PathBuf, TaskError> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = target.join("compliance");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(io(&folder))?;
    }
    let status = Command::new(env!("CARGO"))
        .args(["test", "--locked", "-p", "pli", "--test", "api"])
        .current_dir(root)
        .env(FOLDER_VARIABLE, &folder)
        .status()
        .map_err(io(Path::new("cargo")))?;
    if status.success() { Ok(folder) } else { Err(TaskError::Tests) }
}

fn read(path: &Path) -> Result<String, TaskError> {
    std::fs::read_to_string(path).map_err(io(path))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TaskError {
    move |source| TaskError::Io { path: path.to_owned(), source }
}
