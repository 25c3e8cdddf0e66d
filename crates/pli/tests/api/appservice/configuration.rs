//! Registration files as operators write them.

use pli::config::Config;

fn config(folder: &std::path::Path, registrations: &str) -> Config {
    let data = folder.display();
    let text = format!(
        "server_name = \"pli.test\"\npublic_url = \"http://pli.test\"\ndata_dir = \"{data}\"\n\
         appservices.registrations = [{registrations}]"
    );
    toml::from_str(&text).unwrap()
}

/// Otherwise a bridge is silently missing.
#[test]
fn a_registration_that_is_missing_or_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = format!("\"{}\"", path("bridge.yaml"));
    let error = config(folder.path(), &file).app_service_registrations().unwrap_err().to_string();
    assert!(error.contains("bridge.yaml"), "{error}");

    std::fs::write(path("bridge.yaml"), "id: bridge\nurl: null\n").unwrap();
    let error = config(folder.path(), &file).app_service_registrations().unwrap_err().to_string();
    assert!(error.contains("bridge.yaml") && error.contains("as_token"), "{error}");
}

#[test]
fn a_folder_of_registrations_may_be_empty_and_no_two_may_be_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let all = format!("\"{}\"", path("*.yaml"));
    assert!(config(folder.path(), &all).app_service_registrations().unwrap().is_empty());

    let text = "id: bridge\nurl: null\nas_token: a\nhs_token: b\nsender_localpart: bot\n\
                namespaces: {}\n";
    std::fs::write(path("one.yaml"), text).unwrap();
    let found = config(folder.path(), &all).app_service_registrations().unwrap();
    assert_eq!(found.len(), 1);
    std::fs::write(path("two.yaml"), text).unwrap();
    let error = config(folder.path(), &all).app_service_registrations().unwrap_err().to_string();
    assert!(error.contains("two.yaml") && error.contains("one.yaml"), "{error}");
}
