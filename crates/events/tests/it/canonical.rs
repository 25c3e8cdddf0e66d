//! If these fail, other servers compute other hashes than this one and drop its events.

use pli_events::{EventError, canonical_object, canonical_string};

fn canonical(json: &str) -> String {
    canonical_string(&canonical_object(json).unwrap())
}

#[test]
fn specification_examples() {
    assert_eq!(canonical("{}"), "{}");
    assert_eq!(canonical("{\n  \"one\": 1,\n  \"two\": \"Two\"\n}"), r#"{"one":1,"two":"Two"}"#);
    assert_eq!(canonical(r#"{ "b": "2", "a": "1" }"#), r#"{"a":"1","b":"2"}"#);
    assert_eq!(
        canonical(
            r#"{
                "auth": {
                    "success": true,
                    "mxid": "@john.doe:example.com",
                    "profile": {
                        "display_name": "John Doe",
                        "three_pids": [
                            { "medium": "email", "address": "john.doe@example.org" },
                            { "medium": "msisdn", "address": "123456789" }
                        ]
                    }
                }
            }"#
        ),
        concat!(
            r#"{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","#,
            r#""three_pids":[{"address":"john.doe@example.org","medium":"email"},"#,
            r#"{"address":"123456789","medium":"msisdn"}]},"success":true}}"#
        )
    );
    assert_eq!(canonical(r#"{ "a": "日本語" }"#), r#"{"a":"日本語"}"#);
    assert_eq!(canonical(r#"{ "本": 2, "日": 1 }"#), r#"{"日":1,"本":2}"#);
    assert_eq!(canonical(r#"{ "a": "\u65E5" }"#), r#"{"a":"日"}"#);
    assert_eq!(canonical(r#"{ "a": null }"#), r#"{"a":null}"#);
}

#[test]
fn control_characters_have_their_short_escapes() {
    assert_eq!(
        canonical(r#"{"a":"\u0000\u0008\u0009\u000A\u000C\u000D\u001F\u0022\u005C\u002F\u007f"}"#),
        "{\"a\":\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u{7f}\"}"
    );
}

#[test]
fn keys_sort_by_code_point_not_by_utf16_unit() {
    // U+FF21 sorts before U+1F600, though the latter's first UTF-16 unit (D83D) is smaller.
    assert_eq!(canonical(r#"{"😀":1,"Ａ":2}"#), r#"{"Ａ":2,"😀":1}"#);
}

#[test]
fn integers_of_the_whole_range_are_kept_and_others_refused() {
    let in_range = r#"{"a":9007199254740991,"b":-9007199254740991}"#;
    assert_eq!(canonical(in_range), in_range);
    for number in ["9007199254740992", "-9007199254740992", "1.5", "1.0", "1e3", "-0.0"] {
        let result = canonical_object(&format!(r#"{{"a":{number}}}"#));
        assert!(matches!(result, Err(EventError::NotCanonical(_))), "{number}");
    }
}

#[test]
fn what_is_not_an_object_is_refused() {
    assert!(matches!(canonical_object("[]"), Err(EventError::NotAnObject { .. })));
    assert!(matches!(canonical_object("{"), Err(EventError::Json(_))));
    assert!(matches!(canonical_object(r#"{"a":NaN}"#), Err(EventError::Json(_))));
    assert!(matches!(canonical_object("{} {}"), Err(EventError::Json(_))));
}

#[test]
fn deep_nesting_is_refused_instead_of_exhausting_the_stack() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(canonical_object(&deep), Err(EventError::Json(_))));
}
