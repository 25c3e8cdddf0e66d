//! Signing up, over HTTP.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestServer, mail::Mails};

const REGISTER: &str = "/_matrix/client/v3/register";
const REQUEST_TOKEN: &str = "/_matrix/client/v3/register/email/requestToken";
const CLAIRE: &str = "claire.martin@interieur.example";

pub(crate) const BY_MAIL: &str = "store.url = \"memory:\"\n\
     registration.mode = \"email\"\n\
     registration.domains = [\"interieur.example\"]\n\
     registration.organisations = { \"interieur.example\" = \"Intérieur\" }";

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    server.send(Method::POST, path, None, Some(body)).await
}

async fn request_token(server: &TestServer, address: &str) -> Answer {
    let body = json!({ "client_secret": "secret", "email": address, "send_attempt": 1 });
    post(server, REQUEST_TOKEN, body).await
}

fn account(sid: &str) -> Value {
    json!({
        "password": PASSWORD,
        "initial_device_display_name": "Firefox",
        "auth": {
            "type": "m.login.email.identity",
            "threepid_creds": { "sid": sid, "client_secret": "secret" },
        },
    })
}

#[tokio::test]
async fn the_mailed_code_posted_to_the_submit_url_makes_an_account() {
    let server = TestServer::start_with(BY_MAIL).await;
    let challenge = post(&server, REGISTER, json!({})).await;
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    assert_eq!(challenge.body["flows"], json!([{ "stages": ["m.login.email.identity"] }]));
    assert!(challenge.body.get("errcode").is_none(), "{}", challenge.body);

    let asked = request_token(&server, CLAIRE).await.ok();
    let sid = asked["sid"].as_str().unwrap();
    let submit_url: url::Url = asked["submit_url"].as_str().unwrap().parse().unwrap();
    let code = Mails::of(&server).next().await.code();

    post(&server, REGISTER, account(sid)).await.refused(401, "M_THREEPID_AUTH_FAILED");
    let submit = |token: &str| json!({ "sid": sid, "client_secret": "secret", "token": token });
    post(&server, submit_url.path(), submit("1")).await.refused(400, "M_TOKEN_INCORRECT");
    let confirmed = post(&server, submit_url.path(), submit(&code)).await.ok();
    assert_eq!(confirmed, json!({ "success": true }));

    let account = post(&server, REGISTER, account(sid)).await.ok();
    assert_eq!(account["user_id"], "@claire.martin:pli.test");
    assert!(account.get("refresh_token").is_none(), "{account}");
    let profile = server
        .send(Method::GET, "/_matrix/client/v3/profile/@claire.martin:pli.test", None, None)
        .await
        .ok();
    assert_eq!(profile["displayname"], "Claire Martin [Intérieur]");
    let token = account["access_token"].as_str();
    let emails =
        server.send(Method::GET, "/_matrix/client/v3/account/3pid", token, None).await.ok();
    assert_eq!(emails["threepids"][0]["address"], CLAIRE);
}

#[tokio::test]
async fn the_mailed_link_opens_a_page_that_asks_before_it_confirms() {
    let server = TestServer::start_with(BY_MAIL).await;
    let asked = request_token(&server, CLAIRE).await.ok();
    let sid = asked["sid"].as_str().unwrap();
    let link = Mails::of(&server).next().await.link();
    let url = server.url(&format!("{}?{}", link.path(), link.query().unwrap()));

    let page = server.http.get(&url).header(header::ACCEPT_LANGUAGE, "fr").send().await.unwrap();
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'none'"));
    let html = page.text().await.unwrap();
    assert!(html.contains(CLAIRE) && html.contains("<form method=\"post\">"), "{html}");
    post(&server, REGISTER, account(sid)).await.refused(401, "M_THREEPID_AUTH_FAILED");

    let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
    let confirmed = server.submit_form(&url, &[("sid", sid), ("token", &token)]).await;
    assert_eq!(confirmed.status(), StatusCode::OK);
    post(&server, REGISTER, account(sid)).await.ok();

    let made_up = server.url(&format!("{}?sid=x&token=%3Cscript%3E", link.path()));
    let refused = server.http.get(made_up).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(!refused.text().await.unwrap().contains("<script>"));
}

#[tokio::test]
async fn other_domains_are_told_which_address_to_use() {
    let server = TestServer::start_with(BY_MAIL).await;
    let refused = request_token(&server, "eve@evil.example").await;
    let body = refused.refused(403, "M_THREEPID_DENIED");
    assert!(body["error"].as_str().unwrap().contains("@interieur.example"), "{body}");
    request_token(&server, "no address").await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn where_everybody_may_sign_up_names_are_checked() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let account = |name: &str| json!({ "username": name, "password": PASSWORD, "auth": { "type": "m.login.dummy" } });
    post(&server, REGISTER, account("claire")).await.refused(400, "M_USER_IN_USE");
    post(&server, REGISTER, account("a b")).await.refused(400, "M_INVALID_USERNAME");
    let upper = post(&server, REGISTER, account("Samir")).await.ok();
    assert_eq!(upper["user_id"], "@samir:pli.test");
    let weak = json!({ "username": "x", "password": "x", "auth": { "type": "m.login.dummy" } });
    post(&server, REGISTER, weak).await.refused(400, "M_WEAK_PASSWORD");
    let guest = post(&server, "/_matrix/client/v3/register?kind=guest", json!({})).await;
    guest.refused(403, "M_GUEST_ACCESS_FORBIDDEN");

    let available = |name: &str| format!("{REGISTER}/available?username={name}");
    server.send(Method::GET, &available("free"), None, None).await.ok();
    let taken = server.send(Method::GET, &available("claire"), None, None).await;
    taken.refused(400, "M_USER_IN_USE");
}

#[tokio::test]
async fn what_is_not_json_or_of_the_wrong_shape_is_refused_with_the_right_code() {
    let server = TestServer::start().await;
    let send = async |body: String| {
        let request = server.http.post(server.url(REGISTER)).body(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        (status.as_u16(), body["errcode"].as_str().map(str::to_owned))
    };
    let refused = |code: &str| (400, Some(code.to_owned()));
    assert_eq!(send("{".to_owned()).await, refused("M_NOT_JSON"));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{{\"auth\":{{\"type\":\"org.example\",\"x\":{deep}}}}}");
    assert_eq!(send(nested).await, refused("M_BAD_JSON"));
    assert_eq!(send("[]".to_owned()).await, refused("M_BAD_JSON"));
    assert_eq!(send("{\"password\": 7}".to_owned()).await, refused("M_BAD_JSON"));
}

#[tokio::test]
async fn the_shared_secret_registration_exists_only_where_configured() {
    let path = "/_synapse/admin/v1/register";
    let server = TestServer::start().await;
    server.send(Method::GET, path, None, None).await.refused(404, "M_UNRECOGNIZED");
    post(&server, path, json!({})).await.refused(404, "M_UNRECOGNIZED");

    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"closed\"\n\
         registration.shared_secret = \"between operators\"",
    )
    .await;
    post(&server, REGISTER, json!({})).await.refused(403, "M_FORBIDDEN");
    let nonce = server.send(Method::GET, path, None, None).await.ok();
    let forged = json!({
        "nonce": nonce["nonce"],
        "username": "claire",
        "password": PASSWORD,
        "mac": "00",
    });
    post(&server, path, forged).await.refused(403, "M_FORBIDDEN");
}
