use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{PROFILE, Provider, START, claire, server, server_of, sign_in, sign_in_app};
use crate::{
    oauth::browser::Browser,
    support::{PASSWORD, mail::Mails},
};

#[tokio::test]
async fn whoever_their_organisation_vouches_for_has_an_account() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    page.says("Claire Martin [Intérieur]");
    page.says("@claire.martin:pli.test");
    browser.open(PROFILE).await.says("claire.martin@interieur.example");
    let asked = provider.asked().await;
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["scope"], "openid email profile");

    // The same person in another browser, whatever they are called by now.
    let mut married = claire();
    married["family_name"] = json!("Petit");
    provider.knows("claire", married).await;
    let mut other = Browser::new(&server);
    let page = sign_in(&mut other, &mut provider.visitor(), "claire", START).await;
    page.says("@claire.martin:pli.test");

    // Somebody else of the same name at another provider's.
    provider.knows("other", claire()).await;
    let mut third = Browser::new(&server);
    let page = sign_in(&mut third, &mut provider.visitor(), "other", START).await;
    page.says("There is an account with the address claire.martin@interieur.example already");
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_provider_is_told_whom_to_expect() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/oauth2/account").await;
    page.says("Continue with AgentConnexion");
    let fields = [("username", "claire.martin@interieur.example"), ("upstream", "agents")];
    let page = browser.submit(&page, &fields).await;
    // No form's policy holds for the sites that follow: the browser goes there by itself.
    let start = page.html.split("0;url=").nth(1).unwrap().split('"').next().unwrap();
    let back = browser.open(&start.replace("&amp;", "&")).await;
    let back = provider.visitor().sign_in(&back.location().unwrap(), "claire").await;
    assert_eq!(provider.asked().await["login_hint"], "claire.martin@interieur.example");
    browser.open(&back).await.says("@claire.martin:pli.test");

    // What an app said goes the same way; a user id doesn't.
    for (hint, expected) in [
        ("a.kone@interieur.example", json!("a.kone@interieur.example")),
        ("@awa:pli.test", json!(null)),
    ] {
        let mut browser = Browser::new(&server);
        let leaving = browser.open(&format!("{START}&login_hint={hint}")).await;
        provider.visitor().cancel(&leaving.location().unwrap()).await;
        assert_eq!(provider.asked().await["login_hint"], expected);
    }
}

/// ProConnect signs what it says of people, and calls things its own way.
#[tokio::test]
async fn names_and_organisations_come_signed_and_by_their_own_names() {
    let provider = Provider::start().await;
    let signed = provider.config("signed", "pli-signed");
    let more = format!(
        "{signed}token_endpoint_auth_method = \"client_secret_post\"\n\
         email_always_verified = true\n\
         claims.family_name = \"usual_name\"\n\
         claims.organisation = \"organisation\"\n"
    );
    let server = server_of(&more).await;
    provider
        .knows(
            "awa",
            json!({
                "email": "a.kone@interieur.example",
                "given_name": "Awa",
                "usual_name": "Koné",
                "organisation": "DGPN",
            }),
        )
        .await;
    let mut browser = Browser::new(&server);
    let start = "/oauth2/upstream/signed?next=%2Foauth2%2Faccount";
    let page = sign_in(&mut browser, &mut provider.visitor(), "awa", start).await;
    page.says("Awa Koné [DGPN]");
    page.says("@a.kone:pli.test");
}

#[tokio::test]
async fn an_address_that_comes_from_the_organisation_is_changed_there_only() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let claire_here = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    assert_eq!(claire_here.user_id, "@claire.martin:pli.test");

    let body = json!({ "sid": "x", "client_secret": "y" });
    let answer = server.post(&claire_here, "/_matrix/client/v3/account/3pid/add", body).await;
    answer.refused(403, "M_FORBIDDEN");
    let body = json!({ "medium": "email", "address": "claire.martin@interieur.example" });
    let answer = server.post(&claire_here, "/_matrix/client/v3/account/3pid/delete", body).await;
    answer.refused(403, "M_FORBIDDEN");

    // Changed there, it is changed here at the next sign-in.
    let mut moved = claire();
    moved["email"] = json!("claire.petit@interieur.example");
    provider.knows("claire", moved).await;
    let again = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    assert_eq!(again.user_id, claire_here.user_id);
    let answer = server.get(&again, "/_matrix/client/v3/account/3pid").await.ok();
    let addresses: Vec<_> = answer["threepids"].as_array().unwrap().iter().collect();
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0]["address"], "claire.petit@interieur.example");
}

/// Whoever had an account before their organisation had a provider would begin anew, or not at all.
#[tokio::test]
async fn an_account_that_is_there_already_is_joined_if_the_operator_says_so() {
    let provider = Provider::start().await;
    let by_mail = "registration.mode = \"email\"\n";
    let config = provider.config("agents", "pli");
    let more = "link_existing = true\npassword_login = false\n";
    let server = server_of(&format!("{by_mail}{config}{more}")).await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/oauth2/signup").await;
    let page = browser.submit(&page, &[("email", "claire.martin@interieur.example")]).await;
    let code = Mails::of(&server).next().await.code();
    let fields = [("code", code.as_str()), ("password", PASSWORD)];
    browser.submit(&page, &fields).await.says("@claire.martin:pli.test");
    let by_password = async || {
        let user = json!({ "type": "m.id.user", "user": "claire.martin" });
        let body = json!({ "type": "m.login.password", "identifier": user, "password": PASSWORD });
        server.send(Method::POST, "/_matrix/client/v3/login", None, Some(body)).await
    };
    by_password().await.ok();

    let claire_here = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    assert_eq!(claire_here.user_id, "@claire.martin:pli.test");
    // From now on the provider is the only way in.
    by_password().await.refused(403, "M_FORBIDDEN");

    // Somebody else now has the address at the provider: the account isn't theirs for that.
    provider.knows("successor", claire()).await;
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "successor", START).await;
    page.says("There is an account with the address");
}

#[tokio::test]
async fn a_provider_that_changes_its_keys_locks_nobody_out() {
    let mut provider = Provider::start().await;
    let server = server(&provider, "").await;
    sign_in_app(&server, &mut provider.visitor(), "claire").await;
    provider.restart().await;
    let again = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    assert_eq!(again.user_id, "@claire.martin:pli.test");
}
