//! Order-preserving key encodings.
//!
//! Integers are big-endian (signed ones with the sign bit flipped); strings are escaped (`00`
//! becomes `00 FF`) and end with `00 01`, so that tuples sort part by part; tuples are the
//! concatenation of their parts.

use ruma::{
    EventId, OwnedDeviceId, OwnedEventId, OwnedMxcUri, OwnedRoomAliasId, OwnedRoomId,
    OwnedServerName, OwnedUserId, RoomAliasId, RoomId, ServerName, UserId,
};

use crate::{Position, Stamp, error::CodecError};

/// A type that a keyspace can have as its key, or as a part of it.
pub trait Key: AsKey<Self> + Sized + Send + Sync {
    /// Reads the key from the front of `input` and advances it.
    ///
    /// # Errors
    /// When the bytes are malformed.
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError>;
}

/// Something that can stand for a key of type `K` in a look-up: the key itself, a reference, or its
/// borrowed form (`&str` for `String`, `&RoomId` for `OwnedRoomId`).
pub trait AsKey<K: ?Sized> {
    /// Appends the key's order-preserving bytes to `out`.
    fn encode_to(&self, out: &mut Vec<u8>);
}

impl<K, T: AsKey<K> + ?Sized> AsKey<K> for &T {
    fn encode_to(&self, out: &mut Vec<u8>) {
        (**self).encode_to(out);
    }
}

/// The leading parts of a key of type `K`.
pub trait AsPrefix<K> {
    /// Appends the prefix's order-preserving bytes to `out`.
    fn encode_prefix_to(&self, out: &mut Vec<u8>);
}

/// A key whose last part is a [`Stamp`] that the store fills in at commit.
pub trait Stamped: Key {
    /// The parts before the stamp.
    type Prefix;
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], CodecError> {
    let (head, tail) = input.split_at_checked(length).ok_or(CodecError::KeyLength)?;
    *input = tail;
    Ok(head)
}

fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], CodecError> {
    take(input, N)?.try_into().map_err(|_| CodecError::KeyLength)
}

macro_rules! unsigned_key {
    ($($integer:ty),*) => {$(
        impl AsKey<$integer> for $integer {
            fn encode_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }

        impl Key for $integer {
            fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
                Ok(Self::from_be_bytes(take_array(input)?))
            }
        }
    )*};
}

unsigned_key!(u8, u16, u32, u64);

const SIGN: u64 = 1 << 63;

impl AsKey<i64> for i64 {
    fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.cast_unsigned() ^ SIGN).to_be_bytes());
    }
}

impl Key for i64 {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok((u64::from_be_bytes(take_array(input)?) ^ SIGN).cast_signed())
    }
}

impl AsKey<Position> for Position {
    fn encode_to(&self, out: &mut Vec<u8>) {
        self.0.encode_to(out);
    }
}

impl Key for Position {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        u64::decode(input).map(Self)
    }
}

impl AsKey<Stamp> for Stamp {
    fn encode_to(&self, out: &mut Vec<u8>) {
        self.order.encode_to(out);
        self.index.encode_to(out);
    }
}

impl Key for Stamp {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(Self { order: i64::decode(input)?, index: u16::decode(input)? })
    }
}

impl<const N: usize> AsKey<[u8; N]> for [u8; N] {
    fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Key for [u8; N] {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        take_array(input)
    }
}

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0x01;

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    for &byte in bytes {
        out.push(byte);
        if byte == ESCAPE {
            out.push(ESCAPED_ZERO);
        }
    }
    out.extend_from_slice(&[ESCAPE, END]);
}

fn decode_bytes(input: &mut &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    loop {
        match take_array::<1>(input)? {
            [ESCAPE] => match take_array::<1>(input)? {
                [END] => return Ok(bytes),
                [ESCAPED_ZERO] => bytes.push(ESCAPE),
                [other] => return Err(CodecError::Key(format!("escape 00 {other:02X}"))),
            },
            [byte] => bytes.push(byte),
        }
    }
}

impl AsKey<String> for str {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }
}

impl AsKey<Self> for String {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }
}

