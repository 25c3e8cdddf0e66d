use reqwest::Method;

use crate::support::TestServer;

/// An app that doesn't find everything here offers no sign-in at all.
#[tokio::test]
async fn apps_find_out_how_to_sign_people_in() {
    let server = TestServer::start().await;
    let path = "/_matrix/client/v1/auth_metadata";
    let metadata = server.send(Method::GET, path, None, None).await.ok();
    assert_eq!(metadata["issuer"], "http://pli.test/");
    assert_eq!(metadata["token_endpoint"], "http://pli.test/oauth2/token");
    assert_eq!(metadata["code_challenge_methods_supported"][0], "S256");
    assert_eq!(metadata["prompt_values_supported"][0], "create");
    for elsewhere in [
        "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(server.send(Method::GET, elsewhere, None, None).await.ok(), metadata);
    }
    let path = "/_matrix/client/unstable/org.matrix.msc2965/auth_issuer";
    let issuer = server.send(Method::GET, path, None, None).await.ok();
    assert_eq!(issuer["issuer"], metadata["issuer"]);
    // Where clients of before v1.15 look.
    let found = server.send(Method::GET, "/.well-known/matrix/client", None, None).await.ok();
    let former = &found["org.matrix.msc2965.authentication"];
    assert_eq!(former["issuer"], metadata["issuer"]);
    assert_eq!(former["account"], metadata["account_management_uri"]);
    let versions = server.send(Method::GET, "/_matrix/client/versions", None, None).await.ok();
    assert_eq!(versions["unstable_features"]["org.matrix.msc4108"], true);
    assert_eq!(versions["unstable_features"]["io.element.msc4388"], true);
}

/// Apps must fall back to passwords where the operator switched this off.
#[tokio::test]
async fn where_it_is_off_nothing_is_there() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\noauth.enabled = false",
    )
    .await;
    for (method, path) in [
        (Method::GET, "/_matrix/client/v1/auth_metadata"),
        (Method::POST, "/oauth2/token"),
        (Method::POST, "/_matrix/client/unstable/org.matrix.msc4108/rendezvous"),
        (Method::GET, "/_matrix/client/unstable/io.element.msc4388/rendezvous"),
    ] {
        server.send(method, path, None, None).await.refused(404, "M_UNRECOGNIZED");
    }
    let versions = server.send(Method::GET, "/_matrix/client/versions", None, None).await.ok();
    assert!(versions["unstable_features"].get("org.matrix.msc4108").is_none());
    let found = server.send(Method::GET, "/.well-known/matrix/client", None, None).await.ok();
    assert!(found.get("org.matrix.msc2965.authentication").is_none());
}

/// The page that a stranger's link leads to must not offer what the operator forbade.
#[tokio::test]
async fn where_nobody_can_sign_up_apps_are_told() {
    let server =
        TestServer::start_with("store.url = \"memory:\"\nregistration.mode = \"closed\"").await;
    let path = "/_matrix/client/v1/auth_metadata";
    let metadata = server.send(Method::GET, path, None, None).await.ok();
    assert!(metadata.get("prompt_values_supported").is_none());
}
