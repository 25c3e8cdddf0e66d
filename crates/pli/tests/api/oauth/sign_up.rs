use super::{VERIFIER, app_metadata, authorize_path, browser::Browser};
use crate::support::{PASSWORD, TestServer, mail::Mails};

/// A new colleague comes from an app, gets an account by work address, and goes on into the app.
#[tokio::test]
async fn somebody_signs_up_by_mail_on_the_way_into_an_app() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\n\
         registration.mode = \"email\"\n\
         registration.domains = [\"interieur.example\"]",
    )
    .await;
    let client_id = server.register_app(app_metadata()).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&authorize_path(&client_id, &[("prompt", "create")])).await;
    page.says("Create an account");
    let refused = browser.submit(&page, &[("email", "claire@elsewhere.example")]).await;
    assert_eq!(refused.status, 400);
    refused.says("Use your work address");

    let mut mails = Mails::of(&server);
    let page = browser.submit(&page, &[("email", "claire.martin@interieur.example")]).await;
    page.says("Look at your mail");
    let code = mails.next().await.code();
    let wrong = browser.submit(&page, &[("code", "000000"), ("password", PASSWORD)]).await;
    assert_eq!(wrong.status, 400);
    let weak = browser.submit(&page, &[("code", &code), ("password", "short")]).await;
    weak.says("Choose another one");
    let question = browser.submit(&page, &[("code", &code), ("password", PASSWORD)]).await;
    question.says("Boîte aux lettres");
    question.says("@claire.martin:pli.test");
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let code = answer.parameter("code").unwrap();
    server.exchange(&client_id, &code, VERIFIER).await.ok();
}

#[tokio::test]
async fn somebody_signs_up_with_an_invitation_code() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"token\"\nregistration.token = \"invited\"",
    )
    .await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/oauth2/signup").await;
    let fields = |token| [("token", token), ("username", "claire"), ("password", PASSWORD)];
    let wrong = browser.submit(&page, &fields("guessed")).await;
    assert_eq!(wrong.status, 400);
    wrong.says("invitation code is not valid");
    browser.submit(&page, &fields("invited")).await.says("Your account");
    let mut other = Browser::new(&server);
    let page = other.open("/oauth2/signup").await;
    other.submit(&page, &fields("invited")).await.says("This name is taken");
}

#[tokio::test]
async fn nobody_signs_up_where_nobody_can() {
    let server =
        TestServer::start_with("store.url = \"memory:\"\nregistration.mode = \"closed\"").await;
    let client_id = server.register_app(app_metadata()).await;
    let mut browser = Browser::new(&server);
    browser.open(&authorize_path(&client_id, &[("prompt", "create")])).await.says("Sign in");
    let page = browser.open("/oauth2/signup").await;
    assert_eq!(page.status, 403);
    let csrf = browser.open("/oauth2/login").await.hidden("csrf");
    let fields = [("csrf", csrf.as_str()), ("username", "claire"), ("password", PASSWORD)];
    assert_eq!(browser.post("/oauth2/signup", &fields).await.status, 403);
}
