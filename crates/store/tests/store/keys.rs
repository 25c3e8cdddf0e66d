//! Keys: what sorts before in Rust sorts before in the store, and comes back as it was.

use pli_store::{AsKey, Key, Position, Stamp};
use proptest::{arbitrary::any, prelude::Strategy, prop_assert_eq, proptest};
use ruma::{OwnedDeviceId, OwnedUserId};

fn encode<K: Key>(key: &K) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode_to(&mut bytes);
    bytes
}

fn decode<K: Key>(mut bytes: &[u8]) -> K {
    let key = K::decode(&mut bytes).unwrap();
    assert!(bytes.is_empty());
    key
}

/// Short texts over an alphabet full of what escapes are made of.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        proptest::sample::select(vec!['\0', '\u{1}', 'a', 'b', 'é', '\u{10FFFF}']),
        0..5,
    )
    .prop_map(|letters| letters.into_iter().collect())
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (any::<i64>(), any::<u16>()).prop_map(|(order, index)| Stamp { order, index })
}

proptest! {
    /// Else a room's timeline would come in another order than it was written.
    #[test]
    fn tuples_sort_as_their_bytes(
        a in (text(), text(), -2_i64..2, any::<u8>()),
        b in (text(), text(), -2_i64..2, any::<u8>()),
    ) {
        prop_assert_eq!(a.cmp(&b), encode(&a).cmp(&encode(&b)));
        prop_assert_eq!(decode::<(String, String, i64, u8)>(&encode(&a)), a);
    }

    #[test]
    fn numbers_sort_as_their_bytes(
        a in (any::<i64>(), any::<u64>(), any::<u32>(), any::<u16>()),
        b in (any::<i64>(), any::<u64>(), any::<u32>(), any::<u16>()),
    ) {
        prop_assert_eq!(a.cmp(&b), encode(&a).cmp(&encode(&b)));
        prop_assert_eq!(decode::<(i64, u64, u32, u16)>(&encode(&a)), a);
    }

    #[test]
    fn stamps_sort_as_their_bytes(a in (text(), stamp()), b in (text(), stamp())) {
        prop_assert_eq!(a.cmp(&b), encode(&a).cmp(&encode(&b)));
        prop_assert_eq!(decode::<(String, Stamp)>(&encode(&a)), a);
    }

    /// Else a scan of one room could return rows of another, or miss some of its own.
    #[test]
    fn a_prefix_is_the_beginning_of_its_keys_and_of_no_other(
        prefix in text(), key in (text(), any::<u64>()),
    ) {
        let prefix_bytes = encode(&prefix);
        prop_assert_eq!(encode(&key).starts_with(&prefix_bytes), key.0 == prefix);
    }

    /// Damaged bytes are an error, never a panic.
    #[test]
    fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = <(String, OwnedUserId, u64)>::decode(&mut bytes.as_slice());
        let _ = <(OwnedDeviceId, Stamp, [u8; 4])>::decode(&mut bytes.as_slice());
        let _ = <(Position, (), i64)>::decode(&mut bytes.as_slice());
    }
}

#[test]
fn identifiers_look_up_by_their_borrowed_form() {
    let user: OwnedUserId = "@claire.martin:interieur.example".try_into().unwrap();
    let device: OwnedDeviceId = "ABCDEFGHIJ".into();
    let owned = encode(&(user.clone(), device.clone()));
    let mut borrowed = Vec::new();
    AsKey::<(OwnedUserId, OwnedDeviceId)>::encode_to(&(&*user, &*device), &mut borrowed);
    assert_eq!(owned, borrowed);
    assert_eq!(decode::<(OwnedUserId, OwnedDeviceId)>(&owned), (user, device));
}
