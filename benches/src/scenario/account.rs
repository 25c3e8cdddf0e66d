//! Register and log in.

use reqwest::Method;
use serde_json::json;

use crate::{
    error::BenchError,
    matrix::{Accounts, Matrix, PASSWORD},
    measure,
    options::RunOptions,
    report::Row,
    scale::Scale,
    target::Target,
};

pub(super) async fn measure(
    options: &RunOptions,
    target: &Target,
    http: &reqwest::Client,
    scale: &Scale,
) -> Result<Vec<Row>, BenchError> {
    eprintln!("measuring: Account");
    let matrix = Matrix { base_url: target.base_url.clone(), http: http.clone() };
    let accounts = Accounts::new(matrix.clone(), options)?;
    let register = async |_, _| accounts.one().await.map(drop);
    let registered = measure::measure(target.pid, 1, scale.registrations, register).await?;

    let account = accounts.one().await?;
    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": account.user_id },
        "password": PASSWORD,
    });
    let log_in = async |_, _| {
        let path = "/_matrix/client/v3/login";
        matrix.request(None, Method::POST, path, Some(&body)).await.map(drop)
    };
    let logged_in = measure::measure(target.pid, 1, scale.logins, log_in).await?;
    Ok(vec![
        Row::of("register (argon2id as configured)", &registered),
        Row::of("log in (argon2id as configured)", &logged_in),
    ])
}