impl Key for String {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        Self::from_utf8(decode_bytes(input)?).map_err(|error| CodecError::Key(error.to_string()))
    }
}

macro_rules! identifier_key {
    ($($owned:ty, $borrowed:ty);* $(;)?) => {$(
        impl AsKey<$owned> for $borrowed {
            fn encode_to(&self, out: &mut Vec<u8>) {
                encode_bytes(self.as_str().as_bytes(), out);
            }
        }

        impl AsKey<$owned> for $owned {
            fn encode_to(&self, out: &mut Vec<u8>) {
                encode_bytes(self.as_str().as_bytes(), out);
            }
        }

        impl Key for $owned {
            fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
                let text = String::decode(input)?;
                <$owned>::try_from(text).map_err(|error| CodecError::Key(error.to_string()))
            }
        }
    )*};
}

identifier_key! {
    OwnedUserId, UserId;
    OwnedRoomId, RoomId;
    OwnedEventId, EventId;
    OwnedServerName, ServerName;
    OwnedRoomAliasId, RoomAliasId;
}

impl AsKey<OwnedDeviceId> for ruma::DeviceId {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_str().as_bytes(), out);
    }
}

impl AsKey<Self> for OwnedDeviceId {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_str().as_bytes(), out);
    }
}

impl Key for OwnedDeviceId {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        String::decode(input).map(Self::from)
    }
}

impl AsKey<OwnedMxcUri> for ruma::MxcUri {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_str().as_bytes(), out);
    }
}

impl AsKey<Self> for OwnedMxcUri {
    fn encode_to(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_str().as_bytes(), out);
    }
}

impl Key for OwnedMxcUri {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        String::decode(input).map(Self::from)
    }
}

macro_rules! tuple_key {
    ($($part:ident $value:ident $index:tt),+) => {
        impl<$($part: Key, $value: AsKey<$part>),+> AsKey<($($part,)+)> for ($($value,)+) {
            fn encode_to(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_to(out);)+
            }
        }

        impl<$($part: Key),+> Key for ($($part,)+) {
            fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
                Ok(($($part::decode(input)?,)+))
            }
        }
    };
}

tuple_key!(A A1 0);
tuple_key!(A A1 0, B B1 1);
tuple_key!(A A1 0, B B1 1, C C1 2);
tuple_key!(A A1 0, B B1 1, C C1 2, D D1 3);
tuple_key!(A A1 0, B B1 1, C C1 2, D D1 3, E E1 4);

macro_rules! tuple_prefix {
    ($($part:ident $value:ident $index:tt),+ ; $($rest:ident),+) => {
        impl<$($part: Key, $value: AsKey<$part>,)+ $($rest: Key),+>
            AsPrefix<($($part,)+ $($rest,)+)> for ($($value,)+)
        {
            fn encode_prefix_to(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_to(out);)+
            }
        }
    };
}

tuple_prefix!(A A1 0; B);
tuple_prefix!(A A1 0; B, C);
tuple_prefix!(A A1 0; B, C, D);
tuple_prefix!(A A1 0; B, C, D, E);
tuple_prefix!(A A1 0, B B1 1; C);
tuple_prefix!(A A1 0, B B1 1; C, D);
tuple_prefix!(A A1 0, B B1 1; C, D, E);
tuple_prefix!(A A1 0, B B1 1, C C1 2; D);
tuple_prefix!(A A1 0, B B1 1, C C1 2; D, E);
tuple_prefix!(A A1 0, B B1 1, C C1 2, D D1 3; E);

impl Stamped for (Stamp,) {
    type Prefix = ();
}
impl<A: Key> Stamped for (A, Stamp) {
    type Prefix = (A,);
}
impl<A: Key, B: Key> Stamped for (A, B, Stamp) {
    type Prefix = (A, B);
}
impl<A: Key, B: Key, C: Key> Stamped for (A, B, C, Stamp) {
    type Prefix = (A, B, C);
}

impl AsKey<Self> for () {
    fn encode_to(&self, _out: &mut Vec<u8>) {}
}

impl Key for () {
    fn decode(_input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(())
    }
}
